// Atomic operations by many threads on one address: what they return must be explicable by some order of the
// operations, and so must what is left in memory.
#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>

#include "instruction_coverage.h"
#include "instruction_harness.h"
#include "instruction_reference.h"
#include "instruction_values.h"

namespace vgpu::software::test {

namespace {

constexpr std::uint32_t kThreads = 96;
constexpr std::uint32_t kBlocks = 40;
constexpr std::size_t kAll = std::size_t{kThreads} * kBlocks;

/// Each thread applies its operand to the one memory cell and stores what it got back, both as 64-bit slots.
std::string contention(const std::string& form, const std::string& bits) {
  return std::string(kPtxHeader) +
         R"(.visible .entry test(.param .u64 cell, .param .u64 operands, .param .u64 returned)
{
  .reg .b32 %i, %b, %n, %t;
  .reg .b64 %cell, %in, %out;
  .reg .b)" +
         bits + R"( %v, %old;
  mov.u32 %b, %ctaid.x;
  mov.u32 %n, %ntid.x;
  mov.u32 %t, %tid.x;
  mad.lo.u32 %i, %b, %n, %t;
  ld.param.u64 %cell, [cell];
  ld.param.u64 %in, [operands];
  ld.param.u64 %out, [returned];
  mad.wide.u32 %in, %i, 8, %in;
  mad.wide.u32 %out, %i, 8, %out;
  ld.global.b)" +
         bits + R"( %v, [%in];
  )" + form +
         R"( %old, [%cell], %v;
  st.global.b)" +
         bits + R"( [%out], %old;
  ret;
}
)";
}

// A lock-free increment by compare-and-swap, in a loop from which lanes drop out one by one.
const char* const kSwapLoop =
    R"(.visible .entry test(.param .u64 cell, .param .u64 operands, .param .u64 returned)
{
  .reg .pred %p;
  .reg .b32 %i, %b, %n, %t, %old, %seen, %new;
  .reg .b64 %cell, %out;
  mov.u32 %b, %ctaid.x;
  mov.u32 %n, %ntid.x;
  mov.u32 %t, %tid.x;
  mad.lo.u32 %i, %b, %n, %t;
  ld.param.u64 %cell, [cell];
  ld.param.u64 %out, [returned];
  mad.wide.u32 %out, %i, 8, %out;
  ld.global.u32 %old, [%cell];
AGAIN:
  mov.u32 %seen, %old;
  add.u32 %new, %seen, 1;
  atom.global.cas.b32 %old, [%cell], %seen, %new;
  setp.ne.u32 %p, %old, %seen;
  @%p bra AGAIN;
  st.global.u32 [%out], %seen;
  ret;
}
)";

// The block's total in shared memory first, then one global addition for each block.
const char* const kSharedThenGlobal =
    R"(.visible .entry test(.param .u64 cell, .param .u64 operands, .param .u64 returned)
{
  .shared .align 4 .b32 total;
  .reg .pred %p;
  .reg .b32 %t, %v, %old;
  .reg .b64 %cell;
  mov.u32 %t, %tid.x;
  setp.eq.u32 %p, %t, 0;
  @%p st.shared.u32 [total], 0;
  bar.sync 0;
  add.u32 %v, %t, 1;
  atom.shared.add.u32 %old, [total], %v;
  bar.sync 0;
  @!%p ret;
  ld.shared.u32 %v, [total];
  ld.param.u64 %cell, [cell];
  red.global.add.u32 [%cell], %v;
  ret;
}
)";

struct Outcome {
  std::uint64_t before;
  std::uint64_t after;
  std::vector<std::uint64_t> operands;
  std::vector<std::uint64_t> returned;
};

/// Two threads of the host run the blocks, so that they do contend; whichever path is the widest here.
Gpu& contended_gpu() {
  static const std::unique_ptr<Gpu> gpu = [] {
    GpuOptions options;
    options.memory_bytes = std::size_t{64} << 20;
    options.threads = 2;
    return Gpu::create(options);
  }();
  return *gpu;
}

