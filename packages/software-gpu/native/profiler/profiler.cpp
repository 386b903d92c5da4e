#include "vgpu/software_gpu/profiler.h"

#include <algorithm>
#include <chrono>
#include <deque>
#include <mutex>

#include "profiler/kernel_record.h"
#include "profiler/launch_counts.h"

namespace vgpu::software {
namespace profiler {
namespace {

using Clock = std::chrono::steady_clock;

class KernelProfiler final : public Profiler, public Observer {
 public:
  Observer& observer() override { return *this; }

  [[nodiscard]] std::vector<KernelProfile> profiles() const override {
    std::vector<KernelProfile> result;
    for (const KernelRecord& record : records_) result.push_back(record.profile());
    return result;
  }

  void launch_begins(const Launch& launch) override {
    counts_ = {};
    counts_.instructions.resize(launch.kernel->code.size());
    began_ = Clock::now();
  }

  std::unique_ptr<BlockObserver> observe_blocks(const Launch& launch, unsigned /*thread*/) override {
    return std::make_unique<CountingBlocks>(launch, [this](const LaunchCounts& counts) {
      const std::lock_guard lock(adding_);
      counts_.add(counts);
    });
  }

  void launch_ends(const Launch& launch, const LaunchStatistics& /*statistics*/,
                   const Error* error) override {
    const auto duration = Clock::now() - began_;
    record_of(launch).add(launch, counts_, duration, error != nullptr);
  }

 private:
  KernelRecord& record_of(const Launch& launch) {
    const auto found = std::find_if(records_.begin(), records_.end(),
                                    [&](const KernelRecord& record) { return record.matches(launch); });
    return found != records_.end() ? *found : records_.emplace_back(launch);
  }

  std::deque<KernelRecord> records_;
  Clock::time_point began_;
  LaunchCounts counts_;  // of the launch that runs
  std::mutex adding_;
};

}  // namespace
}  // namespace profiler

std::unique_ptr<Profiler> Profiler::create() {
  return std::make_unique<profiler::KernelProfiler>();
}

}  // namespace vgpu::software
