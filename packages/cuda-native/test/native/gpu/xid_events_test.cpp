// What NVML tells, and what it means when it tells nothing.
#include "gpu/xid_events.h"

#include <dlfcn.h>
#include <doctest/doctest.h>

#include "fake_nvml.h"

namespace {

using vgpu::gpu::XidEvents;

class FakeNvml {
 public:
  FakeNvml() : library_(dlopen(VGPU_FAKE_DRIVER, RTLD_NOW)) {
    REQUIRE(library_ != nullptr);
    refuse(nullptr);
    answer({});
  }

  void refuse(const char* name, int result = 3) const {
    function<decltype(&fakeNvmlRefuse)>("fakeNvmlRefuse")(name, result);
  }
  void answer(const std::vector<FakeNvmlAnswer>& answers) const {
    function<decltype(&fakeNvmlAnswer)>("fakeNvmlAnswer")(answers.data(), static_cast<int>(answers.size()));
  }
  [[nodiscard]] std::string uuid() const { return function<decltype(&fakeNvmlUuid)>("fakeNvmlUuid")(); }

 private:
  template <typename Function>
  Function function(const char* name) const {
    return reinterpret_cast<Function>(dlsym(library_, name));
  }

  // Stays loaded, as drivers do.
  void* library_;
};

using Xids = std::vector<unsigned>;
constexpr unsigned long long kXid = 8;
constexpr unsigned long long kOther = 1;

}  // namespace

TEST_CASE("Xid errors since the last look, of the driver's device") {
  const FakeNvml nvml;
  XidEvents events(VGPU_FAKE_DRIVER, 0);
  CHECK(nvml.uuid() == "GPU-a0a1a2a3-a4a5-a6a7-a8a9-aaabacadaeaf");
  CHECK(events.take().empty());
  nvml.answer({{0, kXid, 31}, {0, kOther, 5}, {0, kXid, 45}});
  CHECK(events.take() == Xids{31, 45});
  CHECK(events.take().empty());
}

TEST_CASE("a device that NVML has lost has fallen off the bus") {
  const FakeNvml nvml;
  XidEvents events(VGPU_FAKE_DRIVER, 0);
  nvml.answer({{0, kXid, 48}, {15, 0, 0}});
  CHECK(events.take() == Xids{48, 79});
}

TEST_CASE("whoever tells events without end is not listened to for ever") {
  const FakeNvml nvml;
  XidEvents events(VGPU_FAKE_DRIVER, 0);
  nvml.answer(std::vector<FakeNvmlAnswer>(1000, {0, kXid, 13}));
  CHECK(events.take().size() == 64);
}

TEST_CASE("without events there are none") {
  const FakeNvml nvml;
  for (const char* function : {"cuDeviceGetUuid", "nvmlInit_v2", "nvmlDeviceGetHandleByUUID",
                               "nvmlEventSetCreate", "nvmlDeviceRegisterEvents"}) {
    CAPTURE(function);
    nvml.refuse(function);
    nvml.answer({{0, kXid, 79}});
    CHECK(XidEvents(VGPU_FAKE_DRIVER, 0).take().empty());
  }
  CHECK(XidEvents("/no/such/driver.so", 0).take().empty());
}
