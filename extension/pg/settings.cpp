#include "extension/pg/settings.hpp"

#include "extension/pg/guard.hpp"

namespace switchboard::pg {
namespace {

struct TextSetting {
  const char* name;
  char** value;
  const char* preset;
  int flags;
  const char* summary;
};
struct IntSetting {
  const char* name;
  int* value;
  int preset, min, max;
  int flags;
  const char* summary;
};
struct BoolSetting {
  const char* name;
  bool* value;
  bool preset;
  const char* summary;
};

char* cors_origins;
char* databases;
char* egress_allow;
char* jwt_audience;
char* jwt_issuer;
char* jwt_keys;
char* key_file;
char* public_url;
char* secrets_dir;
char* worker_path;
char* tenant_id;
char* user_id;
int batch_size;
int drain_timeout;
int lease_seconds;
int max_in_flight;
int poll_interval;
int workers;
bool allow_http;
bool log_payloads;

constexpr TextSetting kTexts[] = {
    {"switchboard.cors_origins", &cors_origins, "", GUC_LIST_INPUT,
     "Origins whose pages may use the HTTP API from a browser, or * for all."},
    {"switchboard.databases", &databases, "*", GUC_LIST_INPUT,
     "Databases whose queue is worked on, or * for every one that has the extension."},
    {"switchboard.egress_allow", &egress_allow, "", GUC_LIST_INPUT,
     "Private networks (CIDR) that workers may connect to all the same."},
    {"switchboard.jwt_audience", &jwt_audience, "", GUC_LIST_INPUT,
     "Names of this service, one of which a token must be for."},
    {"switchboard.jwt_issuer", &jwt_issuer, "", 0,
     "Who a token must be from; empty means whoever has one of the keys."},
    {"switchboard.jwt_keys", &jwt_keys, "", GUC_SUPERUSER_ONLY,
     "File below switchboard.secrets_dir with the keys that tokens are signed with."},
    {"switchboard.key_file", &key_file, "", GUC_SUPERUSER_ONLY,
     "File with the 32-byte key that secrets are encrypted with."},
    {"switchboard.public_url", &public_url, "", 0,
     "Where providers reach the gateway, for accounts whose settings do not say."},
    {"switchboard.secrets_dir", &secrets_dir, "", GUC_SUPERUSER_ONLY,
     "Folder that secrets written as file:NAME are read from."},
    {"switchboard.worker_path", &worker_path, "", GUC_SUPERUSER_ONLY,
     "Program to start as worker; empty means switchboard-worker of this installation."},
};

// Whose request a transaction carries. They are values of a transaction, not configuration: written
// by set_identity() and believed only for sessions that may assert an identity.
constexpr TextSetting kIdentityTexts[] = {
    {"switchboard.tenant_id", &tenant_id, "", 0, "Tenant asserted by set_identity()."},
    {"switchboard.user_id", &user_id, "", 0, "User asserted by set_identity()."},
};

constexpr IntSetting kInts[] = {
    {"switchboard.batch_size", &batch_size, 100, 1, 10000, 0, "Jobs claimed by a worker at once."},
    {"switchboard.drain_timeout", &drain_timeout, 10000, 0, 600000, GUC_UNIT_MS,
     "How long running transfers may go on at shutdown."},
    {"switchboard.lease_seconds", &lease_seconds, 60, 5, 3600, GUC_UNIT_S,
     "How long a claim lasts without being renewed."},
    {"switchboard.max_in_flight", &max_in_flight, 1000, 1, 100000, 0,
     "Transfers a worker runs at once."},
    {"switchboard.poll_interval", &poll_interval, 60000, 10, 3600000, GUC_UNIT_MS,
     "Longest time a worker sleeps without looking at the queue."},
    {"switchboard.workers", &workers, 1, 0, 64, 0, "Background workers per database."},
};

constexpr BoolSetting kBools[] = {
    {"switchboard.allow_http", &allow_http, false, "Lets workers use plain http."},
    {"switchboard.log_payloads", &log_payloads, false,
     "Lets payloads of customers appear in the server log."},
};

void DefineSettingsPg() {
  for (const TextSetting& s : kTexts) {
    DefineCustomStringVariable(s.name, s.summary, nullptr, s.value, s.preset, PGC_SIGHUP, s.flags,
                               nullptr, nullptr, nullptr);
  }
  for (const IntSetting& s : kInts) {
    DefineCustomIntVariable(s.name, s.summary, nullptr, s.value, s.preset, s.min, s.max, PGC_SIGHUP,
                            s.flags, nullptr, nullptr, nullptr);
  }
  for (const BoolSetting& s : kBools) {
    DefineCustomBoolVariable(s.name, s.summary, nullptr, s.value, s.preset, PGC_SIGHUP, 0, nullptr,
                             nullptr, nullptr);
  }
  for (const TextSetting& s : kIdentityTexts) {
    DefineCustomStringVariable(s.name, s.summary, nullptr, s.value, s.preset, PGC_USERSET,
                               GUC_NO_SHOW_ALL | GUC_NOT_IN_SAMPLE | GUC_DISALLOW_IN_FILE, nullptr,
                               nullptr, nullptr);
  }
  MarkGUCPrefixReserved("switchboard");
}

}  // namespace

void DefineSettings() { CallPg(DefineSettingsPg); }

namespace settings {

const char* Databases() { return databases; }
int Workers() { return workers; }
int MaxInFlight() { return max_in_flight; }
int BatchSize() { return batch_size; }
std::chrono::milliseconds PollInterval() { return std::chrono::milliseconds(poll_interval); }
std::chrono::seconds Lease() { return std::chrono::seconds(lease_seconds); }
const char* EgressAllow() { return egress_allow; }
bool AllowHttp() { return allow_http; }
const char* JwtAudience() { return jwt_audience; }
const char* JwtIssuer() { return jwt_issuer; }
const char* JwtKeys() { return jwt_keys; }
const char* SecretsDir() { return secrets_dir; }
const char* KeyFile() { return key_file; }
const char* PublicUrl() { return public_url; }
bool LogPayloads() { return log_payloads; }
const char* WorkerPath() { return worker_path; }
std::chrono::milliseconds DrainTimeout() { return std::chrono::milliseconds(drain_timeout); }

}  // namespace settings
}  // namespace switchboard::pg
