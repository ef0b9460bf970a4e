#pragma once
// What is dear to make and asked for again and again, under its name.

#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace switchboard::core {

// Holds at most `kMost` values. When there are more it begins anew: whoever uses more than that at
// once pays for making them, never with memory. A reference lives until the next call of Get().
template <class Value, std::size_t kMost>
class BoundedCache {
 public:
  // The value under `key`, made by make() on first use. If that throws nothing is kept.
  template <class Make>
  Value& Get(std::string_view key, Make make) {
    if (last_ != nullptr && last_->first == key) return last_->second;
    auto found = values_.find(std::string(key));
    if (found == values_.end()) {
      Value made = make();
      last_ = nullptr;
      if (values_.size() >= kMost) values_.clear();
      found = values_.emplace(std::string(key), std::move(made)).first;
    }
    last_ = &*found;
    return last_->second;
  }

  std::size_t size() const { return values_.size(); }

 private:
  using Map = std::unordered_map<std::string, Value>;
  Map values_;
  typename Map::value_type* last_ = nullptr;
};

}  // namespace switchboard::core

#include "workers/core/no_server_header.hpp"
