#include "grid_run.h"

#include <memory>
#include <system_error>
#include <thread>
#include <vector>

#include "execution/compiled/compilation.h"
#include "execution/observer.h"

namespace vgpu::software {
namespace {

/// A block's registers and memory, which several blocks may use one after the other, and who watches them.
struct Place {
  std::unique_ptr<BlockObserver> observer;
  Block block;

  void prepare(const Launch& launch, unsigned worker) {
    if (launch.observer != nullptr) observer = launch.observer->observe_blocks(launch, worker);
    prepare_block(block, launch, worker);
    block.observer = observer.get();
    if (launch.compile_at_once) compile(launch);
  }

  void compile(const Launch& launch) const {
    try {
      launch.compilation->compile(sample_frame(block));
    } catch (const std::system_error& error) {
      throw Error(Status::out_of_memory,
                  "no memory for the code of kernel '" + launch.kernel->name + "': " + error.what());
    }
  }
};

/// In all blocks that have used the place.
std::uint64_t warp_instructions(const Block& block) {
  std::uint64_t sum = 0;
  for (const ScheduledWarp& warp : block.warps) sum += warp.warp_instructions;
  return sum;
}

}  // namespace

void GridRun::work(unsigned worker) noexcept {
  std::uint64_t number = 0;
  try {
    if (launch_.configuration.cooperative) {
      run_together(worker, number);
    } else {
      run_in_order(worker, number);
    }
  } catch (...) {
    stopped_ = true;
    const std::lock_guard lock(mutex_);
    if (!error_ || number < failed_block_) {
      error_ = std::current_exception();
      failed_block_ = number;
    }
  }
}

LaunchStatistics GridRun::finish() {
  if (error_) std::rethrow_exception(error_);
  return statistics_;
}

void GridRun::count(const Block& block) {
  const std::lock_guard lock(mutex_);
  for (const ScheduledWarp& warp : block.warps) {
    statistics_.warp_instructions += warp.warp_instructions;
    statistics_.thread_instructions += warp.thread_instructions;
  }
}

/// In the order of their numbers, so that a block may wait for earlier ones.
void GridRun::run_in_order(unsigned worker, std::uint64_t& number) {
  Place place;
  place.prepare(launch_, worker);
  std::uint64_t counted = 0;
  while (!stopped_ && (number = next_.fetch_add(1)) < blocks_) {
    start_block(place.block, number);
    while (advance_block(place.block)) {
    }
    if (launch_.compilation == nullptr) continue;
    const std::uint64_t executed = warp_instructions(place.block);
    launch_.compilation->count(executed - counted, sample_frame(place.block));
    counted = executed;
  }
  count(place.block);
}

/// All at once: those of one worker take turns, so that each may wait for any other.
void GridRun::run_together(unsigned worker, std::uint64_t& number) {
  std::vector<Place> own((blocks_ - worker + workers_ - 1) / workers_);
  for (std::size_t i = 0; i < own.size(); ++i) {
    number = worker + i * workers_;
    own[i].prepare(launch_, worker);
    start_block(own[i].block, number);
  }
  for (bool running = true; running && !stopped_;) {
    running = false;
    for (std::size_t i = 0; i < own.size() && !stopped_; ++i) {
      number = worker + i * workers_;
      if (own[i].block.live_threads != 0) running |= advance_block(own[i].block);
    }
    // The others may have more to do than this core leaves them time for.
    std::this_thread::yield();
  }
  for (const Place& place : own) {
    count(place.block);
    if (launch_.compilation != nullptr)
      launch_.compilation->count(warp_instructions(place.block), sample_frame(place.block));
  }
}

}  // namespace vgpu::software
