// The software GPU: loads modules (PTX text or fat binaries) and runs their kernels on the CPU.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "vgpu/software_gpu/device_memory.h"
#include "vgpu/software_gpu/device_runtime.h"
#include "vgpu/software_gpu/error.h"
#include "vgpu/software_gpu/texture.h"

namespace vgpu::software {

struct Dim3 {
  std::uint32_t x = 1;
  std::uint32_t y = 1;
  std::uint32_t z = 1;
};

/// What this GPU is. Limits are those of compute capability 8.0 (CUDA C++ Programming Guide, "Compute
/// Capabilities").
struct DeviceLimits {
  int compute_capability_major = 8;
  int compute_capability_minor = 0;
  int warp_size = 32;
  int max_threads_per_block = 1024;
  Dim3 max_block{1024, 1024, 64};
  Dim3 max_grid{2147483647, 65535, 65535};
  int max_shared_bytes_per_block = 48 * 1024;
  int max_shared_bytes_per_block_optin = 163 * 1024;
  int max_shared_bytes_per_multiprocessor = 164 * 1024;
  int max_threads_per_multiprocessor = 2048;
  int max_blocks_per_multiprocessor = 32;
  int registers_per_block = 65536;
  int constant_bytes = 65536;
};

/// Which build of the interpreter runs. `automatic` takes the widest that this processor has.
enum class VectorPath { automatic, portable, avx2, avx512 };

/// Whether straight-line code of kernels is compiled to machine code, which needs AVX-512 and a system that
/// allows it. `automatic` compiles a kernel when it has run for about as long as that takes; `always` at its
/// first launch; results are the same.
enum class CompiledCode { automatic, never, always };

/// Sees what kernels do while they run, for tools: see native/execution/observer.h and MemoryChecker.
class Observer;

struct GpuOptions {
  std::size_t memory_bytes = std::size_t{4} << 30;
  /// Threads that run blocks; 0 means one per core that this process may use. 1 makes every run identical.
  unsigned threads = 0;
  VectorPath vector_path = VectorPath::automatic;
  CompiledCode compiled_code = CompiledCode::automatic;
  /// Told about all launches; must outlive the Gpu. Kernels run many times slower with one.
  Observer* observer = nullptr;
  /// Unused addresses around each allocation, and those that were freed given out last: a stray access then
  /// meets nothing that belongs to somebody else.
  bool guarded_memory = false;
};

struct KernelParameter {
  std::size_t offset;  // in the parameter buffer
  std::size_t bytes;
};

/// What cuFuncGetAttribute reports.
struct KernelAttributes {
  int max_threads_per_block;
  int static_shared_bytes;
  int constant_bytes;
  int local_bytes;
  int registers;
  int ptx_version;     // 75 for .target sm_75
  int binary_version;  // the compute capability that runs it, 80
};

/// A kernel, decoded and ready to launch. Lives as long as its module; safe to read from any thread.
class Kernel {
 public:
  virtual ~Kernel() = default;
  [[nodiscard]] virtual const std::string& name() const = 0;
  [[nodiscard]] virtual std::span<const KernelParameter> parameters() const = 0;
  [[nodiscard]] virtual std::size_t parameter_bytes() const = 0;
  [[nodiscard]] virtual const KernelAttributes& attributes() const = 0;
  /// Whether it may call printf or fail an assertion; whether it may call malloc or free.
  [[nodiscard]] virtual bool prints() const = 0;
  [[nodiscard]] virtual bool allocates() const = 0;
  /// How many of its instructions run as machine code; 0 until it is compiled.
  [[nodiscard]] virtual std::size_t compiled_instructions() const = 0;
};

struct Global {
  DeviceAddress address;
  std::size_t bytes;
  bool managed = false;  // placed by the module's ManagedMemory
};

/// Where variables that are declared as managed live, so that somebody else can reach them too. The addresses
/// are allocations of the Gpu's memory.
class ManagedMemory {
 public:
  ManagedMemory() = default;
  virtual ~ManagedMemory() = default;
  ManagedMemory(const ManagedMemory&) = delete;
  ManagedMemory& operator=(const ManagedMemory&) = delete;

