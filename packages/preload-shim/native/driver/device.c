// Device queries, answered from the snapshot that came with the handshake.
#include <stdio.h>
#include <string.h>

#include "driver/context_stack.h"
#include "guest_api.h"
#include "transport/session.h"

static CUresult attribute(int* value, CUdevice_attribute which, CUdevice number) {
  const struct vgpu_device* device = NULL;
  if (value == NULL || (int)which <= 0 || (int)which >= VGPU_DEVICE_ATTRIBUTE_COUNT)
    return CUDA_ERROR_INVALID_VALUE;
  const CUresult result = vgpu_session_device(number, &device);
  if (result != CUDA_SUCCESS) return result;
  if (device->attributes[which] == VGPU_ATTRIBUTE_UNKNOWN) return CUDA_ERROR_INVALID_VALUE;
  *value = device->attributes[which];
  return CUDA_SUCCESS;
}

CUresult cuDeviceGetAttribute(int* pi, CUdevice_attribute attrib, CUdevice dev) {
  return attribute(pi, attrib, dev);
}

CUresult cuDeviceGet(CUdevice* device, int ordinal) {
  const struct vgpu_device* found = NULL;
  if (device == NULL) return CUDA_ERROR_INVALID_VALUE;
  const CUresult result = vgpu_session_device(ordinal, &found);
  if (result == CUDA_SUCCESS) *device = ordinal;
  return result;
}

CUresult cuDeviceGetCount(int* count) {
  if (count == NULL) return CUDA_ERROR_INVALID_VALUE;
  const CUresult result = vgpu_session_check();
  if (result == CUDA_SUCCESS) *count = (int)vgpu_session_snapshot()->welcome.device_count;
  return result;
}

CUresult cuDeviceGetName(char* name, int len, CUdevice dev) {
  const struct vgpu_device* device = NULL;
  if (name == NULL || len <= 0) return CUDA_ERROR_INVALID_VALUE;
  const CUresult result = vgpu_session_device(dev, &device);
  // A short buffer gets the beginning, as much as fits with its end.
  if (result == CUDA_SUCCESS) snprintf(name, (size_t)len, "%s", device->name);
  return result;
}

CUresult cuDeviceGetUuid_v2(CUuuid* uuid, CUdevice dev) {
  const struct vgpu_device* device = NULL;
  if (uuid == NULL) return CUDA_ERROR_INVALID_VALUE;
  const CUresult result = vgpu_session_device(dev, &device);
  if (result == CUDA_SUCCESS) memcpy(uuid->bytes, device->uuid, sizeof(uuid->bytes));
  return result;
}

CUresult cuDeviceGetUuid(CUuuid* uuid, CUdevice dev) {
  return cuDeviceGetUuid_v2(uuid, dev);
}

CUresult cuDeviceTotalMem_v2(size_t* bytes, CUdevice dev) {
  const struct vgpu_device* device = NULL;
  if (bytes == NULL) return CUDA_ERROR_INVALID_VALUE;
  const CUresult result = vgpu_session_device(dev, &device);
  if (result == CUDA_SUCCESS) *bytes = device->total_memory;
  return result;
}

CUresult cuDeviceComputeCapability(int* major, int* minor, CUdevice dev) {
  CUresult result = attribute(major, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, dev);
  if (result == CUDA_SUCCESS) result = attribute(minor, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR, dev);
  return result;
}

CUresult cuDeviceGetProperties(CUdevprop* prop, CUdevice dev) {
  if (prop == NULL) return CUDA_ERROR_INVALID_VALUE;
  const struct {
    CUdevice_attribute attribute;
    int* field;
  } fields[] = {
      {CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK, &prop->maxThreadsPerBlock},
      {CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_X, &prop->maxThreadsDim[0]},
      {CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Y, &prop->maxThreadsDim[1]},
      {CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Z, &prop->maxThreadsDim[2]},
      {CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_X, &prop->maxGridSize[0]},
      {CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Y, &prop->maxGridSize[1]},
      {CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Z, &prop->maxGridSize[2]},
      {CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK, &prop->sharedMemPerBlock},
      {CU_DEVICE_ATTRIBUTE_TOTAL_CONSTANT_MEMORY, &prop->totalConstantMemory},
      {CU_DEVICE_ATTRIBUTE_WARP_SIZE, &prop->SIMDWidth},
      {CU_DEVICE_ATTRIBUTE_MAX_PITCH, &prop->memPitch},
      {CU_DEVICE_ATTRIBUTE_MAX_REGISTERS_PER_BLOCK, &prop->regsPerBlock},
      {CU_DEVICE_ATTRIBUTE_CLOCK_RATE, &prop->clockRate},
      {CU_DEVICE_ATTRIBUTE_TEXTURE_ALIGNMENT, &prop->textureAlign},
  };
  for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); ++i) {
    const CUresult result = attribute(fields[i].field, fields[i].attribute, dev);
    if (result != CUDA_SUCCESS) return result;
  }
  return CUDA_SUCCESS;
}

