#include "driver/address.h"

#include "transport/session.h"

bool vgpu_is_device_address(CUdeviceptr address, CUdevice* device) {
  const struct vgpu_snapshot* snapshot = vgpu_session_snapshot();
  for (uint32_t i = 0; i < snapshot->welcome.device_count; ++i) {
    if (address - snapshot->devices[i].address_base < snapshot->devices[i].address_bytes) {
      if (device != NULL) *device = (CUdevice)i;
      return true;
    }
  }
  return false;
}
