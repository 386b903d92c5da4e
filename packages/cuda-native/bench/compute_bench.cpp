// The CPU path beside the best that there is: vqsort, OpenBLAS, and reading memory. Processor time, in turn,
// medians of ratios.
#include <algorithm>
#include <cstdio>
#include <ctime>
#include <functional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "compute/kernels.h"
#include "compute/matrix.h"
#include "compute/reduce.h"
#include "compute/sort.h"
#include "vgpu/blas/multiplier.h"
#include "vgpu/blas/open_blas.h"

#ifdef VGPU_BENCH_VQSORT
#include <hwy/contrib/sort/vqsort.h>
#endif

namespace {

using namespace vgpu::compute;

constexpr int kRounds = 7;
constexpr std::size_t kNoLimit = std::size_t{1} << 40;

double milliseconds(const std::function<void()>& work) {
  const auto now = [] {
    timespec time{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_nsec) * 1e-6;
  };
  const double began = now();
  work();
  return now() - began;
}

double median(std::vector<double> numbers) {
  std::sort(numbers.begin(), numbers.end());
  return numbers[numbers.size() / 2];
}

struct Comparison {
  const char* what;
  const char* beside;
  /** How many times as fast as the reference it is to be. */
  double goal;
  double milliseconds = 0;
  double referenceMilliseconds = 0;
  /** How many times as fast it is. */
  double ratio = 0;
};

Comparison compare(Comparison comparison, const std::function<void()>& ours,
                   const std::function<void()>& reference) {
  std::vector<double> own;
  std::vector<double> other;
  std::vector<double> ratios;
  for (int round = 0; round <= kRounds; ++round) {
    const double first = milliseconds(ours);
    const double second = milliseconds(reference);
    if (round == 0) continue;
    own.push_back(first);
    other.push_back(second);
    ratios.push_back(second / first);
  }
  comparison.milliseconds = median(own);
  comparison.referenceMilliseconds = median(other);
  comparison.ratio = median(ratios);
  return comparison;
}

template <typename T>
Array arrayOf(std::vector<T>& elements) {
  return {typeOf<T>(), reinterpret_cast<std::byte*>(elements.data()), elements.size()};
}

#ifdef VGPU_BENCH_VQSORT
Comparison compareSorts(ThreadPool& pool) {
  constexpr std::size_t kCount = 10'000'000;
  std::vector<std::uint32_t> keys(kCount);
  std::vector<std::uint32_t> values(kCount);
  std::vector<std::uint32_t> outKeys(kCount);
  std::vector<std::uint32_t> outValues(kCount);
  std::mt19937 generator(1);
  for (std::size_t i = 0; i < kCount; ++i) {
    keys[i] = static_cast<std::uint32_t>(generator());
    values[i] = static_cast<std::uint32_t>(i);
  }
  const hwy::Sorter sorter;
  return compare(
      {.what = "sortPairs u32, 10^7", .beside = "vqsort of packed u64", .goal = 0.8},
      [&] {
        Context context(pool, kNoLimit, nullptr);
        sortPairs(context, arrayOf(keys), arrayOf(values), Order::ascending, arrayOf(outKeys),
                  arrayOf(outValues));
      },
      [&] {
        // Memory in large pages, as the other side has it.
        const auto packed = makeMemory<std::uint64_t>(kCount);
        for (std::size_t i = 0; i < kCount; ++i) packed[i] = std::uint64_t{keys[i]} << 32 | values[i];
        sorter(packed.get(), kCount, hwy::SortAscending());
        for (std::size_t i = 0; i < kCount; ++i) {
          outKeys[i] = static_cast<std::uint32_t>(packed[i] >> 32);
          outValues[i] = static_cast<std::uint32_t>(packed[i]);
        }
      });
}
#endif

vgpu::blas::Path pathOf(const std::string& name) {
  if (name == "avx512") return vgpu::blas::Path::avx512;
  return name == "avx2" ? vgpu::blas::Path::avx2 : vgpu::blas::Path::portable;
}

constexpr std::size_t kSide = 2048;

/** Three square matrices: two to multiply, and the product. */
template <typename T>
struct Squares {
  std::vector<T> a = std::vector<T>(kSide * kSide, T{1} / 3);
  std::vector<T> b = a;
  std::vector<T> c = a;

