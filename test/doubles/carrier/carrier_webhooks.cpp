#include "test/doubles/carrier/carrier_webhooks.hpp"

namespace switchboard::carrier {
namespace {

// Wide enough to put the events of one call out of order even at high speed.
constexpr double kShuffleMs = 300;

}  // namespace

WebhookPoster::WebhookPoster(HttpClient& client, Scheduler& scheduler, const Settings& settings)
    : client_(client), scheduler_(scheduler), settings_(settings) {}

void WebhookPoster::Post(Outgoing webhook) {
  Draw draw(settings_.seed, "webhook", ordinal_++);
  const int copies = draw.Uniform() < settings_.repeat ? 2 : 1;
  if (copies > 1) ++counts_.repeated;
  for (int copy = 0; copy < copies; ++copy) {
    double delay_ms = draw.Uniform() * settings_.late_ms;
    if (settings_.shuffle) delay_ms += draw.Uniform() * kShuffleMs;
    if (delay_ms == 0) {
      Send(webhook);
    } else {
      scheduler_.After(std::chrono::microseconds(static_cast<std::int64_t>(delay_ms * 1000)),
                       [this, webhook] { Send(webhook); });
    }
  }
}

void WebhookPoster::Send(Outgoing webhook) {
  ++counts_.posted;
  client_.Send(std::move(webhook), [this](const Reply& reply) {
    if (reply.status == 0) {
      ++counts_.failed;
    } else {
      ++counts_.by_status[reply.status];
    }
  });
}

void WebhookPoster::Fetch(Outgoing request, OnReply on_reply) {
  client_.Send(std::move(request), std::move(on_reply));
}

}  // namespace switchboard::carrier
