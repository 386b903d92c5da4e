// NVML. NVIDIA's header is not part of the CUDA toolkit, so these prototypes are not compared with one.
import type { CallEntry } from '../schema.js';
import { bytesOut, local, out, refused, remote } from './define.js';

const fromSnapshot = [
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
  'nvmlReturn_t nvmlDeviceGetCudaComputeCapability(nvmlDevice_t device, int *major, int *minor)',
];

const running = (name: string, information: string): string =>
  `nvmlReturn_t ${name}(nvmlDevice_t device, unsigned int *infoCount, ${information} *infos)`;

/** In the forms that NVML has had over the years. */
const runningProcesses = [
  'nvmlDeviceGetComputeRunningProcesses',
  'nvmlDeviceGetGraphicsRunningProcesses',
].flatMap((name) => [
  running(name, 'nvmlProcessInfo_v1_t'),
  running(`${name}_v2`, 'nvmlProcessInfo_t'),
  running(`${name}_v3`, 'nvmlProcessInfo_t'),
]);

/** Of events there are Xid errors alone. */
const events = [
  'nvmlReturn_t nvmlEventSetCreate(nvmlEventSet_t *set)',
  'nvmlReturn_t nvmlEventSetFree(nvmlEventSet_t set)',
  'nvmlReturn_t nvmlDeviceGetSupportedEventTypes(nvmlDevice_t device, unsigned long long *eventTypes)',
  'nvmlReturn_t nvmlDeviceRegisterEvents(nvmlDevice_t device, unsigned long long eventTypes, nvmlEventSet_t set)',
  'nvmlReturn_t nvmlEventSetWait(nvmlEventSet_t set, nvmlEventData_v1_t *data, unsigned int timeoutms)',
  'nvmlReturn_t nvmlEventSetWait_v2(nvmlEventSet_t set, nvmlEventData_t *data, unsigned int timeoutms)',
];

/**
 * What tools ask for and survive without; no device of ours measures it. All queries of NVML 12.2 but those of virtual GPUs,
 * instances of a GPU and confidential computing: some tools (nvtop) do without any GPU where they do not find each name.
 */
