#include <string>

#include "extension/pg/args.hpp"
#include "extension/pg/entry.hpp"
#include "extension/pg/settings.hpp"
#include "workers/core/errors.hpp"
#include "workers/core/secret_box.hpp"

namespace switchboard {
namespace {

std::string KeyFile() {
  std::string path = pg::settings::KeyFile();
  if (path.empty()) {
    throw core::MissingComponent(
        "no key to encrypt secrets with",
        "Set switchboard.key_file, or keep the secret elsewhere and store env:NAME or file:NAME.");
  }
  return path;
}

}  // namespace

// _seal_secret(plaintext text, context text) -> text
SB_SQL_FUNCTION(sb_seal_secret) {
  const core::SecretKey key = core::ReadKeyFile(KeyFile());
  return pg::ReturnText(core::Seal(key, pg::ArgText(fcinfo, 0), pg::ArgText(fcinfo, 1)));
}

// _open_secret(reference text, context text) -> text
SB_SQL_FUNCTION(sb_open_secret) {
  const std::string reference = pg::ArgText(fcinfo, 0);
  core::SecretSources sources{pg::settings::SecretsDir(), {}};
  if (core::IsSealed(reference)) {
    sources.key_file = KeyFile();
  }
  return pg::ReturnText(core::ResolveSecret(reference, sources, pg::ArgText(fcinfo, 1)));
}

}  // namespace switchboard
