// What NVML tells of the device: Xid errors, by which a GPU that is gone differs from a context that is dead.
#pragma once

#include <string>
#include <vector>

namespace vgpu::gpu {

class XidEvents {
 public:
  /** Those from now on. Without NVML, and where it has no such events, there will be none.
   * @param driver the library of the driver, which has been loaded
   * @param device as the driver numbers it */
  XidEvents(const std::string& driver, int device);

  /** Since the last call. Waits for a moment, since the error of a call may come before the event. */
  [[nodiscard]] std::vector<unsigned> take();

 private:
  using EventSet = struct EventSetObject*;
  /** nvmlEventData_t of NVML 11 and later. */
  struct Event {
    void* device = nullptr;
    unsigned long long type = 0;
    unsigned long long data = 0;
    unsigned gpuInstance = 0;
    unsigned computeInstance = 0;
  };

  bool watch(void* nvml, const std::string& uuid);

  EventSet set_ = nullptr;
  int (*wait_)(EventSet, Event*, unsigned) = nullptr;
};

}  // namespace vgpu::gpu
