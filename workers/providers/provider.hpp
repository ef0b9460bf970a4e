// A provider turns a job into an HTTP request and an HTTP response into an outcome. That is all it
// does: no sockets, no clock, no state. Every member function is const, may be called from any
// thread and depends on its arguments alone, so that each is tested from recorded files.
//
// The caller (the engine) owns transport, time limits, the egress guard, retries and back-off.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace switchboard::providers {

using Instant = std::chrono::sys_time<std::chrono::microseconds>;

// An account of a tenant at a provider. `secrets` are resolved (plain) values: they exist only in
// the memory of the worker and never reach a Result.
struct Account {
  std::string id;
  std::string tenant_id;
  std::string provider;
  std::string name;
  std::string base_url;         // empty: the provider's public address
  std::string settings = "{}";  // JSON object text
  std::map<std::string, std::string, std::less<>> secrets;
};

struct Job {
  std::string id;
  std::string kind;  // call, call.update, message, webhook
  int attempt = 1;
  std::string payload = "{}";  // JSON object text, passed on byte for byte where it is a body
  // When "sending" was noted; set for a job in doubt, whose look-up searches around this time.
  std::optional<Instant> sending_at;
};

using Headers = std::vector<std::pair<std::string, std::string>>;

// The first header of that name in any letter case, nullptr when there is none.
const std::string* FindHeader(const Headers& headers, std::string_view name);

struct HttpRequest {
  std::string method = "POST";
  std::string url;
  Headers headers;  // Content-Type included when there is a body
  std::string body;
  // libcurl repeats a POST by itself when a reused connection dies before the answer; a request
  // that must not happen twice asks for a connection of its own.
  bool fresh_connection = false;
  std::chrono::milliseconds timeout{15000};
  std::size_t max_response_bytes = std::size_t{256} * 1024;
};

enum class Transport {
  kAnswered,     // a complete answer: status, headers and body are valid
  kNotResolved,  // name look-up failed
  kRefused,      // no connection: refused or unreachable
  kTls,          // handshake or certificate failed
  kTimeout,      // before or after sending: request_bytes tells
  kReset,        // closed, reset, empty or half an answer
  kTooBig,       // the answer exceeded max_response_bytes; status and headers are valid
  kBlocked,      // the egress guard refused the address or the scheme
  kBadRequest,   // the request cannot be made: malformed URL, unsupported scheme
};

struct HttpResponse {
  Transport transport = Transport::kAnswered;
  std::int64_t request_bytes = 0;  // 0: nothing left us, repeating is safe
  int status = 0;
  Headers headers;
  std::string body;
  std::string transport_error;  // the transport's own words; holds no header and no URL userinfo
};

enum class Outcome {
  kOk,         // the provider took it
  kRetry,      // certainly not processed, may work later
  kPermanent,  // certainly not processed, never will be as it stands
  kSuppress,   // permanent, and about this recipient
  kUnknown,    // it left us, no trustworthy answer came
  kAbsent,     // look-up only: the provider's list was read and does not hold it
};
std::string_view OutcomeName(Outcome outcome);  // "ok", "retry", … as the queue spells them

struct Result {
  Outcome outcome = Outcome::kUnknown;
  std::string provider_id;    // the provider's id of the call or message
  std::string code;           // the provider's code, else "http_503", "timeout", …
  std::string error;          // for people; never holds a secret or the text of a message
  std::string response_json;  // small JSON object for the records, or empty
  // Least wait asked for by the provider; the engine adds its own back-off and caps it.
  std::optional<std::chrono::milliseconds> retry_after;
  // The account, not this job, is at fault (credentials, suspended, endpoint gone): open its
  // circuit.
  bool account_fault = false;
};

// Either a request to send, or the reason why none can be made (never kOk).
using Built = std::variant<HttpRequest, Result>;
// Either the answer, or one more request to ask first (next page, next list).
using Looked = std::variant<Result, HttpRequest>;

struct KindInfo {
  std::string_view kind;
  // Repeating it does harm: note "sending" durably before the first byte leaves.
  bool repeat_harms = false;
  // The provider can be asked whether it took a job in doubt.
  bool can_look_up = false;
};

struct Capabilities {
  std::span<const KindInfo> kinds;
  const KindInfo* Find(std::string_view kind) const;  // nullptr: not supported
};

class Provider {
 public:
  virtual ~Provider() = default;
  virtual std::string_view name() const = 0;
  virtual Capabilities capabilities() const = 0;

  // `now` is stamped into requests that carry a time (signatures).
  virtual Built BuildRequest(const Job& job, const Account& account, Instant now) const = 0;
  virtual Result Interpret(const Job& job, const Account& account, const HttpResponse& response,
                           Instant now) const = 0;

  // Settles a job in doubt. Only for kinds with can_look_up. Outcomes: kOk with the provider's id,
  // kAbsent only when every list was really read and nothing matches and enough time has passed for
  // the provider to list it, kRetry when it could not be asked or it is too early to tell.
  virtual Built BuildLookup(const Job& job, const Account& account, Instant now) const;
  virtual Looked InterpretLookup(const Job& job, const Account& account, const HttpRequest& asked,
                                 const HttpResponse& response, Instant now) const;
};

// The provider of that name, nullptr when there is none. Providers live as long as the program.
const Provider* FindProvider(std::string_view name);

}  // namespace switchboard::providers

#include "workers/core/no_server_header.hpp"
