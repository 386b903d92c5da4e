#include "vgpu/software_gpu/gpu.h"

#ifdef VGPU_X86_PATHS
#include <cpuid.h>
#endif
#include <sched.h>

#include <algorithm>
#include <mutex>
#include <new>
#include <system_error>
#include <thread>

#include "execution/block.h"
#include "execution/compiled/compilation.h"
#include "execution/compiled/executable_memory.h"
#include "execution/observation.h"
#include "execution/observer.h"
#include "grid_run.h"
#include "image/fat_binary.h"
#include "module.h"
#include "worker_pool.h"

namespace vgpu::software {
namespace {

/// Instructions until another warp has its turn: long enough that switching costs nothing, short enough that
/// a time limit is kept to the millisecond.
constexpr std::int64_t kSlice = 8192;
/// Shorter where most of the blocks may only be waiting for the others.
constexpr std::int64_t kCooperativeSlice = 1024;

/// Cores that this process may use, which in a container are fewer than the machine has.
unsigned usable_cores() {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  if (sched_getaffinity(0, sizeof cores, &cores) == 0)
    return static_cast<unsigned>(std::max(CPU_COUNT(&cores), 1));
  return std::max(std::thread::hardware_concurrency(), 1U);
}

#ifdef VGPU_X86_PATHS
// Not every compiler knows "f16c" as a name for __builtin_cpu_supports.
bool converts_halves() {
  unsigned int eax = 0;
  unsigned int ebx = 0;
  unsigned int ecx = 0;
  unsigned int edx = 0;
  return __get_cpuid(1, &eax, &ebx, &ecx, &edx) != 0 && (ecx & bit_F16C) != 0;
}
#endif

bool can_run(VectorPath path) {
  switch (path) {
    case VectorPath::portable:
      return true;
#ifdef VGPU_X86_PATHS
    case VectorPath::avx2:
      return __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0 &&
             __builtin_cpu_supports("bmi2") != 0 && converts_halves();
    case VectorPath::avx512:
      return can_run(VectorPath::avx2) && __builtin_cpu_supports("avx512f") != 0 &&
             __builtin_cpu_supports("avx512bw") != 0 && __builtin_cpu_supports("avx512dq") != 0 &&
             __builtin_cpu_supports("avx512vl") != 0 && __builtin_cpu_supports("avx512cd") != 0;
#endif
    default:
      return false;
  }
}

VectorPath choose_path(VectorPath wanted) {
  if (wanted != VectorPath::automatic) {
    if (!can_run(wanted))
      throw Error(Status::not_supported, "this processor cannot run the vector path asked for");
    return wanted;
  }
  for (const VectorPath path : {VectorPath::avx512, VectorPath::avx2}) {
    if (can_run(path)) return path;
  }
  return VectorPath::portable;
}

HandlerTables tables_of(VectorPath path) {
  switch (path) {
#ifdef VGPU_X86_PATHS
    case VectorPath::avx2:
      return avx2::handler_tables();
    case VectorPath::avx512:
      return avx512::handler_tables();
#endif
    default:
      return portable::handler_tables();
  }
}

std::string reason_to_interpret(VectorPath path, const GpuOptions& options) {
  if (options.compiled_code == CompiledCode::never) return "compiled code is switched off";
  if (options.observer != nullptr) return "an observer looks at every instruction";
  if (path != VectorPath::avx512) return "compiled code needs AVX-512";
  try {
    const std::uint8_t nothing = 0;
    ExecutableMemory{{&nothing, 1}};
  } catch (const std::system_error& error) {
    return std::string("the system refuses executable memory: ") + error.what();
  }
  return {};
}

class CpuGpu final : public Gpu {
 public:
  explicit CpuGpu(const GpuOptions& options)
      : path_(choose_path(options.vector_path)),
        memory_(options.memory_bytes),
        pool_(options.threads == 0 ? usable_cores() : options.threads),
        observer_(options.observer),
        compiled_code_(options.compiled_code),
        why_interpreted_(reason_to_interpret(path_, options)) {
    if (options.guarded_memory) memory_.guard();
    if (compiled_code_ == CompiledCode::always && !why_interpreted_.empty())
      throw Error(Status::not_supported, why_interpreted_);
  }

  [[nodiscard]] const DeviceLimits& limits() const override { return limits_; }
  [[nodiscard]] VectorPath vector_path() const override { return path_; }
  [[nodiscard]] unsigned threads() const override { return pool_.threads(); }
  [[nodiscard]] const std::string& why_interpreted() const override { return why_interpreted_; }
  DeviceMemory& memory() override { return memory_; }
  TextureTable& textures() override { return textures_; }

