#include "test/doubles/carrier/carrier_inbound.hpp"

#include <cmath>

#include "test/doubles/carrier/carrier_fault.hpp"
#include "workers/core/errors.hpp"

namespace switchboard::carrier {
namespace {

std::string Text(const core::JsonValue& json, std::string_view name, const char* otherwise = "") {
  return std::string(core::FindString(json, name).value_or(otherwise));
}

}  // namespace

double InboundOrder::Patience(const World& world, const Call& call) const {
  if (exact) return patience_s;
  Draw draw(world.settings.seed, "patience " + call.from, call.index);
  return -std::log(1 - draw.Uniform()) * patience_s;
}

InboundOrder ReadInboundOrder(const core::JsonValue& json) {
  InboundOrder order;
  if (json.IsObject()) {
    const std::string from = Text(json, "from");
    if (from.starts_with('+') && IsNumber(from.substr(1))) order.from = std::stoull(from.substr(1));
    order.provider = Text(json, "provider");
    order.url = Text(json, "url");
    order.status_url = Text(json, "status_url");
    order.to = Text(json, "to");
    order.account = Text(json, "account");
    order.token = Text(json, "token");
    order.method = Text(json, "method", "POST");
    order.key = Text(json, "key");
    order.count = static_cast<int>(core::FindInt(json, "count").value_or(1));
    order.every_s = core::FindNumber(json, "every_s").value_or(0);
    order.patience_s = core::FindNumber(json, "patience_s").value_or(order.patience_s);
    order.exact = core::FindBool(json, "exact").value_or(false);
  }
  const bool known = order.provider == "twilio" || order.provider == "vonage";
  if (!known || order.url.empty() || order.to.empty() || order.from == 0 || order.count < 1 ||
      order.every_s < 0 || order.patience_s < 0) {
    throw core::BadArgument("no inbound calls: " + core::ToJson(json));
  }
  return order;
}

void PlaceInboundCalls(World& world, const InboundOrder& order, const TakeCall& take) {
  for (int n = 0; n < order.count; ++n) {
    world.simulation.AfterSimulated(n * order.every_s, [order, take, n] {
      take(order, "+" + std::to_string(order.from + static_cast<std::uint64_t>(n)));
    });
  }
}

Call& AddInboundCall(World& world, const InboundOrder& order, const std::string& from,
                     const std::string& id) {
  Call call;
  call.provider = order.provider;
  call.id = id;
  call.account = order.account;
  call.from = from;
  call.to = order.to;
  call.inbound = true;
  call.key = order.key;
  call.status_callback = order.status_url;
  call.events.insert("completed");
  call.plan = world.simulation.Plan(from, world.ledger.TimesDialed(from));
  call.accepted = world.scheduler.Now();
  return world.ledger.AddCall(std::move(call));
}

}  // namespace switchboard::carrier
