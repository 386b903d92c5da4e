// What a client's handles stand for on the software GPU.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "backends/handle_table.h"
#include "backends/software/device_space.h"
#include "vgpu/software_gpu/gpu.h"
#include "vgpu_protocol.h"

namespace vgpu::executor {

/// A CUDA context owns modules, functions, streams, events and allocations.
struct Context {
  std::uint32_t flags = 0;
  std::unique_ptr<software::DeviceRuntime> runtime;
  bool has_printed = false;  // a kernel that can print has been launched
};

/// The device's primary context exists always; it is active while somebody retains it.
struct PrimaryContext {
  Handle handle = 0;
  std::uint32_t retained = 0;
};

/// The managed variables of modules, each in a file that the client maps too.
class ManagedVariables final : public software::ManagedMemory {
 public:
  explicit ManagedVariables(DeviceSpace& space) : space_(space) {}

  std::uint64_t allocate(std::size_t bytes) override {
    const SharedMemory shared = space_.allocate_shared(bytes);
    placed_.emplace(shared.address, shared);
    return shared.address;
  }
  void free(std::uint64_t address) noexcept override {
    space_.free_shared(address);
    placed_.erase(address);
  }
  [[nodiscard]] const SharedMemory& at(std::uint64_t address) const { return placed_.at(address); }

 private:
  DeviceSpace& space_;
  std::map<std::uint64_t, SharedMemory> placed_;
};

struct Module {
  Handle context = 0;
  std::unique_ptr<software::Module> code;
  std::map<std::string, Handle, std::less<>> functions;
};

struct Function {
  Handle context = 0;
  Handle module = 0;
  std::string name;
  /// What cuFuncSetAttribute allowed, instead of the default.
  std::optional<std::int32_t> dynamic_shared_limit;
  std::int32_t shared_memory_carveout = -1;
};

/// Work runs when it arrives, so a stream has no state.
struct Stream {
  Handle context = 0;
  std::uint32_t flags = 0;
  std::int32_t priority = 0;
};

/// Device memory that the client allocated.
struct Allocation {
  Handle context = 0;
  Handle pool = 0;  // 0: none
  bool shared = false;
};

/// Physical memory as the client names it.
struct MemoryHandle {
  std::shared_ptr<PhysicalMemory> memory;
  std::uint32_t references = 0;
};

struct ArrayObject {
  Handle context = 0;
  vgpu_array description{};
  std::uint64_t address = 0;
  std::uint64_t pitch = 0;
};

struct TextureObject {
  Handle context = 0;
  vgpu_texture description{};
};

struct MemoryPool {
  std::uint64_t maximum_bytes = 0;  // 0: none but the device's
  std::uint64_t release_threshold = 0;
  std::array<bool, 3> reuse{true, true, true};
  std::uint64_t used_bytes = 0;
  std::uint64_t used_high = 0;
  std::uint64_t reserved_high = 0;
};

struct Event {
  Handle context = 0;
  std::uint32_t flags = 0;
  std::optional<std::chrono::steady_clock::time_point> recorded;
};

}  // namespace vgpu::executor
