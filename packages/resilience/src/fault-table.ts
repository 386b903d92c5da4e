// What each failure of a GPU means. The names are those of CUDA's headers (cuda.h, driver_types.h) and of NVIDIA's list
// of Xid errors.

/**
 * What a failure says about the GPU:
 * - `caller`: the call was wrong; the GPU is fine.
 * - `out-of-memory`: the GPU is full, and fine.
 * - `absent`: there is no GPU that can be used.
 * - `transient`: the same call may succeed later.
 * - `context-dead`: everything that the process has on the GPU is lost, and each later call fails too.
 * - `gone`: nothing but an administrator brings the GPU back.
 * - `unclassified`: a code that the table does not have; treated like `transient`, but not retried.
 */
export type FaultKind =
  | 'caller'
  | 'out-of-memory'
  | 'absent'
  | 'transient'
  | 'context-dead'
  | 'gone'
  | 'unclassified';

/** Who reported it. `condition` is what no CUDA call reports: the executor, the bus, a probe, a deadline. */
export type FaultSource = 'driver' | 'runtime' | 'xid' | 'condition';

/** One failure, as plain data. */
export interface Fault {
  readonly kind: FaultKind;
  readonly source: FaultSource;
  /** `CUresult`, `cudaError_t`, the number of the Xid, or the name of a condition. */
  readonly code: number | string;
  /** As in CUDA's headers, for example `CUDA_ERROR_ILLEGAL_ADDRESS`. */
  readonly name: string;
}

/** A result code of CUDA. `null`: that interface has no such code. */
export interface CudaFaultRow {
  readonly code: number;
  readonly driver: string | null;
  readonly runtime: string | null;
  readonly kind: FaultKind;
}

/** Result codes of the driver and of the runtime (CUDA 10.1 and later, where both use the same numbers). */
export const cudaFaults: readonly CudaFaultRow[] = [
  { code: 1, driver: 'CUDA_ERROR_INVALID_VALUE', runtime: 'cudaErrorInvalidValue', kind: 'caller' },
  {
    code: 2,
    driver: 'CUDA_ERROR_OUT_OF_MEMORY',
    runtime: 'cudaErrorMemoryAllocation',
    kind: 'out-of-memory',
  },
  { code: 34, driver: 'CUDA_ERROR_STUB_LIBRARY', runtime: 'cudaErrorStubLibrary', kind: 'absent' },
  { code: 35, driver: null, runtime: 'cudaErrorInsufficientDriver', kind: 'absent' },
  {
    code: 46,
    driver: 'CUDA_ERROR_DEVICE_UNAVAILABLE',
    runtime: 'cudaErrorDevicesUnavailable',
    kind: 'transient',
  },
  { code: 100, driver: 'CUDA_ERROR_NO_DEVICE', runtime: 'cudaErrorNoDevice', kind: 'absent' },
  { code: 101, driver: 'CUDA_ERROR_INVALID_DEVICE', runtime: 'cudaErrorInvalidDevice', kind: 'caller' },
  {
    code: 214,
    driver: 'CUDA_ERROR_ECC_UNCORRECTABLE',
    runtime: 'cudaErrorECCUncorrectable',
    kind: 'context-dead',
  },
  { code: 226, driver: 'CUDA_ERROR_CONTAINED', runtime: 'cudaErrorContained', kind: 'context-dead' },
  {
    code: 304,
    driver: 'CUDA_ERROR_OPERATING_SYSTEM',
    runtime: 'cudaErrorOperatingSystem',
    kind: 'transient',
  },
  {
    code: 400,
    driver: 'CUDA_ERROR_INVALID_HANDLE',
    runtime: 'cudaErrorInvalidResourceHandle',
    kind: 'caller',
  },
  {
    code: 700,
    driver: 'CUDA_ERROR_ILLEGAL_ADDRESS',
    runtime: 'cudaErrorIllegalAddress',
    kind: 'context-dead',
  },
  { code: 702, driver: 'CUDA_ERROR_LAUNCH_TIMEOUT', runtime: 'cudaErrorLaunchTimeout', kind: 'context-dead' },
  { code: 710, driver: 'CUDA_ERROR_ASSERT', runtime: 'cudaErrorAssert', kind: 'context-dead' },
  {
    code: 714,
    driver: 'CUDA_ERROR_HARDWARE_STACK_ERROR',
    runtime: 'cudaErrorHardwareStackError',
    kind: 'context-dead',
  },
  {
    code: 715,
    driver: 'CUDA_ERROR_ILLEGAL_INSTRUCTION',
    runtime: 'cudaErrorIllegalInstruction',
    kind: 'context-dead',
  },
  {
    code: 716,
    driver: 'CUDA_ERROR_MISALIGNED_ADDRESS',
    runtime: 'cudaErrorMisalignedAddress',
    kind: 'context-dead',
  },
  {
    code: 717,
    driver: 'CUDA_ERROR_INVALID_ADDRESS_SPACE',
    runtime: 'cudaErrorInvalidAddressSpace',
    kind: 'context-dead',
  },
  { code: 718, driver: 'CUDA_ERROR_INVALID_PC', runtime: 'cudaErrorInvalidPc', kind: 'context-dead' },
  { code: 719, driver: 'CUDA_ERROR_LAUNCH_FAILED', runtime: 'cudaErrorLaunchFailure', kind: 'context-dead' },
  {
    code: 721,
    driver: 'CUDA_ERROR_TENSOR_MEMORY_LEAK',
    runtime: 'cudaErrorTensorMemoryLeak',
    kind: 'context-dead',
  },
  {
    code: 803,
    driver: 'CUDA_ERROR_SYSTEM_DRIVER_MISMATCH',
    runtime: 'cudaErrorSystemDriverMismatch',
    kind: 'absent',
  },
  {
    code: 804,
    driver: 'CUDA_ERROR_COMPAT_NOT_SUPPORTED_ON_DEVICE',
    runtime: 'cudaErrorCompatNotSupportedOnDevice',
    kind: 'absent',
  },
  {
    code: 810,
    driver: 'CUDA_ERROR_MPS_CLIENT_TERMINATED',
    runtime: 'cudaErrorMpsClientTerminated',
    kind: 'context-dead',
  },
  {
    code: 911,
    driver: 'CUDA_ERROR_EXTERNAL_DEVICE',
    runtime: 'cudaErrorExternalDevice',
    kind: 'context-dead',
  },
  // After a probe on a fresh context has answered it too, the GPU is gone: see faultDuringProbe.
  { code: 999, driver: 'CUDA_ERROR_UNKNOWN', runtime: 'cudaErrorUnknown', kind: 'context-dead' },
];

