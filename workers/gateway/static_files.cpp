#include "workers/gateway/static_files.hpp"

#include <array>
#include <utility>

namespace switchboard::gateway {

const StaticFile* FindStaticFile(std::string_view path) {
  if (!path.starts_with('/')) {
    return nullptr;
  }
  const std::string_view name = path == "/" ? "index.html" : path.substr(1);
  for (const StaticFile& file : StaticFiles()) {
    if (file.name == name) {
      return &file;
    }
  }
  return nullptr;
}

std::string_view ContentTypeOf(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 7> kTypes = {
      {{".html", "text/html; charset=utf-8"},
       {".css", "text/css; charset=utf-8"},
       {".js", "text/javascript; charset=utf-8"},
       {".svg", "image/svg+xml"},
       {".png", "image/png"},
       {".webmanifest", "application/manifest+json"},
       {".txt", "text/plain; charset=utf-8"}}};
  for (const auto& [suffix, type] : kTypes) {
    if (name.ends_with(suffix)) {
      return type;
    }
  }
  return "application/octet-stream";
}

}  // namespace switchboard::gateway
