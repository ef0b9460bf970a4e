#pragma once
// Places where crash tests kill a process. In a build without SB_FAULTS they are nothing.
//
// SB_FAULT=name kills this process with SIGKILL at the first hit of that place, SB_FAULT=name:n at
// the n-th. SB_FAULT_FILE names a file with one line "name n pid", which is looked at with every
// hit: at the n-th since the line was there it is removed and that process killed; pid 0 stands
// for this one. Names: after_claim, after_sending_noted, after_bytes_left, after_answer,
// before_record.

#ifdef SB_FAULTS
namespace switchboard::engine {
void HitFault(const char* name) noexcept;
}
#define SB_FAULT(name) ::switchboard::engine::HitFault(name)
#else
#define SB_FAULT(name) static_cast<void>(0)
#endif

#include "workers/core/no_server_header.hpp"
