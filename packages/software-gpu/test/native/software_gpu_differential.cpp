// Random kernels on every engine of the software GPU, which must leave the same bits.
//
//   software_gpu_differential COUNT [SEED [FIRST]]
//
// Kernel number N of a seed is always the same. The first that engines disagree on is made small and printed.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "differential.h"
#include "numbered_inputs.h"

namespace vgpu::software::test {
namespace {

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
  return vgpu::software::test::run_numbered_inputs(argc, argv, "COUNT [SEED [FIRST]]",
                                                   vgpu::software::test::run);
}
