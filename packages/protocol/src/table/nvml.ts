// NVML, as far as discovery needs it. NVIDIA's header is not part of the CUDA toolkit, so these prototypes are not
// compared with one.
import type { CallEntry } from '../schema.js';
import { local } from './define.js';

export const nvml: readonly CallEntry[] = [
  'nvmlReturn_t nvmlInit(void)',
  'nvmlReturn_t nvmlInit_v2(void)',
  'nvmlReturn_t nvmlInitWithFlags(unsigned int flags)',
  'nvmlReturn_t nvmlShutdown(void)',
  'const char * nvmlErrorString(nvmlReturn_t result)',
  'nvmlReturn_t nvmlSystemGetDriverVersion(char *version, unsigned int length)',
  'nvmlReturn_t nvmlSystemGetNVMLVersion(char *version, unsigned int length)',
  'nvmlReturn_t nvmlSystemGetCudaDriverVersion(int *cudaDriverVersion)',
  'nvmlReturn_t nvmlSystemGetCudaDriverVersion_v2(int *cudaDriverVersion)',
  'nvmlReturn_t nvmlDeviceGetCount(unsigned int *deviceCount)',
  'nvmlReturn_t nvmlDeviceGetCount_v2(unsigned int *deviceCount)',
  'nvmlReturn_t nvmlDeviceGetHandleByIndex(unsigned int index, nvmlDevice_t *device)',
  'nvmlReturn_t nvmlDeviceGetHandleByIndex_v2(unsigned int index, nvmlDevice_t *device)',
  'nvmlReturn_t nvmlDeviceGetHandleByUUID(const char *uuid, nvmlDevice_t *device)',
  'nvmlReturn_t nvmlDeviceGetHandleByPciBusId(const char *pciBusId, nvmlDevice_t *device)',
  'nvmlReturn_t nvmlDeviceGetHandleByPciBusId_v2(const char *pciBusId, nvmlDevice_t *device)',
  'nvmlReturn_t nvmlDeviceGetIndex(nvmlDevice_t device, unsigned int *index)',
  'nvmlReturn_t nvmlDeviceGetName(nvmlDevice_t device, char *name, unsigned int length)',
  'nvmlReturn_t nvmlDeviceGetUUID(nvmlDevice_t device, char *uuid, unsigned int length)',
  'nvmlReturn_t nvmlDeviceGetPciInfo(nvmlDevice_t device, nvmlPciInfo_t *pci)',
  'nvmlReturn_t nvmlDeviceGetPciInfo_v2(nvmlDevice_t device, nvmlPciInfo_t *pci)',
  'nvmlReturn_t nvmlDeviceGetPciInfo_v3(nvmlDevice_t device, nvmlPciInfo_t *pci)',
  'nvmlReturn_t nvmlDeviceGetMemoryInfo(nvmlDevice_t device, nvmlMemory_t *memory)',
  'nvmlReturn_t nvmlDeviceGetCudaComputeCapability(nvmlDevice_t device, int *major, int *minor)',
].map((text) => local('nvml', 0, text, 'reads the device snapshot that came with the handshake'));
