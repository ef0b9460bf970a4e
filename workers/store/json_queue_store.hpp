#pragma once
// QueueStore that speaks the worker protocol over a channel.

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "workers/engine/clock.hpp"
#include "workers/engine/log_sink.hpp"
#include "workers/engine/queue_store.hpp"
#include "workers/store/store_channel.hpp"
#include "workers/store/store_protocol.hpp"

namespace switchboard::store {

class JsonQueueStore final : public engine::QueueStore, private StoreChannel::Listener {
 public:
  JsonQueueStore(std::unique_ptr<StoreChannel> channel, WorkerIdentity identity,
                 const engine::Clock& clock, engine::LogSink& log);

  void SetListener(engine::QueueStore::Listener* listener) override { listener_ = listener; }
  bool wakes() const override { return channel_->wakes(); }

  void Hello(std::span<const engine::JobKey> held,
             engine::StoreCallback<engine::HelloReply> callback) override;
  void Turn(const engine::TurnRequest& request,
            engine::StoreCallback<engine::TurnReply> callback) override;
  void NoteSending(std::span<const engine::JobKey> jobs,
                   engine::StoreCallback<engine::SendingReply> callback) override;
  void Renew(std::span<const engine::JobKey> jobs, engine::milliseconds lease,
             engine::StoreCallback<std::vector<std::string>> callback) override;
  void Release(std::span<const engine::JobKey> jobs,
               engine::StoreCallback<engine::Done> callback) override;
  void Free(engine::StoreCallback<engine::FreeReply> callback) override;
  void Goodbye(engine::StoreCallback<engine::Done> callback) override;

  void Work();
  std::optional<engine::TimePoint> NextDeadline() const;

 private:
  // Takes the reply's text, or what went wrong.
  using Handler = std::function<void(std::variant<std::string_view, engine::StoreError>)>;

  template <class T, class Decode>
  Handler Decoding(engine::StoreCallback<T> callback, Decode decode);
  void Ask(core::FrameOp op, std::string json, Handler handler);

  void OnConnected() override;
  void OnDisconnected(const std::string& reason) override;
  void OnGone(const std::string& reason) override;
  void OnReply(std::string_view json) override;
  void OnFailure(const std::string& sqlstate, const std::string& message) override;
  void OnPush(core::FrameOp op, std::string_view json) override;
  Handler NextHandler();

  std::unique_ptr<StoreChannel> channel_;
  WorkerIdentity identity_;
  const engine::Clock& clock_;
  engine::LogSink& log_;
  engine::QueueStore::Listener* listener_ = nullptr;
  bool connected_ = false;
  std::deque<Handler> asked_;    // in the order in which replies will come
  std::deque<Handler> refused_;  // asked while there was no connection
};

}  // namespace switchboard::store

#include "workers/core/no_server_header.hpp"
