// An external call system: packages come in by signed webhook (/packages/…), each is called once
// however often it is delivered, and the progress of the call is reported back, signed with the
// same secret.
#pragma once

#include <string>
#include <unordered_map>

#include "test/doubles/carrier/carrier_world.hpp"
#include "workers/core/json.hpp"

namespace switchboard::carrier {

class PackagesFront {
 public:
  explicit PackagesFront(World& world) : world_(world) {}

  Answer Handle(const Request& request);

  std::size_t delivered() const { return delivered_; }  // repeats included
  std::size_t refused() const { return refused_; }      // bad signature
  void Reset();

 private:
  bool IsGenuine(const Request& request, const std::string& id) const;
  Call& Place(const std::string& id, const std::string& to, const core::JsonValue& body,
              const Request& request, Fault fault);
  void OnStep(Call& call);

  World& world_;
  std::unordered_map<std::string, Call*> call_by_message_;  // by webhook-id
  std::size_t delivered_ = 0;
  std::size_t refused_ = 0;
};

}  // namespace switchboard::carrier
