#include "clients/xid_log.h"

#include <doctest/doctest.h>

#include <atomic>
#include <limits>
#include <thread>
#include <vector>

using namespace vgpu::executor;

namespace {

std::vector<std::uint32_t> all_after(const XidLog& log, std::uint64_t& seen) {
  std::vector<std::uint32_t> found;
  for (;;) {
    const XidEntry entry = log.after(seen);
    seen = entry.next;
    if (entry.xid == 0) return found;
    found.push_back(entry.xid);
  }
}

}  // namespace

TEST_CASE("each reader gets what was written since it last looked, in order") {
  XidLog log;
  std::uint64_t first = log.after(std::numeric_limits<std::uint64_t>::max()).next;
  CHECK(all_after(log, first).empty());
  log.write(31);
  log.write(79);
  std::uint64_t second = log.after(std::numeric_limits<std::uint64_t>::max()).next;
  log.write(13);
  CHECK(all_after(log, first) == std::vector<std::uint32_t>{31, 79, 13});
  CHECK(all_after(log, second) == std::vector<std::uint32_t>{13});
  CHECK(all_after(log, first).empty());
}

TEST_CASE("who looks too late gets the last ones") {
  XidLog log;
  for (std::uint32_t i = 1; i <= 100; ++i) log.write(i);
  std::uint64_t seen = 0;
  const auto found = all_after(log, seen);
  REQUIRE(found.size() == 64);
  CHECK(found.front() == 37);
  CHECK(found.back() == 100);
}

TEST_CASE("readers and writers at once: nothing twice, nothing invented, and in the end everything") {
  XidLog log;
  constexpr std::uint32_t kEach = 30;  // of two writers, so that all are kept
  std::atomic<bool> over{false};
  std::vector<std::uint32_t> found;
  std::uint64_t seen = 0;
  std::thread reader([&] {
    while (!over.load()) {
      for (const std::uint32_t xid : all_after(log, seen)) found.push_back(xid);
    }
  });
  const auto write = [&log](std::uint32_t first) {
    for (std::uint32_t i = 0; i < kEach; ++i) log.write(first + i);
  };
  std::thread one(write, 1);
  std::thread two(write, 1001);
  one.join();
  two.join();
  over.store(true);
  reader.join();
  for (const std::uint32_t xid : all_after(log, seen)) found.push_back(xid);
  REQUIRE(found.size() == std::size_t{2} * kEach);
  std::uint32_t next_of_one = 1;
  std::uint32_t next_of_two = 1001;
  for (const std::uint32_t xid : found) {
    std::uint32_t& next = xid > 1000 ? next_of_two : next_of_one;
    CHECK(xid == next);
    ++next;
  }
}

TEST_CASE("what a GPU logs of a kernel that went astray") {
  CHECK(xid_of(CUDA_ERROR_ILLEGAL_ADDRESS) == 31);
  CHECK(xid_of(CUDA_ERROR_MISALIGNED_ADDRESS) == 13);
  CHECK_FALSE(xid_of(CUDA_SUCCESS));
  CHECK_FALSE(xid_of(CUDA_ERROR_OUT_OF_MEMORY));
  CHECK_FALSE(xid_of(CUDA_ERROR_ASSERT));
}
