#include "workers/providers/json_slice.hpp"

#include "workers/core/json_config.hpp"

#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>

namespace switchboard::providers {
namespace {

// Notes where the wanted value begins and ends. The parser reports a value after having read it,
// so a value begins where the one before it (its key) ended.
class MemberFinder : public rapidjson::BaseReaderHandler<rapidjson::UTF8<>, MemberFinder> {
 public:
  MemberFinder(const rapidjson::MemoryStream& stream, std::string_view key)
      : stream_(stream), key_(key) {}

  bool Default() { return Value(); }
  bool StartObject() { return Open(true); }
  bool StartArray() { return Open(false); }
  bool EndObject(rapidjson::SizeType) { return Close(); }
  bool EndArray(rapidjson::SizeType) { return Close(); }
  bool Key(const char* text, rapidjson::SizeType length, bool) {
    if (depth_ == 1 && end_ == 0 && std::string_view(text, length) == key_) {
      begin_ = stream_.Tell();
      wanted_ = true;
    }
    return true;
  }

  bool found() const { return end_ != 0; }
  std::size_t begin() const { return begin_; }
  std::size_t end() const { return end_; }

 private:
  bool Open(bool object) {
    if (depth_ == 0 && !object) return false;
    ++depth_;
    return true;
  }
  bool Close() {
    --depth_;
    // The iterative parser reports the end of a container before it takes the bracket.
    return EndsAt(stream_.Tell() + 1);
  }
  bool Value() { return EndsAt(stream_.Tell()); }
  bool EndsAt(std::size_t end) {
    if (wanted_ && depth_ == 1) {
      end_ = end;
      wanted_ = false;
    }
    return true;
  }

  const rapidjson::MemoryStream& stream_;
  std::string_view key_;
  int depth_ = 0;
  bool wanted_ = false;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace

std::optional<std::string_view> SliceMember(std::string_view json, std::string_view key) {
  rapidjson::MemoryStream stream(json.data(), json.size());
  MemberFinder finder(stream, key);
  rapidjson::Reader reader;
  constexpr unsigned kFlags =
      rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag;
  if (!reader.Parse<kFlags>(stream, finder) || !finder.found()) return std::nullopt;
  std::string_view slice = json.substr(finder.begin(), finder.end() - finder.begin());
  const std::size_t start = slice.find_first_not_of(" \t\r\n:");
  return slice.substr(start);
}

}  // namespace switchboard::providers
