#pragma once
// The queue as the engine sees it. Every call is one short transaction at the other end and is
// answered later, from the event loop, so that database and network overlap.
//
// Calls are carried out in the order they were made. Each callback is called exactly once, never
// from inside the call itself. When the connection is lost all calls under way are answered with
// `lost`: whether they took effect is then unknown, and all of them may be made again after a new
// Hello (results and notes are recognised by their token).

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "workers/engine/job.hpp"

namespace switchboard::engine {

struct StoreError {
  std::string sqlstate;  // empty when the connection was lost
  std::string message;
  bool lost = false;
};

template <class T>
using StoreResult = std::variant<T, StoreError>;
template <class T>
using StoreCallback = std::function<void(StoreResult<T>)>;

struct Done {};

class QueueStore {
 public:
  // Told about what happens without being asked. Called from the event loop.
  class Listener {
   public:
    virtual ~Listener() = default;
    // A connection stands; Hello is to be the first call on it.
    virtual void OnConnected() = 0;
    // The connection is lost and is being made again.
    virtual void OnDisconnected(const std::string& reason) = 0;
    // No connection could be made for too long, or the other end closed for good.
    virtual void OnGone(const std::string& reason) = 0;
    // Jobs were committed. `since` as in LaneMark, nothing when unknown.
    virtual void OnWake(std::optional<std::string_view> since) = 0;
    virtual void OnStop() = 0;
    virtual void OnSettings(const WorkerSettings& settings) = 0;
  };

  virtual ~QueueStore() = default;
  virtual void SetListener(Listener* listener) = 0;
  // Whether OnWake is called at every commit of new jobs; else the engine polls.
  virtual bool wakes() const = 0;

  // `held`: the claims this worker still works on or has unrecorded results of; others it had are
  // freed (their reply was lost with a connection).
  virtual void Hello(std::span<const JobKey> held, StoreCallback<HelloReply> callback) = 0;
  // Records what was answered and claims what is next in one commit.
  virtual void Turn(const TurnRequest& request, StoreCallback<TurnReply> callback) = 0;
  // Durable before the first byte of a request leaves that must not be repeated.
  virtual void NoteSending(std::span<const JobKey> jobs, StoreCallback<SendingReply> callback) = 0;
  // Answers the ids that are ours no more.
  virtual void Renew(std::span<const JobKey> jobs, milliseconds lease,
                     StoreCallback<std::vector<std::string>> callback) = 0;
  // Gives back jobs that were not sent; their attempt does not count.
  virtual void Release(std::span<const JobKey> jobs, StoreCallback<Done> callback) = 0;
  // Frees the claims of workers that are gone.
  virtual void Free(StoreCallback<FreeReply> callback) = 0;
  virtual void Goodbye(StoreCallback<Done> callback) = 0;
};

}  // namespace switchboard::engine

#include "workers/core/no_server_header.hpp"
