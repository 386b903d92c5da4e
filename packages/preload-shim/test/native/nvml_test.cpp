// NVML, as discovery uses it.
#include <doctest/doctest.h>

#include <chrono>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "peer.h"

namespace vgpu::test {
namespace {

TEST_CASE("NVML describes the device of the handshake") {
  FakeExecutor executor;
  executor.handlers[VGPU_CALL_vgpuDeviceMemory] = [](const Request&) {
    return Answer{0, packed(std::uint64_t{300}, std::uint64_t{1000})};
  };
  const Outcome outcome = run_with(executor, [] {
    nvmlDevice_t device = nullptr;
    unsigned count = 0;
    unsigned index = 9;
    char text[96];
    nvmlMemory_t memory{};
    nvmlPciInfo_t pci{};
    int major = 0;
    int minor = 0;
    Values values{nvmlInit_v2(), nvmlDeviceGetCount_v2(&count), count};
    values.push_back(nvmlDeviceGetHandleByIndex_v2(0, &device));
    values.insert(values.end(), {nvmlDeviceGetIndex(device, &index), index});
    values.insert(values.end(),
                  {nvmlDeviceGetName(device, text, sizeof text), std::strcmp(text, "Fake GPU")});
    values.insert(values.end(), {nvmlDeviceGetUUID(device, text, sizeof text),
                                 std::strcmp(text, "GPU-a0a1a2a3-a4a5-a6a7-a8a9-aaabacadaeaf")});
    values.push_back(nvmlDeviceGetHandleByUUID(text, &device));
    values.push_back(nvmlDeviceGetHandleByUUID("GPU-0", &device));
    values.insert(values.end(),
                  {nvmlDeviceGetPciInfo_v3(device, &pci), pci.bus, std::strcmp(pci.busId, "00000000:0A:00.0"),
                   std::strcmp(pci.busIdLegacy, "0000:0A:00.0")});
    values.push_back(nvmlDeviceGetHandleByPciBusId_v2(pci.busId, &device));
    values.push_back(nvmlDeviceGetHandleByPciBusId_v2("0000:77:00.0", &device));
    values.insert(values.end(),
                  {nvmlDeviceGetMemoryInfo(device, &memory), static_cast<std::int64_t>(memory.total)});
    values.insert(values.end(),
                  {nvmlDeviceGetCudaComputeCapability(device, &major, &minor), major * 10 + minor});
    values.insert(values.end(),
                  {nvmlSystemGetDriverVersion(text, sizeof text), std::strcmp(text, "580.95.05")});
    values.insert(values.end(),
                  {nvmlSystemGetNVMLVersion(text, sizeof text), std::strcmp(text, "13.580.95.05")});
    values.insert(values.end(), {nvmlSystemGetCudaDriverVersion(&major), major, nvmlShutdown()});
    return values;
  });
  CHECK(outcome.values == Values{0, 0, 1, 0, 0,    0, 0,  0, 0, 0, 0, 6, 0,     10, 0,
                                 0, 0, 6, 0, 1000, 0, 75, 0, 0, 0, 0, 0, 13000, 0});
  CHECK(executor.requests.size() == 1);  // for the memory
}

TEST_CASE("NVML says how much memory is free where a context is there to be asked") {
  FakeExecutor executor;
  executor.handlers[VGPU_CALL_cuMemGetInfo_v2] = [](const Request&) {
    return Answer{0, packed(std::uint64_t{300}, std::uint64_t{1000})};
  };
  const Outcome outcome = run_with(executor, [] {
    nvmlDevice_t device = nullptr;
    nvmlMemory_t memory{};
    Values values{start_context(), nvmlInit(), nvmlDeviceGetHandleByIndex(0, &device),
                  nvmlDeviceGetMemoryInfo(device, &memory)};
    values.insert(values.end(),
                  {static_cast<std::int64_t>(memory.free), static_cast<std::int64_t>(memory.used)});
    return values;
  });
  CHECK(outcome.values == Values{0, 0, 0, 0, 300, 700});
}

TEST_CASE("NVML's errors") {
  const Outcome without = run_guest({}, [] {
    unsigned count = 0;
    char text[16];
    return Values{nvmlDeviceGetCount_v2(&count), nvmlSystemGetDriverVersion(text, sizeof text),
                  nvmlShutdown(), nvmlInit_v2()};
  });
  CHECK(without.values == Values{NVML_ERROR_UNINITIALIZED, NVML_ERROR_UNINITIALIZED, NVML_ERROR_UNINITIALIZED,
                                 NVML_ERROR_DRIVER_NOT_LOADED});
  FakeExecutor executor;
  const Outcome outcome = run_with(executor, [] {
    nvmlDevice_t device = nullptr;
    char text[4];
    return Values{nvmlInit_v2(),
                  nvmlDeviceGetHandleByIndex_v2(1, &device),
                  nvmlDeviceGetHandleByIndex_v2(0, nullptr),
                  nvmlDeviceGetHandleByIndex_v2(0, &device),
                  nvmlDeviceGetName(device, text, sizeof text),
                  nvmlDeviceGetName(nullptr, text, sizeof text),
                  nvmlDeviceGetName(reinterpret_cast<nvmlDevice_t>(77), text, sizeof text)};
  });
  CHECK(outcome.values == Values{0, 2, 2, 0, NVML_ERROR_INSUFFICIENT_SIZE, 2, 2});
  CHECK(std::string(nvmlErrorString(NVML_SUCCESS)) == "Success");
  CHECK(std::string(nvmlErrorString(static_cast<nvmlReturn_t>(12345))) == "Unknown Error");
}

/// An executor whose device has had these Xid errors. Before any, `registered` is asked for.
void tell_xids(FakeExecutor& executor, std::vector<std::uint32_t> xids) {
  executor.handlers[VGPU_CALL_vgpuDeviceXid] = [xids = std::move(xids)](const Request& request) {
    std::uint64_t seen = 0;
    std::memcpy(&seen, request.payload.data(), sizeof seen);
    // Who registers has seen nothing.
    if (seen == UINT64_MAX) return Answer{0, packed(std::uint64_t{0}, std::uint32_t{0})};
    if (seen >= xids.size()) return Answer{0, packed(seen, std::uint32_t{0})};
    return Answer{0, packed(seen + 1, xids[seen])};
  };
}

TEST_CASE("NVML tells Xid errors as events, each set each of them once") {
  FakeExecutor executor;
  tell_xids(executor, {31, 79});
  const Outcome outcome = run_with(executor, [] {
    nvmlDevice_t device = nullptr;
    nvmlEventSet_t first = nullptr;
    nvmlEventSet_t second = nullptr;
    nvmlEventData_t event{};
    unsigned long long types = 0;
    Values values{nvmlInit_v2(), nvmlDeviceGetHandleByIndex_v2(0, &device)};
    values.insert(values.end(),
                  {nvmlDeviceGetSupportedEventTypes(device, &types), static_cast<std::int64_t>(types)});
    values.insert(values.end(), {nvmlEventSetCreate(&first), nvmlEventSetCreate(&second)});
    values.insert(values.end(),
                  {nvmlDeviceRegisterEvents(device, 8, first), nvmlDeviceRegisterEvents(device, 8, second)});
    for (const nvmlEventSet_t set : {first, first, second}) {
      values.insert(values.end(),
                    {nvmlEventSetWait_v2(set, &event, 1000), static_cast<std::int64_t>(event.eventData),
                     static_cast<std::int64_t>(event.eventType), event.device == device});
    }
    values.push_back(nvmlEventSetWait_v2(first, &event, 0));
    // The older structure ends before the instances.
    struct {
      nvmlEventData_v1_t event;
      std::uint64_t guard;
    } old{{}, 7};
    values.insert(values.end(),
                  {nvmlEventSetWait(second, &old.event, 0), static_cast<std::int64_t>(old.event.eventData),
                   static_cast<std::int64_t>(old.guard)});
    values.insert(values.end(), {nvmlEventSetFree(first), nvmlEventSetFree(second)});
    return values;
  });
  CHECK(outcome.values ==
        Values{0, 0,  0, 8, 0, 0, 0, 0, 0, 31, 8, 1, 0, 79, 8, 1, 0, 31, 8, 1, NVML_ERROR_TIMEOUT,
               0, 79, 7, 0, 0});
}

TEST_CASE("NVML's events: handles that are none, events that nobody reports, and waiting in vain") {
  FakeExecutor executor;
  tell_xids(executor, {});
  const Outcome outcome = run_with(executor, [] {
    nvmlDevice_t device = nullptr;
    nvmlEventSet_t set = nullptr;
    nvmlEventData_t event{};
    Values values{nvmlEventSetCreate(&set), nvmlInit_v2(), nvmlDeviceGetHandleByIndex_v2(0, &device),
                  nvmlEventSetCreate(nullptr), nvmlEventSetCreate(&set)};
    const auto nobody = reinterpret_cast<nvmlEventSet_t>(std::uintptr_t{0x7f00'0000'1234});
    values.insert(values.end(), {nvmlEventSetWait_v2(nobody, &event, 0), nvmlEventSetFree(nobody),
                                 nvmlEventSetFree(nullptr)});
    values.insert(values.end(),
                  {nvmlDeviceRegisterEvents(device, 8, nobody), nvmlDeviceRegisterEvents(device, 1, set),
                   nvmlDeviceRegisterEvents(nullptr, 8, set)});
    values.insert(values.end(), {nvmlEventSetWait_v2(set, nullptr, 0), nvmlEventSetWait(set, nullptr, 0)});
    values.push_back(nvmlDeviceRegisterEvents(device, 8, set));
    const auto began = std::chrono::steady_clock::now();
    values.push_back(nvmlEventSetWait_v2(set, &event, 50));
    // The library counts whole milliseconds.
    values.push_back(std::chrono::steady_clock::now() - began >= std::chrono::milliseconds(49));
    values.insert(values.end(),
                  {nvmlEventSetFree(set), nvmlEventSetFree(set), nvmlEventSetWait_v2(set, &event, 0)});
    // Those that were given back can be had again; more at once than there are, cannot.
    for (int i = 0; i < 64; ++i) {
      const nvmlReturn_t result = nvmlEventSetCreate(&set);
      if (result != NVML_SUCCESS) values.push_back(result);
    }
    values.push_back(nvmlEventSetCreate(&set));
    return values;
  });
  CHECK(outcome.values == Values{NVML_ERROR_UNINITIALIZED,
                                 0,
                                 0,
                                 2,
                                 0,
                                 2,
                                 2,
                                 2,
                                 2,
                                 NVML_ERROR_NOT_SUPPORTED,
                                 2,
                                 2,
                                 2,
                                 0,
                                 NVML_ERROR_TIMEOUT,
                                 1,
                                 0,
                                 2,
                                 2,
                                 NVML_ERROR_INSUFFICIENT_RESOURCES});
}

}  // namespace
}  // namespace vgpu::test
