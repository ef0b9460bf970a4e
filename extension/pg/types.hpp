#pragma once
// The two server types that cross the border, declared without the server's headers, so that code
// in regime B can carry them but cannot look inside.

#include <cstdint>

struct FunctionCallInfoBaseData;
typedef struct FunctionCallInfoBaseData* FunctionCallInfo;
typedef std::uintptr_t Datum;
