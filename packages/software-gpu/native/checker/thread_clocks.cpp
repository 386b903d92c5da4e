#include "checker/thread_clocks.h"

#include <algorithm>

namespace vgpu::software::checker {
namespace {

/// Far enough from the end of Time for what one block can do in its time limit.
constexpr Time kLatestStart = Time{1} << 31;

void join(std::vector<Time>& into, const std::vector<Time>& from) {
  if (into.size() < from.size()) into.resize(from.size());
  for (std::size_t i = 0; i < from.size(); ++i) into[i] = std::max(into[i], from[i]);
}

}  // namespace

bool ThreadClocks::start(std::uint32_t threads) {
  const bool anew = now_ > kLatestStart;
  if (anew) now_ = 1;
  threads_.resize(threads);
  meet_all();
  return anew;
}

bool ThreadClocks::has_seen(std::uint32_t thread, std::uint32_t other, Time time) const {
  const Thread& clock = threads_[thread];
  if (thread == other || time <= clock.everybody) return true;
  if (thread / kLanes == other / kLanes && time <= clock.warp[other % kLanes]) return true;
  return !clock.others.empty() && time <= clock.others[other];
}

void ThreadClocks::meet_all() {
  for (Thread& thread : threads_) {
    thread.everybody = now_;
    thread.others.clear();
  }
  places_.clear();
  ++now_;
}

void ThreadClocks::meet_lanes(std::uint32_t warp, std::uint32_t lanes) {
  Thread joined;
  for (std::uint32_t rest = lanes; rest != 0; rest &= rest - 1) {
    const auto lane = static_cast<std::uint32_t>(__builtin_ctz(rest));
    const Thread& thread = threads_[warp * kLanes + lane];
    joined.everybody = std::max(joined.everybody, thread.everybody);
    for (std::uint32_t i = 0; i < kLanes; ++i) joined.warp[i] = std::max(joined.warp[i], thread.warp[i]);
    if (!thread.others.empty()) join(joined.others, thread.others);
  }
  for (std::uint32_t rest = lanes; rest != 0; rest &= rest - 1) joined.warp[__builtin_ctz(rest)] = now_;
  for (std::uint32_t rest = lanes; rest != 0; rest &= rest - 1) {
    threads_[warp * kLanes + static_cast<std::uint32_t>(__builtin_ctz(rest))] = joined;
  }
  ++now_;
}

void ThreadClocks::meet(const std::vector<std::uint32_t>& threads, Clock clock) {
  for (const std::uint32_t thread : threads) release(clock, thread);
  for (const std::uint32_t thread : threads) acquire(clock, thread);
}

void ThreadClocks::release(Clock& clock, std::uint32_t thread) {
  const Thread& from = threads_[thread];
  clock.everybody = std::max(clock.everybody, from.everybody);
  clock.threads.resize(threads_.size());
  if (!from.others.empty()) join(clock.threads, from.others);
  const std::uint32_t first = thread / kLanes * kLanes;
  for (std::uint32_t i = 0; i < kLanes && first + i < clock.threads.size(); ++i) {
    clock.threads[first + i] = std::max(clock.threads[first + i], from.warp[i]);
  }
  clock.threads[thread] = now_;
  ++now_;
}

void ThreadClocks::acquire(const Clock& clock, std::uint32_t thread) {
  Thread& into = threads_[thread];
  into.everybody = std::max(into.everybody, clock.everybody);
  if (!clock.threads.empty()) join(into.others, clock.threads);
}

}  // namespace vgpu::software::checker
