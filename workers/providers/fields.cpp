#include "workers/providers/fields.hpp"

namespace switchboard::providers {

std::string BaseUrl(const Account& account, std::string_view provider_default) {
  std::string_view url = account.base_url.empty() ? provider_default : account.base_url;
  while (url.ends_with('/')) url.remove_suffix(1);
  return std::string(url);
}

std::string_view Secret(const Account& account, std::string_view name) {
  const auto found = account.secrets.find(name);
  return found == account.secrets.end() ? std::string_view() : std::string_view(found->second);
}

std::string Digits(std::string_view number) {
  if (number.starts_with('+')) number.remove_prefix(1);
  return std::string(number);
}

std::string Text(const core::JsonValue& object, std::string_view key) {
  return core::FindText(object, key).value_or("");
}

}  // namespace switchboard::providers