  using Gpu::load;
  std::unique_ptr<Module> load(std::span<const std::byte> image, ManagedMemory* managed) override {
    const int capability = 10 * limits_.compute_capability_major + limits_.compute_capability_minor;
    // An observer is to see every instruction of the program.
    const Invariants invariants = observer_ == nullptr ? Invariants::in_preamble : Invariants::in_place;
    return std::make_unique<TextModule>(select_ptx(image, capability), memory_, managed, limits_, invariants);
  }

  LaunchStatistics launch(const Kernel& kernel, const LaunchConfiguration& configuration,
                          std::span<const std::byte> parameters) override;

  void parallel(unsigned count, const std::function<void(unsigned)>& task) override {
    const std::lock_guard lock(launching_);
    pool_.run(count, task);
  }

 private:
  LaunchStatistics finished_under_observation(GridRun& run, const Launch& launch, const Kernel& kernel);
  void check(const LoadedKernel& kernel, const LaunchConfiguration& configuration,
             std::span<const std::byte> parameters) const;

  const DeviceLimits limits_;
  const VectorPath path_;
  DeviceMemory memory_;
  TextureTable textures_;
  WorkerPool pool_;
  Observer* const observer_;
  const CompiledCode compiled_code_;
  const std::string why_interpreted_;
  std::mutex launching_;
  std::uint64_t launches_ = 0;
};

/// How many blocks of that size the whole GPU holds at once, by the limits of its multiprocessors.
std::uint64_t resident_blocks(const DeviceLimits& limits, unsigned multiprocessors, std::uint64_t threads,
                              std::uint64_t shared_bytes) {
  const auto warp = static_cast<std::uint64_t>(limits.warp_size);
  const std::uint64_t rounded = (threads + warp - 1) / warp * warp;
  auto blocks = static_cast<std::uint64_t>(limits.max_blocks_per_multiprocessor);
  blocks = std::min(blocks, static_cast<std::uint64_t>(limits.max_threads_per_multiprocessor) / rounded);
  if (shared_bytes != 0) {
    blocks = std::min(blocks,
                      static_cast<std::uint64_t>(limits.max_shared_bytes_per_multiprocessor) / shared_bytes);
  }
  return blocks * multiprocessors;
}

/// Where blocks that wait for each other count their arrivals: code that nvcc generates for grid
/// synchronisation finds it through %envreg1 and %envreg2. Its layout is that of cooperative_groups; it
/// begins as zeros.
class GridWorkspace {
 public:
  GridWorkspace(DeviceMemory& memory, bool wanted)
      : memory_(memory), address_(wanted ? memory.allocate(kBytes) : 0) {}
  ~GridWorkspace() {
    if (address_ != 0) memory_.free(address_);
  }
  GridWorkspace(const GridWorkspace&) = delete;
  GridWorkspace& operator=(const GridWorkspace&) = delete;

  [[nodiscard]] DeviceAddress address() const { return address_; }