Outcome run(Gpu& gpu, const Program& program, std::uint64_t before,
            const std::vector<std::uint64_t>& operands, std::uint64_t mask) {
  DeviceBuffer cell(gpu, 8);
  DeviceBuffer in(gpu, kAll * 8);
  DeviceBuffer out(gpu, kAll * 8);
  cell.as<std::uint64_t>()[0] = before;
  std::ranges::copy(operands, in.as<std::uint64_t>().begin());
  const std::unique_ptr<Module> module = load(gpu, program.ptx);
  Parameters parameters;
  parameters.add(cell.address()).add(in.address()).add(out.address());
  launch(gpu, module->kernel("test"), {kBlocks, 1, 1}, {kThreads, 1, 1}, parameters);
  Outcome outcome{before, cell.as<std::uint64_t>()[0] & mask, operands, {}};
  for (const std::uint64_t value : out.as<std::uint64_t>()) outcome.returned.push_back(value & mask);
  return outcome;
}

bool same_values(std::vector<std::uint64_t> a, std::vector<std::uint64_t> b) {
  std::ranges::sort(a);
  std::ranges::sort(b);
  return a == b;
}

/// Every operation is a step from the returned value to the next: follow the steps through all threads. Works
/// where the step from each value is known, as long as no two threads return the same.
template <class Step>
void check_chain(const Outcome& outcome, Step step) {
  std::vector<std::pair<std::uint64_t, std::size_t>> by_value(outcome.returned.size());
  for (std::size_t i = 0; i < by_value.size(); ++i) by_value[i] = {outcome.returned[i], i};
  std::ranges::sort(by_value);
  std::uint64_t value = outcome.before;
  std::size_t followed = 0;
  for (; followed < by_value.size(); ++followed) {
    const auto at = std::ranges::lower_bound(by_value, std::pair{value, std::size_t{0}});
    if (at == by_value.end() || at->first != value) break;
    value = step(value, outcome.operands[at->second]);
  }
  CHECK(followed == outcome.returned.size());
  CHECK(value == outcome.after);
}

/// The same where values repeat: every value that a step leads to is one that another thread got back, but
/// the last.
template <class Step>
void check_steps(const Outcome& outcome, Step step) {
  std::vector<std::uint64_t> got = outcome.returned;
  got.push_back(outcome.after);
  std::vector<std::uint64_t> left = {outcome.before};
  for (std::size_t i = 0; i < kAll; ++i) left.push_back(step(outcome.returned[i], outcome.operands[i]));
  CHECK(same_values(got, left));
}

std::vector<std::uint64_t> all_equal(std::uint64_t value) {
  return std::vector<std::uint64_t>(kAll, value);
}

std::vector<std::uint64_t> shuffled_distinct() {
  std::vector<std::uint64_t> values(kAll);
  std::iota(values.begin(), values.end(), std::uint64_t{1000});
  Random random(0x5f1e);
  for (std::size_t i = values.size() - 1; i > 0; --i) std::swap(values[i], values[random.below(i + 1)]);
  return values;
}

struct Contention {
  std::string form;
  unsigned bits;
  std::function<void(Gpu&, const Program&)> check;
};

template <class T>
Contention sum(const std::string& form, T one) {
  // Adding positive numbers visits every value once, so the chain is unique; sums this small are exact in
  // floats.
  return {form, sizeof(T) * 8, [one](Gpu& gpu, const Program& program) {
            const Outcome outcome =
                run(gpu, program, to_bits(T{0}), all_equal(to_bits(one)), bits_mask(sizeof(T) * 8));
            check_chain(outcome, [](std::uint64_t value, std::uint64_t operand) {
              return to_bits(static_cast<T>(from_bits<T>(value) + from_bits<T>(operand)));
            });
          }};
}