  /// Zeroed. May throw; the module is then not loaded.
  virtual DeviceAddress allocate(std::size_t bytes) = 0;
  virtual void free(DeviceAddress address) noexcept = 0;
};

/// A loaded module: its global variables live in device memory; its kernels are decoded when first asked for.
class Module {
 public:
  virtual ~Module() = default;  // frees the module's global variables
  [[nodiscard]] virtual std::vector<std::string> kernel_names() const = 0;
  /// Cheap: says only whether an entry of that name exists.
  [[nodiscard]] virtual bool has_kernel(std::string_view name) const = 0;
  /// Decodes at the first call, then returns the same object. Throws Error: not_found; invalid_ptx (with the
  /// PTX line); not_supported (with kernel, PTX line and opcode).
  virtual const Kernel& kernel(std::string_view name) = 0;
  [[nodiscard]] virtual std::optional<Global> global(std::string_view name) const = 0;
  /// How many kernels have been decoded so far.
  [[nodiscard]] virtual std::size_t decoded_kernels() const = 0;
};

struct LaunchConfiguration {
  Dim3 grid;
  Dim3 block;
  std::uint32_t dynamic_shared_bytes = 0;
  /// All blocks run at once, so that they may wait for each other (grid synchronisation).
  bool cooperative = false;
  /// After this long the launch stops with launch_timeout. Zero means no limit.
  std::chrono::milliseconds time_limit{0};
  /// What printf, assert, malloc and free of the kernel work with, and the limit of its stack. A kernel that
  /// calls none of these can do without. It is used by one launch at a time; output.take() afterwards, also
  /// after a throw.
  DeviceRuntime* runtime = nullptr;
};

struct LaunchStatistics {
  std::uint64_t warp_instructions = 0;
  std::uint64_t thread_instructions = 0;  // active lanes summed over warp instructions
};

class Gpu {
 public:
  /// Throws Error: not_supported when this machine lacks what `options` ask for, out_of_memory.
  static std::unique_ptr<Gpu> create(const GpuOptions& options);
  virtual ~Gpu() = default;

  [[nodiscard]] virtual const DeviceLimits& limits() const = 0;
  [[nodiscard]] virtual VectorPath vector_path() const = 0;  // never `automatic`
  [[nodiscard]] virtual unsigned threads() const = 0;
  /// Why kernels are only interpreted; empty when those that run for long are compiled.
  [[nodiscard]] virtual const std::string& why_interpreted() const = 0;
  virtual DeviceMemory& memory() = 0;
  /// What kernels may read through. To be changed between launches only.
  virtual TextureTable& textures() = 0;

  /// `image` is PTX text (with or without a terminating NUL) or a fat binary; it is copied. From a fat binary
  /// the newest PTX that is not above the compute capability is taken. Declarations are parsed now, function
  /// bodies when a kernel is first used. Throws Error: invalid_image, no_binary_for_gpu, invalid_ptx,
  /// unsupported_ptx_version, out_of_memory.
  /// `managed` gets the module's managed variables and outlives the module; without it they are like all
  /// others.
  virtual std::unique_ptr<Module> load(std::span<const std::byte> image, ManagedMemory* managed) = 0;
  std::unique_ptr<Module> load(std::span<const std::byte> image) { return load(image, nullptr); }

  /// Runs the whole grid and returns when it is done. `parameters` must hold kernel.parameter_bytes() bytes.
  /// Throws Error: invalid_value (too many threads, too short parameters, zero dimension, no runtime for a
  /// kernel that needs one), out_of_memory (for its heap), launch_out_of_resources,
  /// cooperative_launch_too_large, and what the kernel does wrong: illegal_address, misaligned_address,
  /// launch_timeout, … whose message names kernel, block, thread, PTX line and the nearest allocation.
  /// After a throw memory holds whatever the kernel had written.
  virtual LaunchStatistics launch(const Kernel& kernel, const LaunchConfiguration& configuration,
                                  std::span<const std::byte> parameters) = 0;

  /// Calls task(0) … task(count - 1), each on another of the device's threads, and returns when all have
  /// returned. `count` is at most threads(); the task must not throw. For work that is not a kernel.
  virtual void parallel(unsigned count, const std::function<void(unsigned)>& task) = 0;
};

}  // namespace vgpu::software
