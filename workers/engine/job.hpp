#pragma once
// What travels between the engine and the queue. These are the values of the worker protocol; how
// they are spelled in JSON is the business of workers/store.

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "workers/providers/provider.hpp"

namespace switchboard::engine {

using std::chrono::milliseconds;

// Names one claim. The token grows with every claim of the job, so that whoever holds an older one
// can change nothing (fencing).
struct JobKey {
  std::string id;
  std::int64_t token = 0;
};

struct ClaimedJob {
  JobKey key;
  // The job as its provider sees it. For a job in doubt `sending_at` is set.
  providers::Job job;
  bool in_doubt = false;  // was perhaps sent: ask the provider, never send it again
  bool note = false;      // "sending" has to be noted before the first byte leaves
  int max_attempts = 0;
  std::string lane;  // account, or tenant for jobs without one
  std::string tenant_id;
  std::string account_id;
};

// An account as the queue stores it: its secrets are references or ciphertext.
struct StoredAccount {
  providers::Account account;  // without secrets
  std::map<std::string, std::string, std::less<>> sealed_secrets;
  std::optional<double> rate_per_second;
  std::optional<double> burst;
  std::optional<int> max_in_flight;
};

struct Finished {
  JobKey key;
  providers::Outcome outcome = providers::Outcome::kUnknown;
  std::string provider_id;
  std::string code;
  std::string error;
  std::string response_json;             // small JSON object or empty
  std::optional<milliseconds> retry_in;  // for every outcome after which the job may run again
  milliseconds took{0};
};

// Where the claim of a lane and priority starts to look. `since` is the queue's own text: it is
// handed back as it came.
struct LaneMark {
  std::string lane;
  int priority = 0;
  std::string since;
};

struct ClaimRequest {
  int limit = 0;
  bool discover = false;  // look at every lane from its beginning instead of trusting the marks
  std::vector<LaneMark> marks;
  // The most that may be claimed from a lane now; 0 for a lane that is limited or broken.
  std::vector<std::pair<std::string, int>> caps;
  int default_cap = 0;  // for lanes not named
  // From a wake-up: jobs as old as this may have been committed just now.
  std::optional<std::string> since;
};

struct WorkerStats {
  int in_flight = 0;
  std::int64_t done = 0;  // since the worker started
  std::int64_t failed = 0;
  double p50_ms = 0;
  double p99_ms = 0;
  std::string last_error;
};

struct TurnRequest {
  std::span<const Finished> finished;  // read during the call that makes the turn, not later
  std::optional<ClaimRequest> claim;
  std::optional<WorkerStats> stats;
};

struct TurnReply {
  std::vector<ClaimedJob> jobs;
  std::vector<StoredAccount> accounts;  // of the jobs
  std::vector<LaneMark> marks;
  std::optional<milliseconds> next_due;  // to the next job that becomes due, over all lanes
  bool foreign_claims = false;           // another worker holds claims: watch over it
  std::vector<std::string> stale;        // results that came too late and changed nothing
};

struct SendingReply {
  std::vector<std::string> go;
  std::vector<std::string> stop;  // fenced, or no longer allowed and disposed of by the queue
};

struct FreeReply {
  int freed = 0;
  int in_doubt = 0;
  bool foreign_claims = false;
};

struct WorkerSettings {
  int max_in_flight = 1000;
  int batch_size = 100;
  milliseconds poll_interval{60000};
  milliseconds lease{60000};
  milliseconds drain_timeout{10000};
  std::vector<std::string> egress_allow;
  bool allow_http = false;
  bool log_payloads = false;
};

struct HelloReply {
  int protocol = 0;
  std::string database;
  WorkerSettings settings;
};

}  // namespace switchboard::engine

#include "workers/core/no_server_header.hpp"