 private:
  static constexpr std::size_t kBytes = 16;
  DeviceMemory& memory_;
  DeviceAddress address_;
};

std::string to_string(const Dim3& size) {
  return std::to_string(size.x) + "x" + std::to_string(size.y) + "x" + std::to_string(size.z);
}

void CpuGpu::check(const LoadedKernel& kernel, const LaunchConfiguration& configuration,
                   std::span<const std::byte> parameters) const {
  const auto refuse = [&](Status status, const std::string& message) {
    throw Error(status, "launch of kernel '" + kernel.name() + "': " + message);
  };
  const auto fits = [](const Dim3& size, const Dim3& limit) {
    const bool inside = size.x <= limit.x && size.y <= limit.y && size.z <= limit.z;
    return inside && size.x != 0 && size.y != 0 && size.z != 0;
  };
  const Dim3& block = configuration.block;
  if (!fits(configuration.grid, limits_.max_grid)) {
    refuse(Status::invalid_value, "a grid of " + to_string(configuration.grid) + " blocks");
  }
  if (!fits(block, limits_.max_block) || std::uint64_t{block.x} * block.y * block.z >
                                             static_cast<std::uint64_t>(limits_.max_threads_per_block)) {
    refuse(Status::invalid_value, "a block of " + to_string(block) + " threads");
  }
  const Dim3& required = kernel.required_block();
  if (required.x != 0 && (block.x != required.x || block.y != required.y || block.z != required.z)) {
    refuse(Status::invalid_value,
           "a block of " + to_string(block) + " threads where .reqntid says " + to_string(required));
  }
  if (block.x * block.y * block.z > static_cast<std::uint32_t>(kernel.attributes().max_threads_per_block)) {
    refuse(Status::launch_out_of_resources, "a block of " + to_string(block) +
                                                " threads where .maxntid allows " +
                                                std::to_string(kernel.attributes().max_threads_per_block));
  }
  const std::uint64_t shared = static_cast<std::uint64_t>(kernel.attributes().static_shared_bytes) +
                               configuration.dynamic_shared_bytes;
  if (shared > static_cast<std::uint64_t>(limits_.max_shared_bytes_per_block_optin)) {
    refuse(Status::launch_out_of_resources, std::to_string(shared) + " bytes of shared memory");
  }
  const std::uint64_t blocks =
      std::uint64_t{configuration.grid.x} * configuration.grid.y * configuration.grid.z;
  const std::uint64_t resident =
      resident_blocks(limits_, pool_.threads(), std::uint64_t{block.x} * block.y * block.z, shared);
  if (configuration.cooperative && blocks > resident) {
    refuse(Status::cooperative_launch_too_large,
           std::to_string(blocks) + " blocks, of which " + std::to_string(resident) + " can run at once");
  }
  if (parameters.size() < kernel.parameter_bytes()) {
    refuse(Status::invalid_value, std::to_string(parameters.size()) + " bytes of parameters instead of " +
                                      std::to_string(kernel.parameter_bytes()));
  }
}

void prepare_runtime(const DecodedKernel& kernel, DeviceRuntime* runtime) {
  if (runtime == nullptr) {
    if (!kernel.prints && !kernel.allocates) return;
    throw Error(Status::invalid_value,
                "launch of kernel '" + kernel.name + "': it prints or allocates, but has no runtime");
  }
  if (kernel.allocates) runtime->heap.reserve(runtime->limits.heap);
  runtime->output.begin(runtime->limits.output);
}

LaunchStatistics finished(GridRun& run, const Kernel& kernel) {
  try {
    return run.finish();
  } catch (const std::bad_alloc&) {
    throw Error(Status::out_of_memory, "no memory for the threads of kernel '" + kernel.name() + "'");
  }
}

LaunchStatistics CpuGpu::launch(const Kernel& kernel, const LaunchConfiguration& configuration,
                                std::span<const std::byte> parameters) {
  const auto& loaded = dynamic_cast<const LoadedKernel&>(kernel);
  check(loaded, configuration, parameters);
  const std::uint64_t blocks =
      std::uint64_t{configuration.grid.x} * configuration.grid.y * configuration.grid.z;
  const auto workers = static_cast<unsigned>(std::min<std::uint64_t>(pool_.threads(), blocks));

  const std::lock_guard lock(launching_);
  prepare_runtime(loaded.decoded(), configuration.runtime);
  Launch launch{};
  launch.kernel = &loaded.decoded();
  launch.ptx = loaded.module_text();
  launch.configuration = configuration;
  launch.parameters.assign(parameters.begin(),
                           parameters.begin() + static_cast<std::ptrdiff_t>(kernel.parameter_bytes()));
  launch.memory = &memory_;
  launch.textures = &textures_;
  launch.plain_tables = tables_of(path_);
  launch.tables = observer_ == nullptr ? launch.plain_tables : observed_tables();
  launch.observer = observer_;
  if (why_interpreted_.empty()) launch.compilation = &loaded.compilation();
  launch.compile_at_once = compiled_code_ == CompiledCode::always;
  launch.runtime = configuration.runtime;
  launch.worker_count = pool_.threads();
  launch.grid_id = ++launches_;
  launch.deadline = configuration.time_limit.count() == 0
                        ? std::chrono::steady_clock::time_point::max()
                        : std::chrono::steady_clock::now() + configuration.time_limit;
  const GridWorkspace workspace(memory_, configuration.cooperative);
  launch.grid_workspace = workspace.address();
  launch.slice_instructions = configuration.cooperative ? kCooperativeSlice : kSlice;
  GridRun run(launch, blocks, workers);
  if (observer_ != nullptr) observer_->launch_begins(launch);
  pool_.run(workers, [&](unsigned worker) { run.work(worker); });
  return observer_ == nullptr ? finished(run, kernel) : finished_under_observation(run, launch, kernel);
}

LaunchStatistics CpuGpu::finished_under_observation(GridRun& run, const Launch& launch,
                                                    const Kernel& kernel) {
  LaunchStatistics statistics;
  try {
    statistics = finished(run, kernel);
  } catch (const Error& error) {
    observer_->launch_ends(launch, statistics, &error);
    throw;
  }
  observer_->launch_ends(launch, statistics, nullptr);
  return statistics;
}

}  // namespace

std::unique_ptr<Gpu> Gpu::create(const GpuOptions& options) {
  return std::make_unique<CpuGpu>(options);
}

}  // namespace vgpu::software