/** A message of the kernel driver about the GPU, as NVML's events and the system log have it. */
export interface XidRow {
  readonly code: number;
  readonly name: string;
  readonly kind: FaultKind;
}

/**
 * The Xid errors that say something about a program's context or about the whole GPU. Kinds follow the immediate action of
 * NVIDIA's Xid Catalog (r580): where the GPU or the machine has to be reset, the GPU is gone.
 */
export const xidFaults: readonly XidRow[] = [
  { code: 8, name: 'GPU stopped processing', kind: 'context-dead' },
  { code: 11, name: 'corrupted push buffer', kind: 'context-dead' },
  { code: 13, name: 'graphics engine exception', kind: 'context-dead' },
  { code: 25, name: 'illegal push buffer', kind: 'context-dead' },
  { code: 31, name: 'GPU memory page fault', kind: 'context-dead' },
  { code: 32, name: 'error of the push buffer DMA', kind: 'context-dead' },
  ...[39, 40, 41].map((code) => ({ code, name: 'copy engine exception', kind: 'context-dead' }) as const),
  { code: 43, name: 'GPU stopped processing', kind: 'context-dead' },
  { code: 45, name: 'preemptive cleanup', kind: 'context-dead' },
  { code: 46, name: 'GPU timeout', kind: 'gone' },
  { code: 48, name: 'double bit ECC error', kind: 'context-dead' },
  { code: 62, name: 'internal micro-controller halt', kind: 'gone' },
  { code: 64, name: 'memory remapping failure', kind: 'gone' },
  { code: 69, name: 'graphics engine class error', kind: 'context-dead' },
  { code: 74, name: 'NVLink error', kind: 'context-dead' },
  { code: 79, name: 'GPU has fallen off the bus', kind: 'gone' },
  { code: 94, name: 'contained ECC error', kind: 'context-dead' },
  { code: 95, name: 'uncontained ECC error', kind: 'gone' },
  { code: 109, name: 'context switch timeout', kind: 'gone' },
  { code: 110, name: 'security fault', kind: 'gone' },
  { code: 119, name: 'GSP RPC timeout', kind: 'gone' },
  { code: 120, name: 'GSP error', kind: 'gone' },
  { code: 140, name: 'unrecovered ECC error', kind: 'gone' },
  { code: 143, name: 'GPU initialisation error', kind: 'gone' },
  { code: 158, name: 'GPU fatal timeout', kind: 'gone' },
];

/** What no result code says. */
export const conditionFaults = {
  'library-missing': { name: 'no CUDA driver library', kind: 'absent' },
  'probe-crashed': { name: 'probe of the driver crashed', kind: 'absent' },
  'probe-hung': { name: 'probe of the driver hung', kind: 'absent' },
  'probe-refused': { name: 'probe of the driver found no usable GPU', kind: 'absent' },
  'executor-restarting': { name: 'executor is restarting', kind: 'transient' },
  'worker-died': { name: 'worker of the executor died', kind: 'context-dead' },
  hung: { name: 'operation did not end in time', kind: 'context-dead' },
  'executor-dead': { name: 'executor is dead', kind: 'gone' },
  'forced-open': { name: 'the circuit breaker is held open by hand', kind: 'absent' },
  'off-the-bus': { name: 'GPU has fallen off the bus', kind: 'gone' },
} as const satisfies Record<string, { name: string; kind: FaultKind }>;

/** The name of a failure that no result code says. */
export type Condition = keyof typeof conditionFaults;
