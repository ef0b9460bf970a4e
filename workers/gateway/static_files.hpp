#pragma once
// The files of web/wallboard, a part of the program.

#include <span>
#include <string_view>

namespace switchboard::gateway {

struct StaticFile {
  std::string_view name;  // below web/wallboard
  std::string_view content;
  std::string_view etag;  // quoted digest of the content
};

// All of them; written by the build (web/embed.cmake).
std::span<const StaticFile> StaticFiles();

// The file at this path; "/" is index.html. Null when there is none.
const StaticFile* FindStaticFile(std::string_view path);

// By the end of the name.
std::string_view ContentTypeOf(std::string_view name);

}  // namespace switchboard::gateway

#include "workers/core/no_server_header.hpp"
