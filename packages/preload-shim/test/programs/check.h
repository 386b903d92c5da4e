// Shared by the runtime-API test programs: stop at the first wrong status or value and say which one it was.
#pragma once

#include <cuda_runtime.h>

#include <cstdarg>
#include <cstdio>
#include <cstdlib>

/// Prints one line and ends the program with status 1.
[[noreturn]] __attribute__((format(printf, 3, 4))) inline void fail(const char* file, int line,
                                                                    const char* format, ...) {
  std::printf("FAILED %s:%d: ", file, line);
  va_list arguments;
  va_start(arguments, format);
  std::vprintf(format, arguments);
  va_end(arguments);
  std::printf("\n");
  std::exit(1);
}

/// Prints the one line of a program that succeeded; its result is main's.
__attribute__((format(printf, 1, 2))) inline int passed(const char* format, ...) {
  std::printf("ok ");
  va_list arguments;
  va_start(arguments, format);
  std::vprintf(format, arguments);
  va_end(arguments);
  std::printf("\n");
  return 0;
}

inline void expect_status(cudaError_t status, cudaError_t expected, const char* call, const char* file,
                          int line) {
  if (status != expected) {
    fail(file, line, "%s returned %d (%s), expected %d (%s)", call, status, cudaGetErrorName(status),
         expected, cudaGetErrorName(expected));
  }
}

#define CHECK(call) expect_status((call), cudaSuccess, #call, __FILE__, __LINE__)
#define EXPECT_STATUS(call, expected) expect_status((call), (expected), #call, __FILE__, __LINE__)
#define REQUIRE(condition, ...)                              \
  do {                                                       \
    if (!(condition)) fail(__FILE__, __LINE__, __VA_ARGS__); \
  } while (false)
