#include "test/doubles/carrier/carrier_world.hpp"

#include "workers/core/encoding.hpp"
#include "workers/core/uuid.hpp"

namespace switchboard::carrier {

Fault World::NextFaultFor(std::string_view on, const std::string& number) {
  if (settings.next_faults.empty() && settings.faults.empty() && settings.numbers.empty()) {
    return Fault::kNone;  // the usual case, on the path of benchmarks
  }
  const std::string subject = std::string(on) + " " + number;
  Draw draw(settings.seed, "fault " + subject, requests_to_[subject]++);
  const Fault fault = ChooseFault(&settings, on, number, &draw);
  if (fault != Fault::kNone) ++faults_done[std::string(FaultName(fault))];
  return fault;
}

bool World::OverRate() {
  if (settings.rate_limit <= 0) return false;
  const auto second =
      std::chrono::floor<std::chrono::seconds>(scheduler.Now()).time_since_epoch().count();
  if (second != rate_second_) rate_count_ = 0;
  rate_second_ = second;
  return ++rate_count_ > settings.rate_limit;
}

void World::Reset() {
  ledger.Clear();
  agents.Reset();
  webhooks.ResetCounts();
  faults_done.clear();
  requests_to_.clear();
}

Answer Spoil(Answer good, Fault fault, const Settings& settings, const std::string& refusal_body) {
  const Headers retry_after{{"Retry-After", std::to_string(settings.retry_after_s)}};
  good.fault = fault;
  good.delay = std::chrono::milliseconds(settings.answer_ms);
  switch (fault) {
    case Fault::kSlow:
      good.delay = std::chrono::milliseconds(settings.slow_ms);
      break;
    case Fault::kTooMany:
      good.status = 429;
      good.headers = retry_after;
      good.body = refusal_body;
      break;
    case Fault::kUnavailable:
      good.status = 503;
      good.headers = retry_after;
      good.body = refusal_body;
      break;
    case Fault::kErrorAfter:
      good.status = 500;
      good.body = refusal_body;
      break;
    case Fault::kHugeBody:
      good.huge_bytes = settings.huge_bytes;
      break;
    default:
      break;
  }
  return good;
}

std::string QueryValue(std::string_view url, std::initializer_list<std::string_view> names) {
  const core::FormFields query = core::ParseForm(core::QueryOf(url));
  for (const std::string_view name : names) {
    if (std::string value = Field(query, name); !value.empty()) return value;
  }
  return "";
}

std::string Field(const std::vector<std::pair<std::string, std::string>>& form,
                  std::string_view name) {
  for (const auto& [key, value] : form) {
    if (key == name) return value;
  }
  return "";
}

bool IsNumber(std::string_view digits) {
  return digits.size() >= 5 && digits.size() <= 15 && digits.front() != '0' &&
         digits.find_first_not_of("0123456789") == std::string_view::npos;
}

std::string FreshId() {
  const core::Uuid uuid = core::UuidV4();
  return core::HexEncode({reinterpret_cast<const char*>(uuid.data()), uuid.size()});
}

}  // namespace switchboard::carrier
