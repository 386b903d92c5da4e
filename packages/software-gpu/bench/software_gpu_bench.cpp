// How many thread-instructions per second the interpreter executes on one core, for each vector path, beside
// the same work in C++.
//
//   software_gpu_bench [--json]
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kernels.h"
#include "vgpu/software_gpu/gpu.h"

namespace vgpu::software::bench {
namespace {

constexpr std::uint32_t kBlockThreads = 256;
constexpr std::uint32_t kArithmeticBlocks = 32;
constexpr std::uint32_t kArithmeticIterations = 2000;
constexpr std::uint32_t kMemoryElements = 4 << 20;
constexpr int kRuns = 9;

struct Result {
  std::string path;
  std::string kernel;
  double thread_instructions_per_second;
  double warp_instruction_nanoseconds;
  double seconds;
  double reference_seconds;
};

/// Processor time of this thread: with one worker the caller runs all blocks, and what other processes do on
/// a shared machine does not count.
double now() {
  timespec time{};
  if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time) != 0) {
    std::perror("clock_gettime");
    std::exit(1);
  }
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

/// The median, because a shared machine is sometimes slow and never too fast.
double median_seconds(const std::function<void()>& work) {
  work();  // caches and pages
  std::vector<double> seconds;
  for (int run = 0; run < kRuns; ++run) {
    const double begin = now();
    work();
    seconds.push_back(now() - begin);
  }
  std::ranges::nth_element(seconds, seconds.begin() + kRuns / 2);
  return seconds[kRuns / 2];
}

class ParameterBuffer {
 public:
  template <class T>
  ParameterBuffer& add(T value) {
    bytes_.resize((bytes_.size() + sizeof value - 1) / sizeof value * sizeof value);
    bytes_.resize(bytes_.size() + sizeof value);
    std::memcpy(bytes_.data() + bytes_.size() - sizeof value, &value, sizeof value);
    return *this;
  }
  [[nodiscard]] std::span<const std::byte> bytes() const { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
};

std::unique_ptr<Module> load(Gpu& gpu, const char* ptx) {
  return gpu.load(std::as_bytes(std::span(ptx, std::strlen(ptx))));
}

template <class T>
T* host_pointer(DeviceAddress address) {
  return reinterpret_cast<T*>(address);
}

/// Stops the program when the two ways of computing do not agree: a wrong result has no speed.
void require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "software_gpu_bench: %s differs from C++\n", what);
  std::exit(1);
}

Result measure(Gpu& gpu, const std::string& path, const std::string& kernel,
               const LaunchConfiguration& configuration, Module& module, const ParameterBuffer& parameters,
               const std::function<void()>& reference) {
  LaunchStatistics statistics;
  const double seconds = median_seconds(
      [&] { statistics = gpu.launch(module.kernel(kernel), configuration, parameters.bytes()); });
  return {path,
          kernel,
          static_cast<double>(statistics.thread_instructions) / seconds,
          seconds * 1e9 / static_cast<double>(statistics.warp_instructions),
          seconds,
          median_seconds(reference)};
}

Result measure_arithmetic(Gpu& gpu, const std::string& path, const Reference& reference) {
  const std::size_t threads = std::size_t{kArithmeticBlocks} * kBlockThreads;
  const DeviceAddress integers = gpu.memory().allocate(threads * 4);
  const DeviceAddress floats = gpu.memory().allocate(threads * 4);
  constexpr float kFactor = 0.4F;
  constexpr std::uint32_t kMultiplier = 2654435761U;
  const auto module = load(gpu, kArithmeticPtx);
  ParameterBuffer parameters;
  parameters.add(integers).add(floats).add(kArithmeticIterations).add(kFactor).add(kMultiplier);
  std::vector<std::uint32_t> expected_integers(threads);
  std::vector<float> expected_floats(threads);
  Result result =
      measure(gpu, path, "arithmetic", {{kArithmeticBlocks}, {kBlockThreads}}, *module, parameters, [&] {
        reference.arithmetic(expected_integers.data(), expected_floats.data(), threads, kArithmeticIterations,
                             kFactor, kMultiplier);
      });
  require(
      std::equal(expected_integers.begin(), expected_integers.end(), host_pointer<std::uint32_t>(integers)) &&
          std::equal(expected_floats.begin(), expected_floats.end(), host_pointer<float>(floats)),
      "arithmetic");
  gpu.memory().free(integers);
  gpu.memory().free(floats);
  return result;
}

