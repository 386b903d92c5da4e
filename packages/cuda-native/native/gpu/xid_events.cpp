#include "gpu/xid_events.h"

#include <dlfcn.h>

#include <array>
#include <cstdio>

#include "gpu/symbol.h"

namespace vgpu::gpu {
namespace {

constexpr unsigned long long kXidCriticalError = 0x8;  // nvmlEventTypeXidCriticalError
constexpr int kGpuIsLost = 15;                         // NVML_ERROR_GPU_IS_LOST
constexpr unsigned kFallenOffTheBus = 79;
constexpr unsigned kMomentMs = 20;
/** More in one moment are not looked at. */
constexpr std::size_t kMostEvents = 64;

/** As NVML writes it; empty where the driver does not tell. Bus numbers would be those of the driver's
 * machine. */
std::string uuidOf(void* driver, int device) {
  std::array<unsigned char, 16> bytes{};
  int (*getUuid)(void*, int) = nullptr;
  if (!findSymbol(driver, "cuDeviceGetUuid", getUuid) || getUuid(bytes.data(), device) != 0) return "";
  std::string text = "GPU";
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    std::array<char, 3> digits{};
    static_cast<void>(std::snprintf(digits.data(), digits.size(), "%02x", bytes.at(i)));
    if (i == 0 || i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += digits.data();
  }
  return text;
}

}  // namespace

XidEvents::XidEvents(const std::string& driver, int device) {
  void* library = dlopen(driver.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NOLOAD);
  if (library == nullptr) return;
  const std::string uuid = uuidOf(library, device);
  // A guest library is NVML, too, and knows the device behind the executor.
  if (uuid.empty() || watch(library, uuid)) return;
  void* nvml = dlopen("libnvidia-ml.so.1", RTLD_NOW | RTLD_LOCAL);
  if (nvml != nullptr) watch(nvml, uuid);
}

bool XidEvents::watch(void* nvml, const std::string& uuid) {
  int (*init)() = nullptr;
  int (*byUuid)(const char*, void**) = nullptr;
  int (*create)(EventSet*) = nullptr;
  int (*destroy)(EventSet) = nullptr;
  int (*registerEvents)(void*, unsigned long long, EventSet) = nullptr;
  if (!findSymbol(nvml, "nvmlInit_v2", init) || !findSymbol(nvml, "nvmlDeviceGetHandleByUUID", byUuid) ||
      !findSymbol(nvml, "nvmlEventSetCreate", create) || !findSymbol(nvml, "nvmlEventSetFree", destroy) ||
      !findSymbol(nvml, "nvmlDeviceRegisterEvents", registerEvents) ||
      !findSymbol(nvml, "nvmlEventSetWait_v2", wait_)) {
    return false;
  }
  void* device = nullptr;
  EventSet set = nullptr;
  if (init() != 0 || byUuid(uuid.c_str(), &device) != 0 || create(&set) != 0) return false;
  if (registerEvents(device, kXidCriticalError, set) != 0) {
    static_cast<void>(destroy(set));
    return false;
  }
  set_ = set;
  return true;
}

std::vector<unsigned> XidEvents::take() {
  std::vector<unsigned> xids;
  if (set_ == nullptr) return xids;
  for (std::size_t i = 0; i < kMostEvents; ++i) {
    Event event;
    const int result = wait_(set_, &event, i == 0 ? kMomentMs : 0);
    // What the Xid error of that name says; of a device that is gone there may be no event any more.
    if (result == kGpuIsLost) xids.push_back(kFallenOffTheBus);
    if (result != 0) break;
    if (event.type == kXidCriticalError) xids.push_back(static_cast<unsigned>(event.data));
  }
  return xids;
}

}  // namespace vgpu::gpu
