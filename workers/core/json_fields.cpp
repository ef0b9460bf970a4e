#include "workers/core/json_fields.hpp"

#include "workers/core/utf8.hpp"

namespace switchboard::core {

namespace {

rapidjson::SizeType Size(std::string_view text) {
  return static_cast<rapidjson::SizeType>(text.size());
}

}  // namespace

JsonFields::JsonFields() : writer_(buffer_) { writer_.StartObject(); }

void JsonFields::Key(std::string_view key) { writer_.Key(key.data(), Size(key)); }

void JsonFields::String(std::string_view value) {
  if (IsValidUtf8(value)) {
    writer_.String(value.data(), Size(value));
  } else {
    const std::string valid = ValidUtf8(value);
    writer_.String(valid.data(), Size(valid));
  }
}

void JsonFields::Text(std::string_view key, std::string_view value) {
  Key(key);
  String(value);
}

void JsonFields::TextOrNull(std::string_view key, const OptText& value) {
  Key(key);
  if (value) {
    String(*value);
  } else {
    writer_.Null();
  }
}

void JsonFields::TextIfAny(std::string_view key, const OptText& value) {
  if (value) Text(key, *value);
}

void JsonFields::Raw(std::string_view key, std::string_view json) {
  Key(key);
  writer_.RawValue(json.data(), json.size(), rapidjson::kObjectType);
}

void JsonFields::RawOrNull(std::string_view key, const OptText& json) {
  Raw(key, json ? std::string_view(*json) : "null");
}

std::string JsonFields::Take() {
  writer_.EndObject();
  return {buffer_.GetString(), buffer_.GetSize()};
}

}  // namespace switchboard::core
