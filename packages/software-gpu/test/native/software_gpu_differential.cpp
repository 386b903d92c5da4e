// Random kernels on every engine of the software GPU, which must leave the same bits.
//
//   software_gpu_differential COUNT [SEED [FIRST]]
//
// Kernel number N of a seed is always the same. The first that engines disagree on is made small and printed.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <array>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "differential.h"

namespace vgpu::software::test {
namespace {

bool parse_number(std::string_view text, std::uint64_t& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

int run(std::uint64_t count, std::uint64_t seed, std::uint64_t first) {
  const auto start = std::chrono::steady_clock::now();
  Differential differential;
  for (std::uint64_t number = first; number - first < count; ++number) {
    const RandomKernel kernel = random_kernel(seed, number);
    const std::optional<std::string> found = differential.disagreement(kernel);
    if (!found) continue;
    std::fprintf(stderr, "kernel %llu of seed %llu: %s\nmaking it smaller …\n",
                 static_cast<unsigned long long>(number), static_cast<unsigned long long>(seed),
                 found->c_str());
    const RandomKernel smaller = differential.minimised(kernel);
    std::puts(report(smaller, differential.disagreement(smaller).value_or("not always")).c_str());
    return EXIT_FAILURE;
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  std::printf("%llu kernels of seed %llu, %.3g instructions of threads each on average, agree on",
              static_cast<unsigned long long>(count), static_cast<unsigned long long>(seed),
              count == 0
                  ? 0.0
                  : static_cast<double>(differential.thread_instructions()) / static_cast<double>(count));
  for (const Engine& engine : differential.engines()) std::printf(" [%s]", engine.name.c_str());
  std::printf(", %.0f s\n", seconds.count());
  return EXIT_SUCCESS;
}

}  // namespace
}  // namespace vgpu::software::test

int main(int argc, char** argv) {
  std::array<std::uint64_t, 3> numbers{0, 1, 0};
  bool valid = argc >= 2 && argc <= 4;
  for (int i = 1; valid && i < argc; ++i) {
    valid = vgpu::software::test::parse_number(argv[i], numbers[static_cast<std::size_t>(i - 1)]);
  }
  if (!valid) {
    std::fprintf(stderr, "usage: %s COUNT [SEED [FIRST]]\n", argv[0]);
    return EXIT_FAILURE;
  }
  return vgpu::software::test::run(numbers[0], numbers[1], numbers[2]);
}
