// All instruction sets write the same fields of pairs, and nothing beside them.
#include "compute/stream_kernel.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <string>
#include <vector>

#include "compute/memory.h"

namespace {

using namespace vgpu::compute;

struct Path {
  std::string name;
  StreamFields fields;
};

/** Those that this processor has. */
std::vector<Path> pathsHere() {
  std::vector<Path> found;
#ifdef VGPU_X86_PATHS
  if (__builtin_cpu_supports("avx2")) found.push_back({"avx2", avx2::streamFields()});
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")) {
    found.push_back({"avx512", avx512::streamFields()});
  }
#endif
  if (found.empty()) MESSAGE("skipped: this processor has no kernel that writes fields of pairs");
  return found;
}

TEST_CASE("of each pair one number is written, for whole cache lines") {
  constexpr std::size_t kMostLines = 5;
  constexpr std::uint32_t kUntouched = 0xdead'beef;
  // As many as are read, from where no vector begins.
  std::vector<std::uint32_t> pairs(2 * kLineNumbers * kMostLines);
  std::iota(pairs.begin(), pairs.end(), 1000U);
  for (const Path& path : pathsHere()) {
    CAPTURE(path.name);
    for (std::size_t lines = 0; lines <= kMostLines; ++lines) {
      CAPTURE(lines);
      const std::size_t skipped = 2 * kLineNumbers * (kMostLines - lines);
      for (const std::uint32_t field : {0U, 1U}) {
        const auto to = makeMemory<std::uint32_t>(kLineNumbers * (kMostLines + 1));
        std::fill_n(to.get(), kLineNumbers * (kMostLines + 1), kUntouched);
        (field == 0 ? path.fields.first : path.fields.second)(pairs.data() + skipped, lines, to.get());
        std::size_t wrong = 0;
        for (std::size_t i = 0; i < kLineNumbers * (kMostLines + 1); ++i) {
          const std::uint32_t expected =
              i < lines * kLineNumbers ? pairs[skipped + 2 * i + field] : kUntouched;
          wrong += to[i] == expected ? 0 : 1;
        }
        CHECK(wrong == 0);
      }
    }
  }
}

}  // namespace
