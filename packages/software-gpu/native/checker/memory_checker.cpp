// The observer that runs the checks, and what the host tells it.
#include "vgpu/software_gpu/memory_checker.h"

#include <optional>

#include "checker/access_check.h"
#include "checker/initialization_check.h"
#include "checker/race_check.h"
#include "checker/synchronization_check.h"
#include "text.h"

namespace vgpu::software {
namespace checker {
namespace {

/// The checks of one thread.
class CheckedBlocks final : public BlockObserver {
 public:
  explicit CheckedBlocks(AccessCheck access, bool holds_back) : access_(access), holds_back_(holds_back) {}

  std::optional<RaceCheck> races;
  std::optional<InitializationCheck> initialization;
  std::optional<SynchronizationCheck> synchronization;

  void block_begins(const Block& block) override {
    if (races) races->block_begins(block);
    if (initialization) initialization->block_begins();
    if (synchronization) synchronization->block_begins();
  }

  LaneMask accesses(const MemoryAccess& made) override {
    MemoryAccess right = made;
    right.lanes = holds_back_ ? access_.check(made) : access_.right_lanes(made);
    if (right.lanes != 0) {
      if (races) races->accesses(right);
      if (initialization) initialization->accesses(right);
    }
    // Without the memory check a stray access fails as it does without the checker.
    return holds_back_ ? right.lanes : made.lanes;
  }

  void arrives(const BarrierArrival& arrival) override {
    if (races) races->arrives(arrival);
    if (synchronization) synchronization->arrives(arrival);
  }
  void barrier_completes(const Block& block, std::uint32_t number) override {
    if (races) races->barrier_completes(block, number);
    if (synchronization) synchronization->barrier_completes(block, number);
  }
  void arrives_for_exchange(const ScheduledWarp& warp, const Instruction& instruction, LaneMask lanes,
                            LaneMask members) override {
    if (synchronization) synchronization->arrives_for_exchange(warp, instruction, lanes, members);
  }
  void lanes_meet(const ScheduledWarp& warp, LaneMask members) override {
    if (races) races->lanes_meet(warp, members);
    if (synchronization) synchronization->lanes_meet(warp, members);
  }
  void block_hangs(const Block& block) override {
    if (synchronization) synchronization->block_hangs(block);
  }

 private:
  AccessCheck access_;
  const bool holds_back_;
};

class Checker final : public MemoryChecker, private Observer {
 public:
  explicit Checker(MemoryCheckerOptions options)
      : options_(std::move(options)), log_(options_.most_findings, options_.on_finding) {}

  Observer& observer() override { return *this; }
  void watch(const DeviceMemory& memory) override {
    if (options_.initialization) shadow_.emplace(memory.base(), memory.total_bytes());
  }

  void allocated(DeviceAddress base, std::size_t bytes, bool initialized) override;
  void freed(DeviceAddress base) override;
  void written(DeviceAddress address, std::size_t bytes) override;
  void copied(DeviceAddress destination, DeviceAddress source, std::size_t bytes) override;
  void finish() override;
  [[nodiscard]] std::vector<Finding> findings() const override { return log_.findings(); }
  [[nodiscard]] std::uint64_t dropped() const override { return log_.dropped(); }

 private:
  void launch_begins(const Launch& launch) override;
  std::unique_ptr<BlockObserver> observe_blocks(const Launch& launch, unsigned thread) override;
  void launch_ends(const Launch& launch, const LaunchStatistics& statistics, const Error* error) override;
  /// "after launch 3, of scale(float*)"
  [[nodiscard]] std::string now() const;

  const MemoryCheckerOptions options_;
  FindingLog log_;
  Allocations allocations_;
  std::optional<DeviceShadow> shadow_;
  FirstFault fault_;
  std::uint64_t launches_ = 0;
  std::string last_kernel_;
};

void Checker::allocated(DeviceAddress base, std::size_t bytes, bool initialized) {
  allocations_.add(base, bytes, initialized);
  if (shadow_) shadow_->bits.clear(base - shadow_->base, bytes);
}

void Checker::freed(DeviceAddress base) {
  const std::string* earlier = allocations_.freed_at(base);
  const std::string before = earlier == nullptr ? "" : *earlier;
  if (allocations_.remove(base, now()) || !options_.memory) return;
  Finding finding;
  finding.check = "memory";
  finding.kind = earlier == nullptr ? "invalid-free" : "double-free";
  finding.allocation = allocations_.explain(base, 1);
  finding.message = hexadecimal(base) + " is freed " + now() + ", ";
  if (!before.empty()) {
    finding.message += "but it was freed already " + before;
  } else if (finding.allocation) {
    finding.message += "but no allocation begins there; it is " + describe(*finding.allocation);
  } else {
    finding.message += "but nothing is allocated";
  }
  log_.add(std::move(finding));
}

void Checker::written(DeviceAddress address, std::size_t bytes) {
  if (shadow_) shadow_->bits.set(address - shadow_->base, bytes);
}

void Checker::copied(DeviceAddress destination, DeviceAddress source, std::size_t bytes) {
  if (!shadow_) return;
  const auto origin = allocations_.find(source);
  ShadowBits& bits = shadow_->bits;
  if (!origin || origin->initialized || !bits.first_clear(source - shadow_->base, bytes)) {
    return written(destination, bytes);
  }
  std::vector<bool> copy(bytes);  // the ranges may overlap
  for (std::size_t i = 0; i < bytes; ++i) copy[i] = bits.get(source - shadow_->base + i);
  bits.clear(destination - shadow_->base, bytes);
  for (std::size_t i = 0; i < bytes; ++i) {
    if (copy[i]) bits.set(destination - shadow_->base + i, 1);
  }
}

void Checker::finish() {
  if (!options_.memory) return;
  for (const auto& [base, entry] : allocations_.live()) {
    Finding finding;
    finding.check = "memory";
    finding.kind = "leak";
    finding.is_error = false;
    finding.allocation = FindingAllocation{base, entry.bytes, "inside", 0, {}};
    finding.message = std::to_string(entry.bytes) + " bytes at " + hexadecimal(base) + " were never freed";
    log_.add(std::move(finding));
  }
}

void Checker::launch_begins(const Launch& launch) {
  ++launches_;
  last_kernel_ = demangled(launch.kernel->name);
}

std::unique_ptr<BlockObserver> Checker::observe_blocks(const Launch& launch, unsigned /*thread*/) {
  auto blocks = std::make_unique<CheckedBlocks>(AccessCheck(log_, allocations_, fault_), options_.memory);
  if (options_.races) blocks->races.emplace(log_);
  if (shadow_) blocks->initialization.emplace(log_, allocations_, *shadow_, launch);
  if (options_.synchronization) blocks->synchronization.emplace(log_);
  return blocks;
}

/// What was held back would have ended the launch without the checker.
void Checker::launch_ends(const Launch& /*launch*/, const LaunchStatistics& /*statistics*/,
                          const Error* error) {
  const std::optional<Error> fault = fault_.take();
  if (fault && error == nullptr) throw *fault;
}

std::string Checker::now() const {
  if (launches_ == 0) return "before the first launch";
  return "after launch " + std::to_string(launches_) + ", of " + last_kernel_;
}

}  // namespace
}  // namespace checker

std::unique_ptr<MemoryChecker> MemoryChecker::create(MemoryCheckerOptions options) {
  return std::make_unique<checker::Checker>(std::move(options));
}

}  // namespace vgpu::software
