#include "benchmarks.h"

#include <algorithm>
#include <cmath>
#include <random>

#include "device_array.h"

namespace vgpu::software::bench {
namespace {

struct Context {
  Gpu& gpu;
  std::shared_ptr<Module> module;
  const Reference& reference;

  [[nodiscard]] std::function<LaunchStatistics()> launch(const std::string& kernel, Dim3 grid, Dim3 block,
                                                         std::vector<std::byte> parameters) const {
    return [&gpu = gpu, module = module, kernel, grid, block, parameters = std::move(parameters)] {
      return gpu.launch(module->kernel(kernel), {.grid = grid, .block = block}, parameters);
    };
  }
  template <class T>
  [[nodiscard]] DeviceArray<T> array(std::size_t size) const {
    return {gpu, size};
  }
  [[nodiscard]] DeviceArray<float> random(std::size_t size, float low, float high) const {
    DeviceArray<float> values(gpu, size);
    std::mt19937 generator(1);
    std::ranges::generate(
        values.all(), [&] { return low + (high - low) * static_cast<float>(generator() >> 8) * 0x1p-24F; });
    return values;
  }
};

/// Each part a multiple of `unit`, but perhaps the last.
Range part_of(std::size_t count, unsigned part, unsigned parts, std::size_t unit = 1) {
  const std::size_t units = (count + unit - 1) / unit;
  return {std::min(count, units * part / parts * unit), std::min(count, units * (part + 1) / parts * unit)};
}

/// Within a thousandth of the larger one's size, or of 1: fused and separate operations round differently.
bool close(const DeviceArray<float>& a, const DeviceArray<float>& b) {
  return std::ranges::equal(a.all(), b.all(), [](float x, float y) {
    return std::abs(x - y) <= 1e-3F * std::max({1.0F, std::abs(x), std::abs(y)});
  });
}

Benchmark arithmetic(const Context& on) {
  constexpr std::uint32_t kThreads = 8192;
  constexpr std::uint32_t kRounds = 2000;
  constexpr float kFactor = 0.4F;
  constexpr std::uint32_t kMultiplier = 2654435761U;
  const auto integers = on.array<std::uint32_t>(kThreads);
  const auto floats = on.array<float>(kThreads);
  const auto expected_integers = on.array<std::uint32_t>(kThreads);
  const auto expected_floats = on.array<float>(kThreads);
  return {"arithmetic", "arithmetic",
          on.launch("arithmetic", {kThreads / 256}, {256},
                    parameters(integers.address(), floats.address(), kRounds, kFactor, kMultiplier)),
          [=, run = on.reference.arithmetic](unsigned part, unsigned parts) {
            run(part_of(kThreads, part, parts, 32), expected_integers.data(), expected_floats.data(), kRounds,
                kFactor, kMultiplier);
          },
          [=] {
            return std::ranges::equal(integers.all(), expected_integers.all()) &&
                   close(floats, expected_floats);
          }};
}

Benchmark saxpy(const Context& on) {
  constexpr int kElements = 16 << 20;
  constexpr float kFactor = 0.25F;
  const auto x = on.random(kElements, 0, 1);
  const auto y = on.array<float>(kElements);
  const auto expected = on.array<float>(kElements);
  return {
      "saxpy", "memory",
      on.launch("saxpy", {kElements / 256}, {256}, parameters(kElements, kFactor, x.address(), y.address())),
      [=, run = on.reference.saxpy](unsigned part, unsigned parts) {
        run(part_of(kElements, part, parts), kFactor, x.data(), expected.data());
      },
      [=] { return close(y, expected); }};
}

Benchmark reduction(const Context& on) {
  constexpr int kElements = 16 << 20;
  const auto values = on.random(kElements, 0, 1);
  const auto sum = on.array<float>(1);
  const auto sums = on.array<float>(on.gpu.threads());
  const auto launch =
      on.launch("reduction", {64}, {256}, parameters(kElements, values.address(), sum.address()));
  return {"reduction", "memory",
          [=] {
            sum[0] = 0;
            return launch();
          },
          [=, run = on.reference.reduction](unsigned part, unsigned parts) {
            sums[part] = run(part_of(kElements, part, parts), values.data());
          },
          [=] {
            float expected = 0;
            for (const float part : sums.all()) expected += part;
            return std::abs(sum[0] - expected) < 1e-4F * expected;
          }};
}

Benchmark matrix_product(const Context& on) {
  constexpr int kSize = 512;
  constexpr std::size_t kElements = std::size_t{kSize} * kSize;
  const auto a = on.random(kElements, -1, 1);
  const auto b = on.random(kElements, -1, 1);
  const auto c = on.array<float>(kElements);
  const auto expected = on.array<float>(kElements);
  return {"matrix product", "arithmetic",
          on.launch("matrix_product", {kSize / 16, kSize / 16}, {16, 16},
                    parameters(kSize, a.address(), b.address(), c.address())),
          [=, run = on.reference.matrix_product](unsigned part, unsigned parts) {
            run(part_of(kSize, part, parts, 4), kSize, a.data(), b.data(), expected.data());
          },
          [=] { return close(c, expected); }};
}

Benchmark stencil(const Context& on) {
  constexpr int kSize = 4096;
  constexpr float kRate = 0.1F;
  const auto before = on.random(std::size_t{kSize} * kSize, 0, 1);
  const auto after = on.array<float>(std::size_t{kSize} * kSize);
  const auto expected = on.array<float>(std::size_t{kSize} * kSize);
  return {"stencil", "memory",
          on.launch("stencil", {kSize / 32, kSize / 8}, {32, 8},
                    parameters(kSize, kRate, before.address(), after.address())),
          [=, run = on.reference.stencil](unsigned part, unsigned parts) {
            run(part_of(kSize, part, parts), kSize, kRate, before.data(), expected.data());
          },
          [=] { return close(after, expected); }};
}

Benchmark bodies(const Context& on) {
  constexpr int kBodies = 4096;
  constexpr float kSoftening = 0.01F;
  const auto positions = on.random(std::size_t{4} * kBodies, 0, 1);
  const auto accelerations = on.array<float>(std::size_t{4} * kBodies);
  const auto expected = on.array<float>(std::size_t{4} * kBodies);
  return {"n-body", "arithmetic",
          on.launch("bodies", {kBodies / 256}, {256},
                    parameters(kBodies, kSoftening, positions.address(), accelerations.address())),
          [=, run = on.reference.bodies](unsigned part, unsigned parts) {
            run(part_of(kBodies, part, parts, 32), kBodies, kSoftening, positions.data(), expected.data());
          },
          [=] { return close(accelerations, expected); }};
}

Benchmark histogram(const Context& on) {
  constexpr int kElements = 8 << 20;
  const auto values = on.array<std::uint32_t>(kElements);
  std::mt19937 generator(1);
  std::ranges::generate(values.all(), generator);
  const auto bins = on.array<std::uint32_t>(kBins);
  const auto expected = on.array<std::uint32_t>(kBins * on.gpu.threads());
  const auto launch =
      on.launch("histogram", {64}, {256}, parameters(kElements, values.address(), bins.address()));
  return {"histogram", "memory",
          [=] {
            std::ranges::fill(bins.all(), 0);
            return launch();
          },
          [=, run = on.reference.histogram](unsigned part, unsigned parts) {
            run(part_of(kElements, part, parts), values.data(), expected.data() + kBins * part);
          },
          [=] {
            for (std::size_t bin = 0; bin < kBins; ++bin) {
              std::uint32_t sum = 0;
              for (std::size_t i = bin; i < expected.size(); i += kBins) sum += expected[i];
              if (bins[bin] != sum) return false;
            }
            return true;
          }};
}

Benchmark black_scholes(const Context& on, const std::string& name,
                        void (*run)(Range options, const OptionPrices& option_prices)) {
  constexpr int kOptions = 1 << 20;
  constexpr float kRate = 0.02F;
  constexpr float kVolatility = 0.3F;
  const auto prices = on.random(kOptions, 5, 30);
  const auto strikes = on.random(kOptions, 1, 100);
  const auto years = on.random(kOptions, 0.25F, 10);
  const auto calls = on.array<float>(kOptions);
  const auto puts = on.array<float>(kOptions);
  const auto expected_calls = on.array<float>(kOptions);
  const auto expected_puts = on.array<float>(kOptions);
  return {name, "arithmetic",
          on.launch("black_scholes", {kOptions / 256}, {256},
                    parameters(kOptions, kRate, kVolatility, prices.address(), strikes.address(),
                               years.address(), calls.address(), puts.address())),
          [=](unsigned part, unsigned parts) {
            run(part_of(kOptions, part, parts), {kRate, kVolatility, prices.data(), strikes.data(),
                                                 years.data(), expected_calls.data(), expected_puts.data()});
          },
          [=] { return close(calls, expected_calls) && close(puts, expected_puts); }};
}

Benchmark mandelbrot(const Context& on) {
  constexpr int kSize = 1024;
  constexpr int kLimit = 256;
  const auto rounds = on.array<int>(std::size_t{kSize} * kSize);
  const auto expected = on.array<int>(std::size_t{kSize} * kSize);
  return {"Mandelbrot", "arithmetic",
          on.launch("mandelbrot", {kSize / 16, kSize / 16}, {16, 16},
                    parameters(kSize, kLimit, rounds.address())),
          [=, run = on.reference.mandelbrot](unsigned part, unsigned parts) {
            run(part_of(kSize, part, parts), kSize, kLimit, expected.data());
          },
          [=] {
            // At the border of the set the last bit of a number decides.
            std::size_t different = 0;
            for (std::size_t i = 0; i < rounds.size(); ++i) different += rounds[i] != expected[i] ? 1 : 0;
            return different < rounds.size() / 100;
          }};
}

}  // namespace

std::vector<Benchmark> make_benchmarks(Gpu& gpu, const std::shared_ptr<Module>& module,
                                       const Reference& reference) {
  const Context on{gpu, module, reference};
  return {arithmetic(on),
          saxpy(on),
          reduction(on),
          matrix_product(on),
          stencil(on),
          bodies(on),
          histogram(on),
          black_scholes(on, "Black-Scholes", reference.black_scholes),
          black_scholes(on, "Black-Scholes, libmvec", reference.black_scholes_fast),
          mandelbrot(on)};
}

}  // namespace vgpu::software::bench
