#pragma once
// Version 1 of the worker protocol in JSON: what the functions switchboard._worker_… take and give.

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "workers/engine/job.hpp"

namespace switchboard::store {

struct WorkerIdentity {
  std::string key;   // unique among all workers of the database
  std::string kind;  // child, standalone
  int pid = 0;
  std::string host;
  std::string version;
};

std::string EncodeHello(const WorkerIdentity& identity, std::span<const engine::JobKey> held);
std::string EncodeTurn(std::string_view worker, const engine::TurnRequest& request);
// For note sending and release.
std::string EncodeKeys(std::string_view worker, std::span<const engine::JobKey> jobs);
std::string EncodeRenew(std::string_view worker, std::span<const engine::JobKey> jobs,
                        engine::milliseconds lease);
std::string EncodeGoodbye(std::string_view worker);

// They throw core::Error for what is not JSON; members that are missing or of another type keep
// their defaults, so that both ends may be upgraded one after the other.
engine::HelloReply DecodeHello(std::string_view json);
engine::WorkerSettings DecodeSettings(std::string_view json);
// `now` is what ages in the reply are counted from.
engine::TurnReply DecodeTurn(std::string_view json, providers::Instant now);
engine::SendingReply DecodeSending(std::string_view json);
std::vector<std::string> DecodeLost(std::string_view json);
engine::FreeReply DecodeFree(std::string_view json);

}  // namespace switchboard::store

#include "workers/core/no_server_header.hpp"
