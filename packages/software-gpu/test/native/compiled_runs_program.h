// Kernels whose threads read a record of registers, execute a body, and write the record back: run with
// compiled code and without.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "instruction_harness.h"
#include "instruction_values.h"

namespace vgpu::software::test::compiled_runs {

constexpr std::uint32_t kThreads = 64;
constexpr std::uint32_t kUsedThreads = kThreads - 7;  // the last warp is not complete
constexpr std::uint32_t kWarpThreads = 32;
constexpr std::uint32_t kBlocks = 3;
constexpr std::uint32_t kWords = 16;
constexpr std::uint32_t kDoublewords = 10;
constexpr std::uint32_t kPredicates = 8;
/// What a thread reads and writes: its registers, predicates as words.
constexpr std::uint32_t kRecordBytes = 4 * kWords + 8 * kDoublewords + 4 * kPredicates;
/// Behind the records: what all threads read, in device and in shared memory, and columns with a word for
/// each thread.
constexpr std::uint32_t kInputBytes = 2048;
constexpr std::uint32_t kColumns = 8;
constexpr std::uint32_t kColumnBytes = 4 * kThreads * kBlocks;
constexpr std::uint32_t kRecordsBytes = kRecordBytes * kThreads * kBlocks;
constexpr std::uint32_t kDataBytes = kRecordsBytes + kInputBytes + kColumns * kColumnBytes;

std::unique_ptr<Gpu> create(CompiledCode compiled_code);

/// False, with a word about it, where nothing can be compiled.
bool can_compile();

/// The kernel "test": registers %r0…, %d0… and %p0…, %i is the thread's number, %input and %tile the middle
/// of the input in device and in shared memory, %column the thread's word of the first column, %slot one in
/// shared memory.
std::string program(const std::string& body);
std::vector<std::byte> random_records(Random& random);

struct Outcome {
  std::vector<std::byte> bytes;
  LaunchStatistics statistics;
  std::size_t compiled_instructions;
};

Outcome run(CompiledCode compiled_code, const std::string& ptx, const std::vector<std::byte>& records,
            std::uint32_t threads = kUsedThreads);

/// Runs the body both ways.
void compare(const std::string& body, std::uint64_t seed, std::size_t least_compiled);

}  // namespace vgpu::software::test::compiled_runs
