// A product of two matrices of 1024 × 1024 floats on one thread: each vector path of our kernel and three
// plain loops, beside OpenBLAS. Measured in turn, medians; fails when the widest path is not within the goal.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "vgpu/blas/multiplier.h"
#include "vgpu/software_gpu/gpu.h"

namespace {

using vgpu::blas::Element;
using vgpu::blas::Multiplier;
using vgpu::blas::Path;
using vgpu::blas::Product;

constexpr int kSize = 1024;
constexpr int kRounds = 7;
/// Our kernel may take so many times as long as OpenBLAS.
constexpr double kGoal = 2.5;

struct Candidate {
  std::string name;
  std::function<void()> run;
  std::vector<double> seconds;

  [[nodiscard]] double median() {
    std::sort(seconds.begin(), seconds.end());
    return seconds[seconds.size() / 2];
  }
};

/// By columns, with the innermost loop along them.
void plain_loops(const std::vector<float>& a, const std::vector<float>& b, std::vector<float>& c) {
  std::fill(c.begin(), c.end(), 0.0F);
  for (std::size_t j = 0; j < kSize; ++j) {
    for (std::size_t p = 0; p < kSize; ++p) {
      const float factor = b[j * kSize + p];
      for (std::size_t i = 0; i < kSize; ++i) c[j * kSize + i] += a[p * kSize + i] * factor;
    }
  }
}

void measure(std::vector<Candidate>& candidates) {
  for (int round = 0; round < kRounds; ++round) {
    for (Candidate& candidate : candidates) {
      const auto start = std::chrono::steady_clock::now();
      candidate.run();
      candidate.seconds.push_back(
          std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    }
  }
}

/// Our fastest kernel, beside OpenBLAS where it is installed.
void print_json(std::vector<Candidate>& candidates, bool has_open_blas) {
  if (!has_open_blas) {
    std::printf("[]\n");
    return;
  }
  Candidate& own = candidates[candidates.size() - 2];
  std::printf(R"([{"what": "%s, 1024^3", "beside": "OpenBLAS", "ratio": %.4g, "goal": {"most": %.4g}}])"
              "\n",
              own.name.c_str(), own.median() / candidates.back().median(), kGoal);
}

}  // namespace

// executor_blas_bench [--json]
int main(int argc, char** argv) {
  std::mt19937 random(1);
  std::uniform_real_distribution<float> numbers(-1, 1);
  const auto matrix = [&] {
    std::vector<float> values(std::size_t{kSize} * kSize);
    std::generate(values.begin(), values.end(), [&] { return numbers(random); });
    return values;
  };
  auto a = matrix();
  auto b = matrix();
  auto c = matrix();
  const auto view = [](std::vector<float>& values) {
    return vgpu::blas::Matrix{reinterpret_cast<std::byte*>(values.data()), Element::f32, 1, kSize};
  };
  const Product product{view(a), view(b), view(c), kSize, kSize, kSize, 1, 0};
  const auto alone = [](unsigned, const std::function<void(unsigned)>& task) { task(0); };

  const auto widest = vgpu::software::Gpu::create({.memory_bytes = 1 << 20, .threads = 1})->vector_path();
  std::vector<Path> paths{Path::portable};
  if (widest != vgpu::software::VectorPath::portable) paths.push_back(Path::avx2);
  if (widest == vgpu::software::VectorPath::avx512) paths.push_back(Path::avx512);
  std::vector<std::unique_ptr<Multiplier>> multipliers;
  std::vector<Candidate> candidates{{"three loops", [&] { plain_loops(a, b, c); }, {}}};
  const auto add = [&](Path path, bool use_open_blas) {
    multipliers.push_back(std::make_unique<Multiplier>(path, 1, alone, use_open_blas));
    Multiplier* multiplier = multipliers.back().get();
    candidates.push_back({multiplier->description(),
                          [multiplier, &product] {
                            multiplier->multiply({&product, 1});
                          },
                          {}});
  };
  for (const Path path : paths) add(path, false);
  add(Path::portable, true);
  measure(candidates);

  const bool has_open_blas = candidates.back().name.starts_with("OpenBLAS");
  const double reference = candidates.back().median();
  const bool json = argc > 1 && std::string_view(argv[1]) == "--json";
  if (json) {
    print_json(candidates, has_open_blas);
  } else {
    for (Candidate& candidate : candidates) {
      const double median = candidate.median();
      std::printf("%-72s %8.1f ms %7.1f GFLOP/s %6.2f x\n", candidate.name.c_str(), 1e3 * median,
                  2e-9 * kSize * kSize * kSize / median, median / reference);
    }
  }
  if (!has_open_blas) {
    std::fprintf(stderr, "OpenBLAS is not installed: nothing to compare with\n");
    return 0;
  }
  const double ratio = candidates[candidates.size() - 2].median() / reference;
  if (!json) std::printf("our kernel takes %.2f times as long as OpenBLAS; the goal is %.1f\n", ratio, kGoal);
  return ratio <= kGoal ? 0 : 1;
}
