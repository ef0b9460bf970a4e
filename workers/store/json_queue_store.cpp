#include "workers/store/json_queue_store.hpp"

#include <exception>
#include <utility>

#include "workers/core/json.hpp"

namespace switchboard::store {
namespace {

using core::FrameOp;
using engine::Done;
using engine::StoreError;

// A reply of ours that cannot be read: a bug, or versions that do not fit.
constexpr char kUnreadable[] = "XX000";

StoreError Lost(const std::string& reason) { return {"", reason, true}; }

Done DecodeNothing(std::string_view) { return {}; }

}  // namespace

JsonQueueStore::JsonQueueStore(std::unique_ptr<StoreChannel> channel, WorkerIdentity identity,
                               const engine::Clock& clock, engine::LogSink& log)
    : channel_(std::move(channel)), identity_(std::move(identity)), clock_(clock), log_(log) {
  channel_->SetListener(this);
}

template <class T, class Decode>
JsonQueueStore::Handler JsonQueueStore::Decoding(engine::StoreCallback<T> callback, Decode decode) {
  return [callback = std::move(callback), decode](std::variant<std::string_view, StoreError> got) {
    if (auto* error = std::get_if<StoreError>(&got)) {
      callback(std::move(*error));
      return;
    }
    engine::StoreResult<T> result;
    try {
      result = decode(std::get<std::string_view>(got));
    } catch (const std::exception& error) {
      result = StoreError{kUnreadable, error.what(), false};
    }
    callback(std::move(result));
  };
}

void JsonQueueStore::Ask(FrameOp op, std::string json, Handler handler) {
  if (!connected_) {
    refused_.push_back(std::move(handler));
    return;
  }
  asked_.push_back(std::move(handler));
  channel_->Request(op, std::move(json));
}

void JsonQueueStore::Hello(std::span<const engine::JobKey> held,
                           engine::StoreCallback<engine::HelloReply> callback) {
  Ask(FrameOp::kHello, EncodeHello(identity_, held), Decoding(std::move(callback), DecodeHello));
}

void JsonQueueStore::Turn(const engine::TurnRequest& request,
                          engine::StoreCallback<engine::TurnReply> callback) {
  Ask(FrameOp::kTurn, EncodeTurn(identity_.key, request),
      Decoding(std::move(callback),
               [this](std::string_view json) { return DecodeTurn(json, clock_.WallNow()); }));
}

void JsonQueueStore::NoteSending(std::span<const engine::JobKey> jobs,
                                 engine::StoreCallback<engine::SendingReply> callback) {
  Ask(FrameOp::kNoteSending, EncodeKeys(identity_.key, jobs),
      Decoding(std::move(callback), DecodeSending));
}

void JsonQueueStore::Renew(std::span<const engine::JobKey> jobs, engine::milliseconds lease,
                           engine::StoreCallback<std::vector<std::string>> callback) {
  Ask(FrameOp::kRenew, EncodeRenew(identity_.key, jobs, lease),
      Decoding(std::move(callback), DecodeLost));
}

void JsonQueueStore::Release(std::span<const engine::JobKey> jobs,
                             engine::StoreCallback<Done> callback) {
  Ask(FrameOp::kRelease, EncodeKeys(identity_.key, jobs),
      Decoding(std::move(callback), DecodeNothing));
}

void JsonQueueStore::Free(engine::StoreCallback<engine::FreeReply> callback) {
  Ask(FrameOp::kFree, "{}", Decoding(std::move(callback), DecodeFree));
}

void JsonQueueStore::Goodbye(engine::StoreCallback<Done> callback) {
  Ask(FrameOp::kGoodbye, EncodeGoodbye(identity_.key),
      Decoding(std::move(callback), DecodeNothing));
}

void JsonQueueStore::Work() {
  std::deque<Handler> refused;
  refused.swap(refused_);
  for (const Handler& handler : refused) handler(Lost("no connection to the queue"));
  channel_->Work();
}

std::optional<engine::TimePoint> JsonQueueStore::NextDeadline() const {
  return refused_.empty() ? channel_->NextDeadline() : clock_.Now();
}

void JsonQueueStore::OnConnected() {
  connected_ = true;
  listener_->OnConnected();
}

void JsonQueueStore::OnDisconnected(const std::string& reason) {
  connected_ = false;
  std::deque<Handler> lost;
  lost.swap(asked_);
  for (const Handler& handler : lost) handler(Lost(reason));
  listener_->OnDisconnected(reason);
}

void JsonQueueStore::OnGone(const std::string& reason) { listener_->OnGone(reason); }

JsonQueueStore::Handler JsonQueueStore::NextHandler() {
  if (asked_.empty()) {
    log_.Log(engine::LogLevel::kError, "the queue answered what nobody asked");
    return [](const auto&) {};
  }
  Handler handler = std::move(asked_.front());
  asked_.pop_front();
  return handler;
}

void JsonQueueStore::OnReply(std::string_view json) { NextHandler()(json); }

void JsonQueueStore::OnFailure(const std::string& sqlstate, const std::string& message) {
  NextHandler()(StoreError{sqlstate, message, false});
}

void JsonQueueStore::OnPush(FrameOp op, std::string_view json) {
  try {
    if (op == FrameOp::kStop) {
      listener_->OnStop();
    } else if (op == FrameOp::kSettings) {
      listener_->OnSettings(DecodeSettings(json));
    } else if (op == FrameOp::kWake) {
      const auto document = core::TryParseJson(json);
      listener_->OnWake(document ? core::FindString(*document, "since") : std::nullopt);
    }
  } catch (const std::exception& error) {
    log_.Log(engine::LogLevel::kError, std::string("unreadable frame: ") + error.what());
  }
}

}  // namespace switchboard::store
