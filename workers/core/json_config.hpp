#pragma once
// The only way to RapidJSON in this project.
//
// By default RAPIDJSON_ASSERT calls abort(), for instance on GetString() of a number: in a backend
// that restarts the whole cluster. Here it throws. RapidJSON marks some of its functions noexcept,
// where the throw would become std::terminate, so its noexcept is switched off as well.

#ifdef RAPIDJSON_RAPIDJSON_H_
#error "include workers/core/json_config.hpp before any header of RapidJSON"
#endif

namespace switchboard::core {
[[noreturn]] void ThrowJsonMisuse(const char* condition);  // core::Error, XX000
}

#define RAPIDJSON_ASSERT(x) ((x) ? static_cast<void>(0) : ::switchboard::core::ThrowJsonMisuse(#x))
#define RAPIDJSON_HAS_CXX11_NOEXCEPT 0
#define RAPIDJSON_HAS_STDSTRING 1

#include <rapidjson/document.h>
#include <rapidjson/error/en.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include "workers/core/no_server_header.hpp"
