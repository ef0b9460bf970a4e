#pragma once
// The settings of the extension (postgresql.conf, switchboard.*). Free of server headers.
//
// Reads are plain loads of what the server keeps current; a string is valid until the next reload
// of the configuration, so copy it when waiting.

#include <chrono>

namespace switchboard::pg {

// Defines all settings. Call once, from _PG_init, with and without preloading.
void DefineSettings();

namespace settings {

const char* Databases();  // "*" or a list of names separated by commas
int Workers();            // per database
int MaxInFlight();
int BatchSize();
std::chrono::milliseconds PollInterval();
std::chrono::seconds Lease();
const char* EgressAllow();  // list of CIDRs
bool AllowHttp();
const char* JwtAudience();  // list of names
const char* JwtIssuer();
const char* JwtKeys();  // file below SecretsDir(); empty: no tokens are taken
const char* SecretsDir();
const char* KeyFile();
const char* PublicUrl();  // empty: each account says
bool LogPayloads();
const char* WorkerPath();  // empty: switchboard-worker in the server's bindir
std::chrono::milliseconds DrainTimeout();

}  // namespace settings
}  // namespace switchboard::pg
