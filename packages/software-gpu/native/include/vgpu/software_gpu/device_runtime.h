// What a context keeps for the functions that CUDA gives to kernels: printf, assert, malloc, free, and the
// stack (CUDA C++ Programming Guide, "Formatted Output", "Assertion", "Dynamic Global Memory Allocation and
// Operations").
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "vgpu/software_gpu/device_memory.h"

namespace vgpu::software {

/// In bytes, with CUDA's defaults.
struct RuntimeLimits {
  std::uint64_t stack = 1024;      // of each thread, for calls that recur (cudaLimitStackSize)
  std::uint64_t output = 1 << 20;  // cudaLimitPrintfFifoSize
  std::uint64_t heap = 8 << 20;    // cudaLimitMallocHeapSize
};

/// What the threads of one launch print. When it is full the oldest goes, as in CUDA.
class DeviceOutput {
 public:
  enum class Stream : std::uint8_t { output, error };  // of the program: stdout, stderr

  struct Text {
    Stream stream;
    std::string text;
  };

  /// What a text takes in the buffer besides its characters.
  static constexpr std::uint64_t kRecordBytes = 16;

  /// Before a launch, whose texts may take `capacity` bytes.
  void begin(std::uint64_t capacity);
  /// From any thread of the launch; `block` is the number of the block that prints.
  void write(std::uint64_t block, Stream stream, std::string text);
  /// What has been printed since begin(), block after block, so that it does not depend on which ran first.
  /// Texts to the same stream are joined.
  std::vector<Text> take();

 private:
  struct Record {
    std::uint64_t block;
    Text text;
  };

  std::mutex mutex_;
  std::uint64_t capacity_ = 0;
  std::uint64_t used_ = 0;
  std::deque<Record> records_;
};

/// The memory that kernels get from malloc; it stays theirs until they free it, in whatever launch.
class DeviceHeap {
 public:
  /// The alignment of what malloc returns.
  static constexpr std::uint64_t kAlignment = 16;

  explicit DeviceHeap(DeviceMemory& memory) : memory_(memory) {}
  ~DeviceHeap();
  DeviceHeap(const DeviceHeap&) = delete;
  DeviceHeap& operator=(const DeviceHeap&) = delete;

  /// Before the first launch of a kernel that allocates: takes the heap from device memory. Throws
  /// Error(out_of_memory).
  void reserve(std::uint64_t bytes);
  [[nodiscard]] bool is_reserved() const { return base_ != 0; }

  /// From any thread of a launch: zeroed memory, or 0 when there is none. `alignment` is a power of two.
  DeviceAddress allocate(std::uint64_t bytes, std::uint64_t alignment = kAlignment);
  /// False when nothing that allocate() returned lies at this address.
  [[nodiscard]] bool free(DeviceAddress address);

 private:
  using Gap = std::pair<std::uint64_t, DeviceAddress>;  // size and base

  void add_gap(DeviceAddress base, std::uint64_t bytes);
  void remove_gap(DeviceAddress base, std::uint64_t bytes);

  DeviceMemory& memory_;
  DeviceAddress base_ = 0;
  std::mutex mutex_;
  std::map<DeviceAddress, std::uint64_t> allocated_;  // base → size, a multiple of kAlignment
  std::map<DeviceAddress, std::uint64_t> gaps_;       // base → size, never adjacent
  std::set<Gap> gaps_by_size_;
};

/// One for each context. Not thread-safe except where a member says so. Limits are read when a kernel is
/// launched, that of the heap only before its first one.
class DeviceRuntime {
 public:
  /// `memory` is that of the Gpu whose kernels use this, and outlives it.
  explicit DeviceRuntime(DeviceMemory& memory) : heap(memory) {}

  RuntimeLimits limits;
  DeviceOutput output;
  DeviceHeap heap;
};

}  // namespace vgpu::software