const unmeasured = `
  nvmlDeviceGetAPIRestriction nvmlDeviceGetAccountingBufferSize nvmlDeviceGetAccountingMode
  nvmlDeviceGetAccountingPids nvmlDeviceGetAccountingStats nvmlDeviceGetAdaptiveClockInfoStatus
  nvmlDeviceGetApplicationsClock nvmlDeviceGetArchitecture nvmlDeviceGetAttributes
  nvmlDeviceGetAttributes_v2 nvmlDeviceGetAutoBoostedClocksEnabled nvmlDeviceGetBAR1MemoryInfo
  nvmlDeviceGetBoardId nvmlDeviceGetBoardPartNumber nvmlDeviceGetBrand nvmlDeviceGetBridgeChipInfo
  nvmlDeviceGetBusType nvmlDeviceGetClkMonStatus nvmlDeviceGetClock nvmlDeviceGetClockInfo
  nvmlDeviceGetComputeMode nvmlDeviceGetCpuAffinity nvmlDeviceGetCpuAffinityWithinScope
  nvmlDeviceGetCurrPcieLinkGeneration nvmlDeviceGetCurrPcieLinkWidth nvmlDeviceGetCurrentClocksEventReasons
  nvmlDeviceGetCurrentClocksThrottleReasons nvmlDeviceGetDecoderUtilization
  nvmlDeviceGetDefaultApplicationsClock nvmlDeviceGetDefaultEccMode nvmlDeviceGetDetailedEccErrors
  nvmlDeviceGetDeviceHandleFromMigDeviceHandle nvmlDeviceGetDisplayActive nvmlDeviceGetDisplayMode
  nvmlDeviceGetDriverModel nvmlDeviceGetDynamicPstatesInfo nvmlDeviceGetEccMode nvmlDeviceGetEncoderCapacity
  nvmlDeviceGetEncoderSessions nvmlDeviceGetEncoderStats nvmlDeviceGetEncoderUtilization
  nvmlDeviceGetEnforcedPowerLimit nvmlDeviceGetFBCSessions nvmlDeviceGetFBCStats
  nvmlDeviceGetFanControlPolicy_v2 nvmlDeviceGetFanSpeed nvmlDeviceGetFanSpeed_v2 nvmlDeviceGetFieldValues
  nvmlDeviceGetGpcClkMinMaxVfOffset nvmlDeviceGetGpcClkVfOffset nvmlDeviceGetGpuFabricInfo
  nvmlDeviceGetGpuFabricInfoV nvmlDeviceGetGpuMaxPcieLinkGeneration nvmlDeviceGetGpuOperationMode
  nvmlDeviceGetGspFirmwareMode nvmlDeviceGetGspFirmwareVersion nvmlDeviceGetHandleBySerial
  nvmlDeviceGetInforomConfigurationChecksum nvmlDeviceGetInforomImageVersion nvmlDeviceGetInforomVersion
  nvmlDeviceGetIrqNum nvmlDeviceGetJpgUtilization nvmlDeviceGetLastBBXFlushTime
  nvmlDeviceGetMPSComputeRunningProcesses nvmlDeviceGetMPSComputeRunningProcesses_v2
  nvmlDeviceGetMPSComputeRunningProcesses_v3 nvmlDeviceGetMaxClockInfo nvmlDeviceGetMaxCustomerBoostClock
  nvmlDeviceGetMaxMigDeviceCount nvmlDeviceGetMaxPcieLinkGeneration nvmlDeviceGetMaxPcieLinkWidth
  nvmlDeviceGetMemClkMinMaxVfOffset nvmlDeviceGetMemClkVfOffset nvmlDeviceGetMemoryAffinity
  nvmlDeviceGetMemoryBusWidth nvmlDeviceGetMemoryErrorCounter nvmlDeviceGetMigDeviceHandleByIndex
  nvmlDeviceGetMigMode nvmlDeviceGetMinMaxClockOfPState nvmlDeviceGetMinMaxFanSpeed nvmlDeviceGetMinorNumber
  nvmlDeviceGetModuleId nvmlDeviceGetMultiGpuBoard nvmlDeviceGetNumFans nvmlDeviceGetNumGpuCores
  nvmlDeviceGetNvLinkCapability nvmlDeviceGetNvLinkErrorCounter nvmlDeviceGetNvLinkRemoteDeviceType
  nvmlDeviceGetNvLinkRemotePciInfo nvmlDeviceGetNvLinkRemotePciInfo_v2 nvmlDeviceGetNvLinkState
  nvmlDeviceGetNvLinkUtilizationControl nvmlDeviceGetNvLinkUtilizationCounter nvmlDeviceGetNvLinkVersion
  nvmlDeviceGetOfaUtilization nvmlDeviceGetP2PStatus nvmlDeviceGetPcieLinkMaxSpeed
  nvmlDeviceGetPcieReplayCounter nvmlDeviceGetPcieSpeed nvmlDeviceGetPcieThroughput
  nvmlDeviceGetPerformanceState nvmlDeviceGetPersistenceMode nvmlDeviceGetPowerManagementDefaultLimit
  nvmlDeviceGetPowerManagementLimit nvmlDeviceGetPowerManagementLimitConstraints
  nvmlDeviceGetPowerManagementMode nvmlDeviceGetPowerSource nvmlDeviceGetPowerState nvmlDeviceGetPowerUsage
  nvmlDeviceGetRemappedRows nvmlDeviceGetRetiredPages nvmlDeviceGetRetiredPagesPendingStatus
  nvmlDeviceGetRetiredPages_v2 nvmlDeviceGetRowRemapperHistogram nvmlDeviceGetRunningProcessDetailList
  nvmlDeviceGetSamples nvmlDeviceGetSerial nvmlDeviceGetSramEccErrorStatus
  nvmlDeviceGetSupportedClocksEventReasons nvmlDeviceGetSupportedClocksThrottleReasons
  nvmlDeviceGetSupportedGraphicsClocks nvmlDeviceGetSupportedMemoryClocks
  nvmlDeviceGetSupportedPerformanceStates nvmlDeviceGetTargetFanSpeed nvmlDeviceGetTemperature
  nvmlDeviceGetTemperatureThreshold nvmlDeviceGetThermalSettings nvmlDeviceGetTopologyCommonAncestor
  nvmlDeviceGetTopologyNearestGpus nvmlDeviceGetTotalEccErrors nvmlDeviceGetTotalEnergyConsumption
  nvmlDeviceGetVbiosVersion nvmlDeviceGetViolationStatus nvmlDeviceGetVirtualizationMode
  nvmlDeviceIsMigDeviceHandle nvmlDeviceOnSameBoard nvmlSystemGetHicVersion nvmlSystemGetNvlinkBwMode
  nvmlSystemGetProcessName nvmlSystemGetTopologyGpuSet nvmlUnitGetCount nvmlUnitGetDevices
  nvmlUnitGetFanSpeedInfo nvmlUnitGetHandleByIndex nvmlUnitGetLedState nvmlUnitGetPsuInfo
  nvmlUnitGetTemperature nvmlUnitGetUnitInfo`;

