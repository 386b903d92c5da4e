// How long kernels take on the software GPU, beside the same computation in C++ with the same instruction set
// on as many threads.
//
//   software_gpu_bench [--json] [--all-paths] [--interpreted] [--only NAME]
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "benchmarks.h"

namespace vgpu::software::bench {
namespace {

constexpr int kRuns = 9;

struct Options {
  bool json = false;
  bool all_paths = false;
  bool interpreted = false;  // without compiled code
  std::string only;
};

struct Path {
  VectorPath path;
  const char* name;
  Reference reference;
};

struct Result {
  std::string path;
  unsigned threads;
  std::string name;
  std::string bound;
  double seconds;
  double reference_seconds;
  double ratio;  // the median of the runs' ratios
  double warp_instructions;
};

/// With one thread the processor time of the caller, who then runs all blocks: what other processes do on a
/// shared machine does not count. Otherwise the time of the clock on the wall.
double now(unsigned threads) {
  timespec time{};
  if (clock_gettime(threads == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &time) != 0) {
    std::perror("clock_gettime");
    std::exit(1);
  }
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  return *middle;
}

/// Kernel and C++ in turn, so that a machine that is slow for a while is slow for both.
Result measure(Gpu& gpu, const char* path, const Benchmark& benchmark) {
  const unsigned threads = gpu.threads();
  const auto run_reference = [&] {
    gpu.parallel(threads, [&](unsigned part) { benchmark.reference(part, threads); });
  };
  LaunchStatistics statistics = benchmark.kernel();  // decoding, caches and pages
  run_reference();
  std::vector<double> seconds;
  std::vector<double> reference_seconds;
  std::vector<double> ratios;
  for (int run = 0; run < kRuns; ++run) {
    const double begin = now(threads);
    statistics = benchmark.kernel();
    const double middle = now(threads);
    run_reference();
    const double end = now(threads);
    seconds.push_back(middle - begin);
    reference_seconds.push_back(end - middle);
    ratios.push_back((middle - begin) / (end - middle));
  }
  if (!benchmark.agree()) {  // a wrong result has no speed
    std::fprintf(stderr, "software_gpu_bench: %s on %s differs from C++\n", benchmark.name.c_str(), path);
    std::exit(1);
  }
  return {path,
          threads,
          benchmark.name,
          benchmark.bound,
          median(seconds),
          median(reference_seconds),
          median(ratios),
          static_cast<double>(statistics.warp_instructions)};
}

std::string kernels_ptx() {
  const std::string path = VGPU_BENCH_DIRECTORY "/kernels.ptx";
  std::ifstream file(path);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  if (!file || text.empty()) {
    std::fprintf(stderr, "software_gpu_bench: cannot read %s\n", path.c_str());
    std::exit(1);
  }
  return text;
}

void run_path(const Options& options, const Path& path, unsigned threads, std::vector<Result>& results) {
  GpuOptions gpu_options;
  gpu_options.memory_bytes = std::size_t{4} << 30;
  gpu_options.threads = threads;
  gpu_options.vector_path = path.path;
  if (options.interpreted) gpu_options.compiled_code = CompiledCode::never;
  const auto gpu = Gpu::create(gpu_options);
  if (threads == 0 && gpu->threads() == 1) return;  // has been measured
  const std::string text = kernels_ptx();
  const std::shared_ptr<Module> module = gpu->load(std::as_bytes(std::span(text)));
  for (const Benchmark& benchmark : make_benchmarks(*gpu, module, path.reference)) {
    if (!options.only.empty() && benchmark.name != options.only) continue;
    results.push_back(measure(*gpu, path.name, benchmark));
  }
}

void print_table(const std::vector<Result>& results) {
  std::printf("ms: median of %d runs; ratio: median of the runs' time ÷ time of C++\n\n", kRuns);
  std::printf("%-9s %7s  %-23s %-10s %9s %9s %7s %14s\n", "path", "threads", "kernel", "bound by", "ms",
              "C++ ms", "ratio", "ns/warp instr.");
  for (const Result& result : results) {
    std::printf("%-9s %7u  %-23s %-10s %9.2f %9.2f %7.2f %14.2f\n", result.path.c_str(), result.threads,
                result.name.c_str(), result.bound.c_str(), result.seconds * 1e3,
                result.reference_seconds * 1e3, result.ratio,
                result.seconds * 1e9 * result.threads / result.warp_instructions);
  }
}

void print_json(const std::vector<Result>& results) {
  std::printf("[");
  for (std::size_t i = 0; i < results.size(); ++i) {
    const Result& result = results[i];
    std::printf(
        "%s\n  {\"path\": \"%s\", \"threads\": %u, \"kernel\": \"%s\", \"bound\": \"%s\", \"seconds\": %.6g, "
        "\"referenceSeconds\": %.6g, \"ratio\": %.4g, \"warpInstructions\": %.0f}",
        i == 0 ? "" : ",", result.path.c_str(), result.threads, result.name.c_str(), result.bound.c_str(),
        result.seconds, result.reference_seconds, result.ratio, result.warp_instructions);
  }
  std::printf("\n]\n");
}

int run(const Options& options) {
  const std::vector<Path> paths{
#ifdef VGPU_X86_PATHS
      {VectorPath::avx512, "avx512", avx512::reference()},
      {VectorPath::avx2, "avx2", avx2::reference()},
#endif
      {VectorPath::portable, "portable", portable::reference()},
  };
  std::vector<Result> results;
  for (const Path& path : paths) {
    try {
      run_path(options, path, 1, results);
      if (options.all_paths) continue;
      run_path(options, path, 0, results);
      break;
    } catch (const Error& error) {
      if (error.status() != Status::not_supported) throw;
      std::fprintf(stderr, "%s: left out, this processor does not have it\n", path.name);
    }
  }
  if (results.empty()) {
    std::fprintf(stderr, "software_gpu_bench: there is no benchmark '%s'\n", options.only.c_str());
    return 2;
  }
  options.json ? print_json(results) : print_table(results);
  return 0;
}

}  // namespace
}  // namespace vgpu::software::bench

int main(int argc, char** argv) {
  vgpu::software::bench::Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--json") {
      options.json = true;
    } else if (argument == "--all-paths") {
      options.all_paths = true;
    } else if (argument == "--interpreted") {
      options.interpreted = true;
    } else if (argument == "--only" && i + 1 < argc) {
      options.only = argv[++i];
    } else {
      std::fprintf(stderr,
                   "usage: software_gpu_bench [--json] [--all-paths] [--interpreted] [--only NAME]\n");
      return 2;
    }
  }
  return vgpu::software::bench::run(options);
}
