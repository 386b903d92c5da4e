// The blocks of one launch, spread over the threads that run them.
#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <mutex>

#include "execution/block.h"

namespace vgpu::software {

class GridRun {
 public:
  GridRun(const Launch& launch, std::uint64_t blocks, unsigned workers)
      : launch_(launch), blocks_(blocks), workers_(workers) {}

  /// Called once by each worker, which are numbered from 0 and run at the same time. Returns when there is
  /// nothing left to do; does not throw.
  void work(unsigned worker) noexcept;

  /// When all workers have returned. Throws what the block with the lowest number threw.
  LaunchStatistics finish();

 private:
  void run_in_order(unsigned worker, std::uint64_t& number);
  void run_together(unsigned worker, std::uint64_t& number);
  void count(const Block& block);

  const Launch& launch_;
  const std::uint64_t blocks_;
  const unsigned workers_;
  std::atomic<std::uint64_t> next_{0};
  std::atomic<bool> stopped_{false};
  std::mutex mutex_;
  LaunchStatistics statistics_;
  std::exception_ptr error_;
  std::uint64_t failed_block_ = 0;
};

}  // namespace vgpu::software
