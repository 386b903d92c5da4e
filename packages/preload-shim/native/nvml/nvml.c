// Init, versions, and what the handshake told about devices.
#include "nvml/nvml.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "guest_api.h"
#include "transport/session.h"

nvmlReturn_t vgpu_nvml_result(CUresult result) {
  switch (result) {
    case CUDA_SUCCESS:
      return NVML_SUCCESS;
    case CUDA_ERROR_INVALID_VALUE:
    case CUDA_ERROR_INVALID_DEVICE:
      return NVML_ERROR_INVALID_ARGUMENT;
    case CUDA_ERROR_NOT_INITIALIZED:
      return NVML_ERROR_UNINITIALIZED;
    case CUDA_ERROR_NO_DEVICE:
      return NVML_ERROR_DRIVER_NOT_LOADED;
    case CUDA_ERROR_NOT_SUPPORTED:
      return NVML_ERROR_NOT_SUPPORTED;
    default:
      return NVML_ERROR_UNKNOWN;
  }
}

nvmlReturn_t vgpu_nvml_find(nvmlDevice_t handle, const struct vgpu_device** device) {
  const uintptr_t number = (uintptr_t)handle - 1;
  if (handle == NULL || number >= VGPU_MAXIMUM_DEVICES) return NVML_ERROR_INVALID_ARGUMENT;
  return vgpu_nvml_result(vgpu_session_device((CUdevice)number, device));
}

static nvmlReturn_t copy_text(char* text, unsigned int length, const char* from) {
  if (text == NULL) return NVML_ERROR_INVALID_ARGUMENT;
  const size_t bytes = strlen(from) + 1;
  if (bytes > length) return NVML_ERROR_INSUFFICIENT_SIZE;
  memcpy(text, from, bytes);
  return NVML_SUCCESS;
}

nvmlReturn_t nvmlInit_v2(void) {
  return vgpu_nvml_result(vgpu_session_initialise());
}

nvmlReturn_t nvmlInit(void) {
  return nvmlInit_v2();
}

// The flags say what to do without a device, and whether to attach to all: without one there is no session
// either.
nvmlReturn_t nvmlInitWithFlags(unsigned int flags) {
  (void)flags;
  return nvmlInit_v2();
}

// The connection is shared with the CUDA API, which has no shutdown.
nvmlReturn_t nvmlShutdown(void) {
  return vgpu_nvml_result(vgpu_session_check());
}

const char* nvmlErrorString(nvmlReturn_t result) {
  const char* text = vgpu_nvml_text((int)result);
  return text != NULL ? text : "Unknown Error";
}

nvmlReturn_t nvmlSystemGetDriverVersion(char* version, unsigned int length) {
  const CUresult result = vgpu_session_check();
  if (result != CUDA_SUCCESS) return vgpu_nvml_result(result);
  return copy_text(version, length, vgpu_session_snapshot()->welcome.driver_release);
}

// NVML's own version is the driver's, with NVML's major version in front.
nvmlReturn_t nvmlSystemGetNVMLVersion(char* version, unsigned int length) {
  char text[64];
  const CUresult result = vgpu_session_check();
  if (result != CUDA_SUCCESS) return vgpu_nvml_result(result);
  const struct vgpu_welcome* welcome = &vgpu_session_snapshot()->welcome;
  snprintf(text, sizeof(text), "%d.%s", welcome->driver_version / 1000, welcome->driver_release);
  return copy_text(version, length, text);
}

nvmlReturn_t nvmlSystemGetCudaDriverVersion_v2(int* cudaDriverVersion) {
  return vgpu_nvml_result(cuDriverGetVersion(cudaDriverVersion));
}

nvmlReturn_t nvmlSystemGetCudaDriverVersion(int* cudaDriverVersion) {
  return nvmlSystemGetCudaDriverVersion_v2(cudaDriverVersion);
}

