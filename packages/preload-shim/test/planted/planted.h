// What the programs with planted mistakes share.
#pragma once

#include <cstring>

#include "../programs/check.h"

/// Which mistake to make: the program's only argument.
class Mode {
 public:
  Mode(int count, char** arguments) {
    REQUIRE(count == 2, "one mode, please");
    name_ = arguments[1];
  }
  bool is(const char* name) const { return std::strcmp(name_, name) == 0; }
  const char* name() const { return name_; }

 private:
  const char* name_ = nullptr;
};

inline int* device_integers(int count) {
  int* values = nullptr;
  CHECK(cudaMalloc(&values, count * sizeof(int)));
  return values;
}
