// The main function of programs that make inputs from a seed: COUNT [SEED [FIRST]].
#pragma once

#include <array>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace vgpu::software::test {

inline bool parse_number(std::string_view text, std::uint64_t& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

/// Returns the exit status: that of `run`, or failure with `usage`, the arguments' names, on standard error.
inline int run_numbered_inputs(int argc, char** argv, const char* usage,
                               int (*run)(std::uint64_t count, std::uint64_t seed, std::uint64_t first)) {
  std::array<std::uint64_t, 3> numbers{0, 1, 0};
  bool valid = argc >= 2 && argc <= 4;
  for (int i = 1; valid && i < argc; ++i) {
    valid = parse_number(argv[i], numbers[static_cast<std::size_t>(i - 1)]);
  }
  if (!valid) {
    std::fprintf(stderr, "usage: %s %s\n", argv[0], usage);
    return EXIT_FAILURE;
  }
  return run(numbers[0], numbers[1], numbers[2]);
}

}  // namespace vgpu::software::test
