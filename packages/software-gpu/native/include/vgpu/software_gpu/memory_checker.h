// Finds mistakes that a GPU hides: stray accesses, races in shared memory, reads of memory that nothing
// wrote, barriers that not all threads reach. docs/memory-checker.md says what each check finds and what it
// cannot.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "vgpu/software_gpu/device_memory.h"
#include "vgpu/software_gpu/gpu.h"

namespace vgpu::software {

/// A line of a kernel, executed by a thread.
struct FindingPlace {
  std::string kernel;    // demangled
  std::string function;  // the device function in it, demangled; the same as `kernel` outside of any
  std::array<std::uint32_t, 3> block{};
  std::array<std::uint32_t, 3> thread{};
  std::uint32_t ptx_line = 0;
  std::string source_file;  // empty without nvcc -lineinfo
  std::uint32_t source_line = 0;
  std::string caller_file;  // of inlined code, such as CUDA's own headers: where it was called
  std::uint32_t caller_line = 0;
};

struct FindingAccess {
  std::string operation;  // load, store, atomic
  std::string space;      // global, shared, local, parameter
  std::uint32_t bytes = 0;
  std::uint64_t address = 0;  // global: a device address; otherwise an offset in the space
};

/// The allocation that an access belongs to, or the nearest one.
struct FindingAllocation {
  DeviceAddress base = 0;
  std::size_t bytes = 0;
  std::string position;        // of the access: before, inside, after
  std::uint64_t distance = 0;  // bytes between them; inside: from the base
  std::string freed;           // when, for one that is no more
};

struct Finding {
  std::string check;  // memory, race, init, sync
  std::string
      kind;  // out-of-bounds, use-after-free, write-after-write, … : docs/memory-checker.md has them all
  bool is_error = true;
  std::string message;                // one line for people, without the place
  std::optional<FindingPlace> place;  // absent for mistakes of the host, such as a leak
  std::optional<FindingPlace> other;  // of a race: the earlier access
  std::optional<FindingAccess> access;
  std::optional<FindingAllocation> allocation;
  std::uint64_t count = 1;  // how often at this place
};

/// One line of JSON, without a line end.
std::string to_json(const Finding& finding);

struct MemoryCheckerOptions {
  bool memory = false;  // bounds, alignment, use after free, frees, leaks
  bool races = false;
  bool initialization = false;
  bool synchronization = false;
  /// Findings kept, each a place in a kernel; further ones are only counted.
  std::size_t most_findings = 1000;
  /// Called at each new finding with its number, counted from 0, on any thread, one at a time.
  std::function<void(std::size_t number, const Finding&)> on_finding;
};

/// Watches a GPU and hears of its host's calls. Create it first, pass observer() in GpuOptions together with
/// guarded_memory, call watch(), and destroy it after the Gpu. The methods must not run during a launch.
class MemoryChecker {
 public:
  static std::unique_ptr<MemoryChecker> create(MemoryCheckerOptions options);
  virtual ~MemoryChecker() = default;

  [[nodiscard]] virtual Observer& observer() = 0;

  /// The memory of the GPU that is observed; before the first of the calls below.
  virtual void watch(const DeviceMemory& memory) = 0;

  /// The program got memory. `initialized`: reading it before writing it is no mistake, as the host may write
  /// to it unseen.
  virtual void allocated(DeviceAddress base, std::size_t bytes, bool initialized) = 0;
  /// It gives back what allocated() named; anything else is a finding.
  virtual void freed(DeviceAddress base) = 0;
  /// A copy or a fill wrote these bytes.
  virtual void written(DeviceAddress address, std::size_t bytes) = 0;
  /// A copy within the device: what was not initialised stays so.
  virtual void copied(DeviceAddress destination, DeviceAddress source, std::size_t bytes) = 0;
  /// The program ends: what it has not freed is reported as leaked.
  virtual void finish() = 0;

  [[nodiscard]] virtual std::vector<Finding> findings() const = 0;
  /// Occurrences beyond most_findings.
  [[nodiscard]] virtual std::uint64_t dropped() const = 0;
};

}  // namespace vgpu::software
