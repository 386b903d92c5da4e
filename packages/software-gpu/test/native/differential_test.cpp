// Random kernels on all engines, and whether the comparison and what makes kernels smaller can be trusted.
#include "differential.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdio>

#include "instruction_values.h"

namespace vgpu::software::test {

namespace {

constexpr std::uint64_t kKernels = 150;

std::size_t statements(const Body& body) {
  std::size_t result = body.statements.size();
  for (const Statement& statement : body.statements) {
    for (const Body& each : statement.bodies) result += statements(each);
  }
  return result;
}

/// The clock is another in every run, so no two engines agree on this kernel.
RandomKernel kernel_with_a_clock() {
  RandomKernel kernel = random_kernel(7, 1);
  std::vector<Statement>& body = kernel.functions.back().body.statements;
  body.insert(body.begin() + static_cast<std::ptrdiff_t>(body.size() / 2),
              {"  mov.u64 %d3, %clock64;\n", {}});
  body.push_back({"  st.global.b64 [%in], %d3;\n", {}});
  return kernel;
}

}  // namespace

TEST_CASE("differential: random kernels leave the same bits on all engines") {
  Differential differential;
  for (std::uint64_t number = 0; number < kKernels; ++number) {
    const RandomKernel kernel = random_kernel(2026, number);
    const std::optional<std::string> found = differential.disagreement(kernel);
    if (!found) continue;
    const RandomKernel smaller = differential.minimised(kernel);
    FAIL(report(smaller, differential.disagreement(smaller).value_or(*found)));
  }
  std::printf("differential: %llu kernels, %llu instructions of threads, on %zu engines\n",
              static_cast<unsigned long long>(kKernels),
              static_cast<unsigned long long>(differential.thread_instructions()),
              differential.engines().size());
}

TEST_CASE("differential: the same numbers give the same kernel, others another") {
  CHECK(random_kernel(1, 5).ptx() == random_kernel(1, 5).ptx());
  CHECK(random_kernel(1, 5).ptx() != random_kernel(1, 6).ptx());
  CHECK(random_kernel(1, 5).ptx() != random_kernel(2, 5).ptx());
}

TEST_CASE("differential: one bit or the error makes results differ") {
  const RandomKernel kernel = random_kernel(1, 0);
  const MemoryLayout layout(kernel.threads());
  Result expected;
  expected.memory.resize(layout.bytes);
  Result got = expected;
  CHECK_FALSE(difference(kernel, expected, got));
  got.memory[layout.output + MemoryLayout::kOutputBytes * 2 + 8] = std::byte{1};
  CHECK(difference(kernel, expected, got).value().starts_with("%p1 of thread 2: expected 0x0"));
  got = expected;
  got.memory.back() = std::byte{0x80};
  CHECK(difference(kernel, expected, got).has_value());
  got = {{}, "illegal address"};
  CHECK(difference(kernel, expected, got) == "expected success, got illegal address");
}

TEST_CASE("differential: a kernel that differs is found and becomes as small as it can") {
  Differential differential;
  const RandomKernel kernel = kernel_with_a_clock();
  const std::optional<std::string> found = differential.disagreement(kernel);
  REQUIRE(found);
  CHECK(found->find("differs from portable in the box of thread 0") != std::string::npos);
  const RandomKernel smaller = differential.minimised(kernel);
  CHECK(differential.disagreement(smaller));
  CHECK(report(smaller, "").find("%clock64") != std::string::npos);
  CHECK(statements(smaller.functions.back().body) <= 2);
  REQUIRE(statements(kernel.functions.back().body) > 8);
}

TEST_CASE("differential: what is left of a kernel is valid") {
  Differential differential;
  for (std::uint64_t number = 0; number < 6; ++number) {
    Random random(number);
    // Takes out whatever the dice say, so that every kind of statement goes at some time.
    const RandomKernel smaller =
        Differential::minimised(random_kernel(3, number), [&](const RandomKernel& candidate) {
          const std::optional<std::string> found = differential.disagreement(candidate);
          CHECK_MESSAGE(!found, report(candidate, found.value_or("")));
          return random.below(4) == 0;
        });
    CHECK(statements(smaller.functions.back().body) <
          statements(random_kernel(3, number).functions.back().body));
  }
}

}  // namespace vgpu::software::test