export const nvml: readonly CallEntry[] = [
  ...fromSnapshot.map((text) =>
    local('nvml', 0, text, 'reads the device snapshot that came with the handshake'),
  ),
  ...[
    'nvmlReturn_t nvmlDeviceGetMemoryInfo(nvmlDevice_t device, nvmlMemory_t *memory)',
    'nvmlReturn_t nvmlDeviceGetMemoryInfo_v2(nvmlDevice_t device, nvmlMemory_v2_t *memory)',
  ].map((text) => local('nvml', 0, text, 'asks the executor, with a context or without')),
  ...runningProcesses.map((text) => local('nvml', 0, text, 'asks the executor for its clients')),
  ...[
    'nvmlReturn_t nvmlDeviceGetUtilizationRates(nvmlDevice_t device, nvmlUtilization_t *utilization)',
    `nvmlReturn_t nvmlDeviceGetProcessUtilization(nvmlDevice_t device, nvmlProcessUtilizationSample_t *utilization,
      unsigned int *processSamplesCount, unsigned long long lastSeenTimeStamp)`,
  ].map((text) => local('nvml', 0, text, 'asks the executor how long kernels ran')),
  ...events.map((text) => local('nvml', 0, text, 'asks the executor for Xid errors')),
  ...refused('nvml', unmeasured),
];

/** What lies beneath: neither needs a context. */
export const deviceUse: readonly CallEntry[] = [
  remote('internal', 0, 'CUresult vgpuDeviceMemory(size_t *free, size_t *total, CUdevice device)', {
    roles: { free: out, total: out },
    needsContext: false,
  }),
  // In percent of the last second.
  remote('internal', 0, 'CUresult vgpuDeviceUtilization(unsigned int *percent, CUdevice device)', {
    roles: { percent: out },
    needsContext: false,
  }),
  // The first Xid error after the `seen` first ones, and how many there were up to it. 0: there was none since.
  remote(
    'internal',
    0,
    'CUresult vgpuDeviceXid(unsigned long long *next, unsigned int *xid, unsigned long long seen, CUdevice device)',
    { roles: { next: out, xid: out }, needsContext: false },
  ),
  // Filled with vgpu_device_process; the first one without a process ends the list.
  remote('internal', 0, 'CUresult vgpuDeviceProcesses(void *processes, size_t bytes, CUdevice device)', {
    roles: { processes: bytesOut('bytes') },
    needsContext: false,
  }),
];
