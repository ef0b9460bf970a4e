# Writes the files of a folder as a C++ source, for programs that serve them.
# usage: cmake -DFOLDER=web/wallboard -DOUTPUT=build/wallboard_files.cpp -P web/embed.cmake
file(GLOB files LIST_DIRECTORIES false RELATIVE ${FOLDER} ${FOLDER}/*)
set(arrays "")
set(rows "")
set(number 0)
foreach(name ${files})
  file(READ ${FOLDER}/${name} bytes HEX)
  file(SHA256 ${FOLDER}/${name} digest)
  string(SUBSTRING ${digest} 0 32 digest)
  string(LENGTH "${bytes}" length)
  math(EXPR length "${length} / 2")
  string(REGEX REPLACE "(..)" "'\\\\x\\1'," bytes "${bytes}")
  string(APPEND arrays "constexpr char kFile${number}[] = {${bytes}0};\n")
  string(APPEND rows "    {\"${name}\", {kFile${number}, ${length}}, \"\\\"${digest}\\\"\"},\n")
  math(EXPR number "${number} + 1")
endforeach()
file(WRITE ${OUTPUT}.new "// Made from the files of web/wallboard by web/embed.cmake.
#include \"workers/gateway/static_files.hpp\"

namespace switchboard::gateway {
namespace {

${arrays}
constexpr StaticFile kFiles[] = {
${rows}};

}  // namespace

std::span<const StaticFile> StaticFiles() { return kFiles; }

}  // namespace switchboard::gateway
")
file(RENAME ${OUTPUT}.new ${OUTPUT})
