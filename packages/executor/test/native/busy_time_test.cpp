// How busy a client is, by a clock of the test's own.
#include "clients/busy_time.h"

#include <doctest/doctest.h>

namespace vgpu::executor {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::uint64_t kMillisecond = 1'000'000;
constexpr std::uint64_t kStart = 1'000 * kSecond;

unsigned percent(const BusyTime& busy, std::uint64_t now) {
  return percent_of_second(busy.in_last_second(now));
}

TEST_CASE("a client without kernels is idle") {
  const BusyTime busy;
  CHECK(busy.total(kStart) == 0);
  CHECK(percent(busy, kStart) == 0);
}

TEST_CASE("kernels count in the second after they ran, and in all for ever") {
  BusyTime busy;
  for (std::uint64_t i = 0; i < 10; ++i) {
    busy.begin(kStart + i * 100 * kMillisecond);
    busy.end(kStart + i * 100 * kMillisecond + 30 * kMillisecond);
  }
  CHECK(busy.total(kStart + kSecond) == 300 * kMillisecond);
  CHECK(percent(busy, kStart + kSecond) == 30);
  CHECK(percent(busy, kStart + 3 * kSecond / 2) == 15);
  CHECK(percent(busy, kStart + 2 * kSecond) == 0);
  CHECK(busy.total(kStart + 9 * kSecond) == 300 * kMillisecond);
}

TEST_CASE("a kernel that still runs counts") {
  BusyTime busy;
  busy.begin(kStart);
  CHECK(percent(busy, kStart + kSecond / 2) == 50);
  CHECK(percent(busy, kStart + 5 * kSecond) == 100);
  CHECK(busy.total(kStart + 5 * kSecond) == 5 * kSecond);
  busy.end(kStart + 5 * kSecond);
  CHECK(busy.total(kStart + 6 * kSecond) == 5 * kSecond);
  CHECK(percent(busy, kStart + 5 * kSecond) == 100);
  CHECK(percent(busy, kStart + 5 * kSecond + kSecond / 2) == 50);
  CHECK(percent(busy, kStart + 6 * kSecond) == 0);
}

TEST_CASE("kernels that begin and end within a tenth of a second add up") {
  BusyTime busy;
  for (std::uint64_t i = 0; i < 1000; ++i) {
    busy.begin(kStart + i * kMillisecond);
    busy.end(kStart + i * kMillisecond + kMillisecond / 4);
  }
  CHECK(percent(busy, kStart + kSecond) == 25);
}

TEST_CASE("what is cleared is idle") {
  BusyTime busy;
  busy.begin(kStart);
  busy.end(kStart + kSecond);
  busy.begin(kStart + kSecond);
  busy.clear();
  CHECK(busy.total(kStart + 2 * kSecond) == 0);
  CHECK(percent(busy, kStart + kSecond) == 0);
}

TEST_CASE("several clients together are never busier than all the time") {
  CHECK(percent_of_second(0) == 0);
  CHECK(percent_of_second(kSecond / 2) == 50);
  CHECK(percent_of_second(3 * kSecond) == 100);
}

}  // namespace
}  // namespace vgpu::executor