nvmlReturn_t nvmlDeviceGetCount_v2(unsigned int* deviceCount) {
  int count = 0;
  if (deviceCount == NULL) return NVML_ERROR_INVALID_ARGUMENT;
  const CUresult result = cuDeviceGetCount(&count);
  if (result == CUDA_SUCCESS) *deviceCount = (unsigned int)count;
  return vgpu_nvml_result(result);
}

nvmlReturn_t nvmlDeviceGetCount(unsigned int* deviceCount) {
  return nvmlDeviceGetCount_v2(deviceCount);
}

static nvmlReturn_t give_handle(uint32_t number, nvmlDevice_t* device) {
  *device = (nvmlDevice_t)((uintptr_t)number + 1);
  return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetHandleByIndex_v2(unsigned int index, nvmlDevice_t* device) {
  const struct vgpu_device* found = NULL;
  if (device == NULL || index >= VGPU_MAXIMUM_DEVICES) return NVML_ERROR_INVALID_ARGUMENT;
  const CUresult result = vgpu_session_device((CUdevice)index, &found);
  return result == CUDA_SUCCESS ? give_handle(index, device) : vgpu_nvml_result(result);
}

nvmlReturn_t nvmlDeviceGetHandleByIndex(unsigned int index, nvmlDevice_t* device) {
  return nvmlDeviceGetHandleByIndex_v2(index, device);
}

static void print_uuid(char text[64], const uint8_t u[16]) {
  snprintf(text, 64, "GPU-%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", u[0], u[1],
           u[2], u[3], u[4], u[5], u[6], u[7], u[8], u[9], u[10], u[11], u[12], u[13], u[14], u[15]);
}

nvmlReturn_t nvmlDeviceGetHandleByUUID(const char* uuid, nvmlDevice_t* device) {
  char text[64];
  if (uuid == NULL || device == NULL) return NVML_ERROR_INVALID_ARGUMENT;
  const CUresult result = vgpu_session_check();
  if (result != CUDA_SUCCESS) return vgpu_nvml_result(result);
  const struct vgpu_snapshot* snapshot = vgpu_session_snapshot();
  for (uint32_t i = 0; i < snapshot->welcome.device_count; ++i) {
    print_uuid(text, snapshot->devices[i].uuid);
    if (strcmp(text, uuid) == 0) return give_handle(i, device);
  }
  return NVML_ERROR_NOT_FOUND;
}

nvmlReturn_t nvmlDeviceGetHandleByPciBusId_v2(const char* pciBusId, nvmlDevice_t* device) {
  CUdevice number = 0;
  if (pciBusId == NULL || device == NULL) return NVML_ERROR_INVALID_ARGUMENT;
  const CUresult result = cuDeviceGetByPCIBusId(&number, pciBusId);
  if (result == CUDA_ERROR_INVALID_DEVICE) return NVML_ERROR_NOT_FOUND;
  return result == CUDA_SUCCESS ? give_handle((uint32_t)number, device) : vgpu_nvml_result(result);
}

nvmlReturn_t nvmlDeviceGetHandleByPciBusId(const char* pciBusId, nvmlDevice_t* device) {
  return nvmlDeviceGetHandleByPciBusId_v2(pciBusId, device);
}

nvmlReturn_t nvmlDeviceGetIndex(nvmlDevice_t device, unsigned int* index) {
  const struct vgpu_device* found = NULL;
  if (index == NULL) return NVML_ERROR_INVALID_ARGUMENT;
  const nvmlReturn_t result = vgpu_nvml_find(device, &found);
  if (result == NVML_SUCCESS) *index = (unsigned int)((uintptr_t)device - 1);
  return result;
}

nvmlReturn_t nvmlDeviceGetName(nvmlDevice_t device, char* name, unsigned int length) {
  const struct vgpu_device* found = NULL;
  const nvmlReturn_t result = vgpu_nvml_find(device, &found);
  return result == NVML_SUCCESS ? copy_text(name, length, found->name) : result;
}

nvmlReturn_t nvmlDeviceGetUUID(nvmlDevice_t device, char* uuid, unsigned int length) {
  const struct vgpu_device* found = NULL;
  char text[64];
  const nvmlReturn_t result = vgpu_nvml_find(device, &found);
  if (result != NVML_SUCCESS) return result;
  print_uuid(text, found->uuid);
  return copy_text(uuid, length, text);
}

nvmlReturn_t nvmlDeviceGetPciInfo_v3(nvmlDevice_t device, nvmlPciInfo_t* pci) {
  const struct vgpu_device* found = NULL;
  if (pci == NULL) return NVML_ERROR_INVALID_ARGUMENT;
  const nvmlReturn_t result = vgpu_nvml_find(device, &found);
  if (result != NVML_SUCCESS) return result;
  const int32_t* attributes = found->attributes;
  const int32_t device_id = attributes[CU_DEVICE_ATTRIBUTE_GPU_PCI_DEVICE_ID];
  const int32_t subsystem_id = attributes[CU_DEVICE_ATTRIBUTE_GPU_PCI_SUBSYSTEM_ID];
  *pci = (nvmlPciInfo_t){
      .domain = (unsigned int)attributes[CU_DEVICE_ATTRIBUTE_PCI_DOMAIN_ID],
      .bus = (unsigned int)attributes[CU_DEVICE_ATTRIBUTE_PCI_BUS_ID],
      .device = (unsigned int)attributes[CU_DEVICE_ATTRIBUTE_PCI_DEVICE_ID],
      .pciDeviceId = device_id == VGPU_ATTRIBUTE_UNKNOWN ? 0 : (unsigned int)device_id,
      .pciSubSystemId = subsystem_id == VGPU_ATTRIBUTE_UNKNOWN ? 0 : (unsigned int)subsystem_id,
  };
  // NVML writes the domain with 8 digits, and in the older field with 4.
  snprintf(pci->busId, sizeof(pci->busId), "%08X:%02X:%02X.0", pci->domain, pci->bus, pci->device);
  snprintf(pci->busIdLegacy, sizeof(pci->busIdLegacy), "%04X:%02X:%02X.0", pci->domain & 0xffff,
           pci->bus & 0xff, pci->device & 0xff);
  return NVML_SUCCESS;
}

// Earlier forms had less to write, and programs built for them have no room for more: the first one ends in
// front of the subsystem, the second one in front of the longer number of the bus.
static nvmlReturn_t get_first_bytes(nvmlDevice_t device, nvmlPciInfo_t* pci, size_t bytes) {
  nvmlPciInfo_t whole;
  if (pci == NULL) return NVML_ERROR_INVALID_ARGUMENT;
  const nvmlReturn_t result = nvmlDeviceGetPciInfo_v3(device, &whole);
  if (result == NVML_SUCCESS) memcpy(pci, &whole, bytes);
  return result;
}

nvmlReturn_t nvmlDeviceGetPciInfo_v2(nvmlDevice_t device, nvmlPciInfo_t* pci) {
  return get_first_bytes(device, pci, offsetof(nvmlPciInfo_t, busId));
}

nvmlReturn_t nvmlDeviceGetPciInfo(nvmlDevice_t device, nvmlPciInfo_t* pci) {
  return get_first_bytes(device, pci, offsetof(nvmlPciInfo_t, pciSubSystemId));
}

nvmlReturn_t nvmlDeviceGetCudaComputeCapability(nvmlDevice_t device, int* major, int* minor) {
  const struct vgpu_device* found = NULL;
  if (major == NULL || minor == NULL) return NVML_ERROR_INVALID_ARGUMENT;
  const nvmlReturn_t result = vgpu_nvml_find(device, &found);
  if (result != NVML_SUCCESS) return result;
  *major = found->attributes[CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR];
  *minor = found->attributes[CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR];
  return NVML_SUCCESS;
}
