// Opening a device holds one context, a stream for each lane and its memory; failing to open it holds
// nothing.
#include "gpu/device.h"

#include <dlfcn.h>
#include <doctest/doctest.h>

#include "fake_driver.h"

namespace {

using vgpu::gpu::Device;
using vgpu::gpu::DriverError;

class FakeDriver {
 public:
  FakeDriver() : library_(dlopen(VGPU_FAKE_DRIVER, RTLD_NOW)) {
    REQUIRE(library_ != nullptr);
    counts_ = function<decltype(&fakeDriverCounts)>("fakeDriverCounts")();
    refuse_ = function<decltype(&fakeDriverRefuse)>("fakeDriverRefuse");
  }

  void refuse(const char* call, int number) const { refuse_(call, number); }

  void checkHeld(int retained, int streams, int hostBlocks) const {
    CHECK(counts_->retained == retained);
    CHECK(counts_->streams == streams);
    CHECK(counts_->hostBlocks == hostBlocks);
  }

 private:
  template <typename Function>
  Function function(const char* name) const {
    return reinterpret_cast<Function>(dlsym(library_, name));
  }

  // Stays loaded, as drivers do.
  void* library_;
  FakeDriverCounts* counts_ = nullptr;
  decltype(&fakeDriverRefuse) refuse_ = nullptr;
};

}  // namespace

TEST_CASE("a device that cannot be opened holds nothing, and one that can is opened once") {
  const FakeDriver driver;
  Device& device = Device::of(VGPU_FAKE_DRIVER);
  struct Failure {
    const char* call;
    int number;
  };
  constexpr Failure failures[] = {
      {"cuDevicePrimaryCtxRetain", 1}, {"cuCtxSetCurrent", 1},   {"cuStreamCreate", 1},
      {"cuStreamCreate", 2},           {"cuMemAllocHost_v2", 1}, {"cuMemAllocHost_v2", 2},
  };
  for (const Failure& failure : failures) {
    CAPTURE(failure.call);
    CAPTURE(failure.number);
    driver.refuse(failure.call, failure.number);
    CHECK_THROWS_AS(device.open(), DriverError);
    driver.checkHeld(0, 0, 0);
  }
  device.open();
  device.open();
  driver.checkHeld(1, 2, 2);

  // The host's memory stays.
  device.reopen();
  driver.checkHeld(1, 2, 2);
  driver.refuse("cuStreamCreate", 2);
  CHECK_THROWS_AS(device.reopen(), DriverError);
  driver.checkHeld(0, 0, 2);
  device.open();
  driver.checkHeld(1, 2, 2);
}