Contention extreme(const std::string& form, unsigned bits, bool greatest) {
  return {form, bits, [bits, greatest](Gpu& gpu, const Program& program) {
            const std::uint64_t before = greatest ? 5 : 1000000;
            const Outcome outcome = run(gpu, program, before, shuffled_distinct(), bits_mask(bits));
            const auto [least, most] = std::ranges::minmax(outcome.operands);
            CHECK(outcome.after == (greatest ? most : least));
            // A thread gets back the best of those before it, so at most its own operand's rank can improve
            // on it: each distinct returned value but the first was some thread's operand that improved on
            // another.
            std::vector<std::uint64_t> distinct = outcome.returned;
            std::ranges::sort(distinct);
            distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
            CHECK(std::ranges::binary_search(distinct, before));
            for (const std::uint64_t value : distinct) {
              if (value == before) continue;
              const auto owner = std::ranges::find(outcome.operands, value) - outcome.operands.begin();
              REQUIRE(owner < static_cast<std::ptrdiff_t>(kAll));
              const std::uint64_t seen = outcome.returned[static_cast<std::size_t>(owner)];
              CHECK((greatest ? seen < value : seen > value));
            }
          }};
}

Contention exchange(const std::string& form, unsigned bits) {
  return {form, bits, [bits](Gpu& gpu, const Program& program) {
            const Outcome outcome = run(gpu, program, 7, shuffled_distinct(), bits_mask(bits));
            check_chain(outcome, [](std::uint64_t, std::uint64_t operand) { return operand; });
          }};
}

Contention cycle(const std::string& form, bool up) {
  constexpr std::uint64_t kBound = kAll + 100;
  return {form, 32, [up](Gpu& gpu, const Program& program) {
            const Outcome outcome = run(gpu, program, 50, all_equal(kBound), bits_mask(32));
            check_chain(outcome, [up](std::uint64_t value, std::uint64_t bound) {
              if (up) return value >= bound ? 0 : value + 1;
              return value == 0 || value > bound ? bound : value - 1;
            });
          }};
}

/// Each thread flips one bit of 32 or 64, an odd number of times in all for some of them.
Contention flip(const std::string& form, unsigned bits) {
  return {form, bits, [bits](Gpu& gpu, const Program& program) {
            std::vector<std::uint64_t> operands;
            for (std::size_t i = 0; i < kAll; ++i)
              operands.push_back(std::uint64_t{1} << (i * i % 61 % bits));
            const Outcome outcome =
                run(gpu, program, 0x123456789abcdef0 & bits_mask(bits), operands, bits_mask(bits));
            check_steps(outcome, [](std::uint64_t value, std::uint64_t operand) { return value ^ operand; });
            std::uint64_t expected = outcome.before;
            for (const std::uint64_t operand : operands) expected ^= operand;
            CHECK(outcome.after == expected);
          }};
}

Contention mask(const std::string& form, unsigned bits, bool sets) {
  return {form, bits, [bits, sets](Gpu& gpu, const Program& program) {
            std::vector<std::uint64_t> operands;
            for (std::size_t i = 0; i < kAll; ++i) {
              const std::uint64_t bit = std::uint64_t{1} << (i % (bits - 3));
              operands.push_back(sets ? bit : ~bit & bits_mask(bits));
            }
            const std::uint64_t before = sets ? 0 : bits_mask(bits);
            const Outcome outcome = run(gpu, program, before, operands, bits_mask(bits));
            const std::uint64_t touched = bits_mask(bits - 3);
            CHECK(outcome.after == (sets ? touched : before & ~touched));
            // Bits only ever change one way, so the returned values form a chain of subsets.
            std::vector<std::uint64_t> chain = outcome.returned;
            std::ranges::sort(chain, {}, [](std::uint64_t value) { return std::popcount(value); });
            for (std::size_t i = 1; i < chain.size(); ++i) CHECK((chain[i - 1] & ~chain[i]) == 0);
          }};
}

