// Random kernels that PTX allows and whose every result it defines, for comparing engines with each other.
//
// No thread reads what another writes without a barrier between, atomics on shared places have an
// order-independent result, instructions of a warp name exactly the lanes that come there, and registers are
// written before they are read. What PTX leaves open otherwise (see "What PTX leaves open" in the README) is
// the same on every engine.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "vgpu/software_gpu/gpu.h"

namespace vgpu::software::test {

struct Statement;

/// Statements, and the text behind them: a branch, a label.
struct Body {
  std::vector<Statement> statements;
  std::string end;
  /// What goes in front of them and behind when they stand there without their branch or loop, which all
  /// lanes then go through once.
  struct Frame {
    std::string begin;
    std::string end;
  };
  std::optional<Frame> alone = std::nullopt;
};

/// Something that can be taken out of a kernel and leaves a valid one: an instruction or a group of them that
/// belong together, or an `if`, a loop or a switch with its bodies.
struct Statement {
  std::string text;
  std::vector<Body> bodies;
};

/// Where things lie in the one allocation that a kernel works on, in bytes.
struct MemoryLayout {
  static constexpr std::uint32_t kInputBytes = 16 << 10;  // random, read only
  static constexpr std::uint32_t kBoxBytes = 64;          // of each thread
  static constexpr std::uint32_t kCounters = 8;           // of 8 bytes, for all threads
  static constexpr std::uint32_t kColumnBytes = 31;   // of each thread: an element of 1, 2, 4, 8 and 16 bytes
  static constexpr std::uint32_t kOutputBytes = 512;  // of each thread

  explicit MemoryLayout(std::uint32_t threads);

  std::uint32_t counters;
  std::uint32_t boxes;
  std::uint32_t columns;
  std::uint32_t output;
  std::uint32_t bytes;
};

struct RandomKernel {
  std::uint64_t seed = 0;
  std::uint64_t number = 0;
  Dim3 grid;
  Dim3 block;
  std::string head;  // the module up to the first function
  struct Function {
    std::string begin;
    Body body;
  };
  std::vector<Function> functions;  // the last is the entry "test"

  [[nodiscard]] std::uint32_t threads_per_block() const { return block.x * block.y * block.z; }
  [[nodiscard]] std::uint32_t threads() const { return threads_per_block() * grid.x * grid.y * grid.z; }
  [[nodiscard]] std::string ptx() const;
};

/// The same kernel for the same numbers, everywhere.
RandomKernel random_kernel(std::uint64_t seed, std::uint64_t number);

}  // namespace vgpu::software::test