  [[nodiscard]] vgpu::blas::Product product() {
    const auto matrix = [](std::vector<T>& elements) {
      return vgpu::blas::Matrix{
          .first = reinterpret_cast<std::byte*>(elements.data()),
          .element = sizeof(T) == 4 ? vgpu::blas::Element::f32 : vgpu::blas::Element::f64,
          .row_stride = 1,
          .column_stride = kSide};
    };
    return {.a = matrix(a), .b = matrix(b), .c = matrix(c), .m = kSide, .n = kSide, .k = kSide};
  }
};

/** One thread each. */
template <typename T>
Comparison compareKernels(const char* name) {
  using vgpu::blas::Multiplier;
  Squares<T> squares;
  const vgpu::blas::Product product = squares.product();
  const auto alone = [](unsigned, const std::function<void(unsigned)>& task) { task(0); };
  Multiplier own(pathOf(kernelPath()), 1, alone, false);
  // On this path it takes OpenBLAS whatever that can do.
  Multiplier library(vgpu::blas::Path::portable, 1, alone, true);
  return compare(
      {.what = name, .beside = "OpenBLAS", .goal = 0.5},
      [&] {
        own.multiply({&product, 1});
      },
      [&] {
        library.multiply({&product, 1});
      });
}

/** The operation with its checks, on all cores: it calls OpenBLAS where that is not older than the processor.
 */
template <typename T>
Comparison compareOperations(const char* name) {
  Squares<T> squares;
  const vgpu::blas::Product product = squares.product();
  const auto library = vgpu::blas::OpenBlas::load(ThreadPool::shared().threads());
  const auto matrix = [](std::vector<T>& elements) {
    return Matrix{.array = arrayOf(elements), .rows = kSide, .columns = kSide, .stride = kSide};
  };
  const Context context(ThreadPool::shared(), kNoLimit, nullptr);
  return compare(
      {.what = name, .beside = "OpenBLAS, all cores", .goal = 0.9},
      [&] { multiply(context, matrix(squares.a), matrix(squares.b), matrix(squares.c)); },
      [&] { static_cast<void>(library->multiply(product)); });
}

Comparison compareSum(ThreadPool& pool) {
  using Words = std::uint64_t __attribute__((vector_size(64)));
  std::vector<double> numbers(std::size_t{1} << 24, 1.5);
  Number total;
  volatile std::uint64_t sink = 0;
  return compare(
      {.what = "sum f64, 2^24", .beside = "reading the memory", .goal = 0.8},
      [&] { total = sum(Context(pool, kNoLimit, nullptr), arrayOf(numbers)); },
      [&] {
        Words sums[4] = {};
        for (std::size_t i = 0; i < numbers.size(); i += 32) {
          for (std::size_t j = 0; j < 4; ++j) {
            Words words;
            __builtin_memcpy(&words, numbers.data() + i + 8 * j, sizeof(words));
            sums[j] ^= words;
          }
        }
        sink = (sums[0] ^ sums[1] ^ sums[2] ^ sums[3])[0];
      });
}

void printTable(const std::vector<Comparison>& comparisons) {
  std::printf("%s, one thread or as said; ours, the other, how many times as fast\n", kernelPath());
  for (const Comparison& each : comparisons) {
    std::printf("%-32s beside %-22s %8.1f ms %8.1f ms %6.2f (goal %.1f)\n", each.what, each.beside,
                each.milliseconds, each.referenceMilliseconds, each.ratio, each.goal);
  }
}

void printJson(const std::vector<Comparison>& comparisons) {
  std::printf("[");
  const char* separator = "";
  for (const Comparison& each : comparisons) {
    std::printf(R"(%s{"what": "%s", "beside": "%s", "ratio": %.4g, "goal": {"least": %.4g}})", separator,
                each.what, each.beside, each.ratio, each.goal);
    separator = ",\n ";
  }
  std::printf("]\n");
}

}  // namespace

// compute_bench [--json]
int main(int argc, char** argv) {
  ThreadPool alone(1);
  std::vector<Comparison> comparisons;
#ifdef VGPU_BENCH_VQSORT
  comparisons.push_back(compareSorts(alone));
#else
  std::fprintf(stderr, "sortPairs: not compared with vqsort, because libhwy-dev was not installed\n");
#endif
  comparisons.push_back(compareSum(alone));
  if (vgpu::blas::OpenBlas::load(1)) {
    comparisons.push_back(compareOperations<float>("matmul f32, 2048^3"));
    comparisons.push_back(compareOperations<double>("matmul f64, 2048^3"));
    comparisons.push_back(compareKernels<float>("matmul f32, 2048^3, own kernel"));
    comparisons.push_back(compareKernels<double>("matmul f64, 2048^3, own kernel"));
  } else {
    std::fprintf(stderr, "matmul: not compared, because libopenblas.so.0 is not installed\n");
  }
  argc > 1 && std::string_view(argv[1]) == "--json" ? printJson(comparisons) : printTable(comparisons);
  const bool met = std::all_of(comparisons.begin(), comparisons.end(),
                               [](const Comparison& each) { return each.ratio >= each.goal; });
  if (!met) std::fprintf(stderr, "a goal was not met\n");
  return met ? 0 : 1;
}