std::vector<Contention> contentions() {
  return {sum<std::uint32_t>("atom.global.add.u32", 1),
          sum<std::int32_t>("atom.global.add.s32", 1),
          sum<std::uint64_t>("atom.global.add.u64", 0x100000001),
          sum<float>("atom.global.add.f32", 1),
          sum<double>("atom.global.add.f64", 0.5),
          sum<std::uint32_t>("atom.add.u32", 3),
          extreme("atom.global.min.u32", 32, false),
          extreme("atom.global.max.u32", 32, true),
          extreme("atom.global.min.s32", 32, false),
          extreme("atom.global.max.s32", 32, true),
          extreme("atom.global.min.u64", 64, false),
          extreme("atom.global.max.u64", 64, true),
          extreme("atom.global.min.s64", 64, false),
          extreme("atom.global.max.s64", 64, true),
          exchange("atom.global.exch.b32", 32),
          exchange("atom.global.exch.b64", 64),
          cycle("atom.global.inc.u32", true),
          cycle("atom.global.dec.u32", false),
          flip("atom.global.xor.b32", 32),
          flip("atom.global.xor.b64", 64),
          mask("atom.global.or.b32", 32, true),
          mask("atom.global.or.b64", 64, true),
          mask("atom.global.and.b32", 32, false),
          mask("atom.global.and.b64", 64, false)};
}

Program program_of(const Contention& contention_) {
  return {"contention on " + contention_.form,
          contention(contention_.form, std::to_string(contention_.bits)),
          {contention_.form}};
}

Program swap_program() {
  return {"compare-and-swap loop", std::string(kPtxHeader) + kSwapLoop, {"atom.global.cas.b32"}};
}

Program total_program() {
  return {"shared then global total",
          std::string(kPtxHeader) + kSharedThenGlobal,
          {"atom.shared.add.u32", "red.global.add.u32", "bar.sync"}};
}

/// On each path alone, where the order is that of the lanes and blocks, and then with two threads of the
/// host.
void run_contended(const Program& program, const std::function<void(Gpu&)>& check) {
  run_program(program, [&](Gpu& gpu, Module& /*module*/) { check(gpu); });
  INFO(program.name << " (two threads)");
  try {
    check(contended_gpu());
  } catch (const Error& error) {
    const bool expected =
        error.status() == Status::not_supported && is_expected_refusal("program " + program.name);
    CHECK_MESSAGE(expected, program.name << ": " << std::string(error.what()));
  }
}

}  // namespace

std::vector<Program> contention_programs() {
  std::vector<Program> programs = {swap_program(), total_program()};
  for (const Contention& each : contentions()) programs.push_back(program_of(each));
  return programs;
}

TEST_CASE("instructions: contended atomics happen in some order") {
  for (const Contention& each : contentions()) {
    const Program program = program_of(each);
    run_contended(program, [&](Gpu& gpu) { each.check(gpu, program); });
  }
}

TEST_CASE("instructions: a compare-and-swap loop counts every thread") {
  run_contended(swap_program(), [](Gpu& gpu) {
    const Outcome outcome = run(gpu, swap_program(), 0, all_equal(0), bits_mask(32));
    CHECK(outcome.after == kAll);
    std::vector<std::uint64_t> expected(kAll);
    std::iota(expected.begin(), expected.end(), std::uint64_t{0});
    CHECK(same_values(outcome.returned, expected));
  });
}

TEST_CASE("instructions: totals through shared and global memory") {
  run_contended(total_program(), [](Gpu& gpu) {
    const Outcome outcome = run(gpu, total_program(), 0, all_equal(0), bits_mask(32));
    CHECK(outcome.after == std::uint64_t{kBlocks} * kThreads * (kThreads + 1) / 2);
  });
}

}  // namespace vgpu::software::test
