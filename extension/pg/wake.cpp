#include "extension/pg/wake.hpp"

namespace switchboard::pg {

void WakeWorkersAtCommit() {}

}  // namespace switchboard::pg