Result measure_memory(Gpu& gpu, const std::string& path, const Reference& reference) {
  const DeviceAddress x = gpu.memory().allocate(std::size_t{kMemoryElements} * 4);
  const DeviceAddress y = gpu.memory().allocate(std::size_t{kMemoryElements} * 4);
  constexpr float kFactor = 0.25F;
  const auto module = load(gpu, kMemoryPtx);
  ParameterBuffer parameters;
  parameters.add(kMemoryElements).add(kFactor).add(x).add(y);
  std::vector<float> host_x(kMemoryElements);
  std::vector<float> host_y(kMemoryElements);
  for (std::uint32_t i = 0; i < kMemoryElements; ++i) {
    host_x[i] = host_pointer<float>(x)[i] = static_cast<float>(i % 1000);
  }
  Result result =
      measure(gpu, path, "memory", {{kMemoryElements / kBlockThreads}, {kBlockThreads}}, *module, parameters,
              [&] { reference.memory(kMemoryElements, kFactor, host_x.data(), host_y.data()); });
  require(std::equal(host_y.begin(), host_y.end(), host_pointer<float>(y)), "memory");
  gpu.memory().free(x);
  gpu.memory().free(y);
  return result;
}

void print_table(const std::vector<Result>& results) {
  std::printf("one core, processor time, median of %d runs\n\n", kRuns);
  std::printf("%-9s %-11s %22s %16s %10s %10s %7s\n", "path", "kernel", "thread-instructions/s",
              "ns/warp instr.", "ms", "C++ ms", "ratio");
  for (const Result& result : results) {
    std::printf("%-9s %-11s %22.2e %16.2f %10.2f %10.2f %7.1f\n", result.path.c_str(), result.kernel.c_str(),
                result.thread_instructions_per_second, result.warp_instruction_nanoseconds,
                result.seconds * 1e3, result.reference_seconds * 1e3,
                result.seconds / result.reference_seconds);
  }
}

void print_json(const std::vector<Result>& results) {
  std::printf("[");
  for (std::size_t i = 0; i < results.size(); ++i) {
    const Result& result = results[i];
    std::printf(
        "%s\n  {\"path\": \"%s\", \"kernel\": \"%s\", \"threadInstructionsPerSecond\": %.6g, "
        "\"nanosecondsPerWarpInstruction\": %.4g, \"seconds\": %.6g, \"referenceSeconds\": %.6g}",
        i == 0 ? "" : ",", result.path.c_str(), result.kernel.c_str(), result.thread_instructions_per_second,
        result.warp_instruction_nanoseconds, result.seconds, result.reference_seconds);
  }
  std::printf("\n]\n");
}

int run(bool json) {
  struct Path {
    VectorPath path;
    const char* name;
    Reference reference;
  };
  const std::vector<Path> paths{
      {VectorPath::portable, "portable", portable::reference()},
#ifdef VGPU_X86_PATHS
      {VectorPath::avx2, "avx2", avx2::reference()},
      {VectorPath::avx512, "avx512", avx512::reference()},
#endif
  };
  std::vector<Result> results;
  for (const Path& path : paths) {
    GpuOptions options;
    options.memory_bytes = std::size_t{1} << 30;
    options.threads = 1;
    options.vector_path = path.path;
    try {
      const auto gpu = Gpu::create(options);
      results.push_back(measure_arithmetic(*gpu, path.name, path.reference));
      results.push_back(measure_memory(*gpu, path.name, path.reference));
    } catch (const Error& error) {
      if (error.status() != Status::not_supported) throw;
      std::fprintf(stderr, "%s: left out, this processor does not have it\n", path.name);
    }
  }
  json ? print_json(results) : print_table(results);
  return 0;
}

}  // namespace
}  // namespace vgpu::software::bench

int main(int argc, char** argv) {
  const bool json = argc == 2 && std::string_view(argv[1]) == "--json";
  if (argc > 1 && !json) {
    std::fprintf(stderr, "usage: software_gpu_bench [--json]\n");
    return 2;
  }
  return vgpu::software::bench::run(json);
}
