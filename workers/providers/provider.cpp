#include "workers/providers/provider.hpp"

#include <strings.h>

#include <stdexcept>

namespace switchboard::providers {

const std::string* FindHeader(const Headers& headers, std::string_view name) {
  for (const auto& [key, value] : headers) {
    if (key.size() == name.size() && strncasecmp(key.data(), name.data(), name.size()) == 0) {
      return &value;
    }
  }
  return nullptr;
}

std::string_view OutcomeName(Outcome outcome) {
  switch (outcome) {
    case Outcome::kOk:
      return "ok";
    case Outcome::kRetry:
      return "retry";
    case Outcome::kPermanent:
      return "permanent";
    case Outcome::kSuppress:
      return "suppress";
    case Outcome::kUnknown:
      return "unknown";
    case Outcome::kAbsent:
      return "absent";
  }
  return "unknown";
}

const KindInfo* Capabilities::Find(std::string_view kind) const {
  for (const KindInfo& info : kinds) {
    if (info.kind == kind) return &info;
  }
  return nullptr;
}

Built Provider::BuildLookup(const Job&, const Account&, Instant) const {
  throw std::logic_error("provider cannot be asked about its jobs");
}

Looked Provider::InterpretLookup(const Job&, const Account&, const HttpRequest&,
                                 const HttpResponse&, Instant) const {
  throw std::logic_error("provider cannot be asked about its jobs");
}

}  // namespace switchboard::providers
