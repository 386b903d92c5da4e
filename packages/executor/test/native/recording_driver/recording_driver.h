// A driver without a device, for tests of the real backend. It records every call with its arguments, answers
// as it was told to, and is as asynchronous as a driver may be: copies, fills and launches happen only when
// somebody waits.
#pragma once

#include <cstdint>

namespace vgpu::executor::test {

/// What the library exports beside CUDA's functions, as "vgpu_recording". One state for the process.
struct Recording {
  /// Forgets all calls, memory and rules; then the rules are those of VGPU_RECORDING_RULES again:
  /// "cuInit=100 cuDeviceGetCount=hang cuMemAlloc_v2=window".
  void (*reset)();
  /// From now on the call does nothing and gives this result; "hang" makes it never return, "outside" makes
  /// an allocation lie where programs have their own memory.
  void (*rule)(const char* call, const char* answer);
  /// One line a call, "cuMemAlloc_v2 bytes=256"; handles as the driver numbered them.
  const char* (*calls)();
  /// Forgets the lines so far.
  void (*clear_calls)();
  /// Objects and memory that nobody has given back.
  std::uint64_t (*alive)();
};

}  // namespace vgpu::executor::test