CUresult cuDeviceGetPCIBusId(char* pciBusId, int len, CUdevice dev) {
  const struct vgpu_device* device = NULL;
  if (pciBusId == NULL || len <= 0) return CUDA_ERROR_INVALID_VALUE;
  const CUresult result = vgpu_session_device(dev, &device);
  if (result == CUDA_SUCCESS) snprintf(pciBusId, (size_t)len, "%s", device->pci_bus_id);
  return result;
}

static int hex_digit(char letter) {
  if (letter >= '0' && letter <= '9') return letter - '0';
  if (letter >= 'a' && letter <= 'f') return letter - 'a' + 10;
  if (letter >= 'A' && letter <= 'F') return letter - 'A' + 10;
  return -1;
}

// Reads [domain:]bus:device[.function], all hexadecimal, into one number; -1 when it is something else.
static int64_t pci_address(const char* text) {
  uint32_t numbers[3] = {0, 0, 0};
  uint32_t function = 0;
  size_t count = 0;
  for (;;) {
    uint32_t value = 0;
    int digits = 0;
    for (int digit = hex_digit(*text); digit >= 0 && digits < 8; digit = hex_digit(*text)) {
      value = value * 16 + (uint32_t)digit;
      ++digits;
      ++text;
    }
    if (digits == 0 || count == 3) return -1;
    numbers[count++] = value;
    if (*text != ':') break;
    ++text;
  }
  if (*text == '.') {
    const int digit = hex_digit(text[1]);
    if (digit < 0) return -1;
    function = (uint32_t)digit;
    text += 2;
  }
  if (*text != '\0' || count < 2) return -1;
  const uint32_t domain = count == 3 ? numbers[0] : 0;
  const uint32_t bus = numbers[count - 2];
  const uint32_t device = numbers[count - 1];
  if (domain > 0xffffff || bus > 0xff || device > 0x1f || function > 7) return -1;
  return (int64_t)domain << 16 | bus << 8 | device << 3 | function;
}

CUresult cuDeviceGetByPCIBusId(CUdevice* dev, const char* pciBusId) {
  if (dev == NULL || pciBusId == NULL) return CUDA_ERROR_INVALID_VALUE;
  const CUresult result = vgpu_session_check();
  if (result != CUDA_SUCCESS) return result;
  const int64_t wanted = pci_address(pciBusId);
  if (wanted < 0) return CUDA_ERROR_INVALID_VALUE;
  const struct vgpu_snapshot* snapshot = vgpu_session_snapshot();
  for (uint32_t i = 0; i < snapshot->welcome.device_count; ++i) {
    if (pci_address(snapshot->devices[i].pci_bus_id) == wanted) {
      *dev = (CUdevice)i;
      return CUDA_SUCCESS;
    }
  }
  return CUDA_ERROR_INVALID_DEVICE;
}

CUresult cuDeviceCanAccessPeer(int* canAccessPeer, CUdevice dev, CUdevice peerDev) {
  const struct vgpu_device* device = NULL;
  if (canAccessPeer == NULL) return CUDA_ERROR_INVALID_VALUE;
  CUresult result = vgpu_session_device(dev, &device);
  if (result == CUDA_SUCCESS) result = vgpu_session_device(peerDev, &device);
  // Peer access is not implemented, so no pair of devices has it.
  if (result == CUDA_SUCCESS) *canAccessPeer = 0;
  return result;
}

CUresult cuCtxGetStreamPriorityRange(int* leastPriority, int* greatestPriority) {
  CUdevice device;
  CUresult result = vgpu_session_check();
  if (result == CUDA_SUCCESS) result = vgpu_context_current_device(&device);
  if (result != CUDA_SUCCESS) return result;
  // One priority: what a device without priorities reports. The snapshot does not say more.
  if (leastPriority != NULL) *leastPriority = 0;
  if (greatestPriority != NULL) *greatestPriority = 0;
  return CUDA_SUCCESS;
}
