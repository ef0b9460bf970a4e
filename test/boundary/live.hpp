#pragma once
// An object that is counted: what is left after an error has leaked.

namespace switchboard::boundary {

struct Live {
  Live() { ++count; }
  Live(const Live&) { ++count; }
  Live& operator=(const Live&) = default;
  ~Live() { --count; }
  inline static int count = 0;
};

}  // namespace switchboard::boundary
