#pragma once
// Places where crash tests kill the process. In a build without SB_FAULTS they are nothing.
//
// SB_FAULT=name kills the process with SIGKILL at the first hit of that place, SB_FAULT=name:n at
// the n-th. Names: after_claim, after_sending_noted, after_bytes_left, after_answer, before_record.

#ifdef SB_FAULTS
namespace switchboard::engine {
void HitFault(const char* name) noexcept;
}
#define SB_FAULT(name) ::switchboard::engine::HitFault(name)
#else
#define SB_FAULT(name) static_cast<void>(0)
#endif

#include "workers/core/no_server_header.hpp"
