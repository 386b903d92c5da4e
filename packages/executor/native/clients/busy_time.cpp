#include "clients/busy_time.h"

#include <algorithm>
#include <chrono>

namespace vgpu::executor {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::uint64_t kTenth = kSecond / 10;

std::uint64_t overlap(std::uint64_t begin, std::uint64_t end, std::uint64_t from, std::uint64_t to) {
  const std::uint64_t first = std::max(begin, from);
  const std::uint64_t last = std::min(end, to);
  return first < last ? last - first : 0;
}

}  // namespace

std::uint64_t monotonic_nanoseconds() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(now).count());
}

void BusyTime::end(std::uint64_t now) {
  const std::uint64_t begin = since_.exchange(0);
  ended_.store(ended_.load(std::memory_order_relaxed) + (now - begin));
  const std::uint64_t last = now / kTenth;
  for (std::uint64_t tenth = std::max(begin / kTenth, last - (kSlots - 1)); tenth <= last; ++tenth) {
    Slot& slot = slots_[tenth % kSlots];
    const std::uint64_t before = slot.tenth.load(std::memory_order_relaxed) == tenth ? slot.busy.load() : 0;
    slot.busy.store(before + overlap(begin, now, tenth * kTenth, (tenth + 1) * kTenth));
    slot.tenth.store(tenth);
  }
}

std::uint64_t BusyTime::total(std::uint64_t now) const {
  const std::uint64_t since = since_.load();
  return ended_.load() + (since == 0 || since > now ? 0 : now - since);
}

std::uint64_t BusyTime::in_last_second(std::uint64_t now) const {
  const std::uint64_t end = now / kTenth;
  const std::uint64_t begin = end - kSecond / kTenth;
  const std::uint64_t since = since_.load();
  std::uint64_t sum = since == 0 ? 0 : overlap(since, now, begin * kTenth, end * kTenth);
  for (const Slot& slot : slots_) {
    const std::uint64_t tenth = slot.tenth.load();
    if (tenth >= begin && tenth < end) sum += slot.busy.load();
  }
  return sum;
}

void BusyTime::clear() {
  since_.store(0);
  ended_.store(0);
  for (Slot& slot : slots_) slot.tenth.store(0);
}

unsigned percent_of_second(std::uint64_t nanoseconds) {
  return static_cast<unsigned>((std::min(nanoseconds, kSecond) * 100 + kSecond / 2) / kSecond);
}

}  // namespace vgpu::executor
