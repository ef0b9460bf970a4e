#include <chrono>

#include "extension/pg/args.hpp"
#include "extension/pg/entry.hpp"
#include "workers/core/uuid.hpp"

namespace switchboard {

// uuid_v7() -> uuid
SB_SQL_FUNCTION(sb_uuid_v7) {
  return pg::ReturnUuid(core::UuidV7(std::chrono::system_clock::now()));
}

}  // namespace switchboard
