// Driver API calls that the executor answers, and the internal calls beneath the guest's own code.
// Order gives the call's number on the wire; the schema hash covers it, so the order may change freely.
import type { CallEntry } from '../schema.js';
import { bytesIn, bytesOut, optionalOut, out, type RemoteOptions, remote, stringIn } from './define.js';

const driver = (since: number, text: string, options?: RemoteOptions): CallEntry =>
  remote('driver', since, text, options);
const internal = (text: string, options?: RemoteOptions): CallEntry => remote('internal', 0, text, options);

/** The longest kernel, variable or function name that is sent. nvcc's mangled names stay well below. */
const NAME_LIMIT = 65535;

const withoutContext = { needsContext: false } as const;
const synchronises = { synchronises: true } as const;
const capturable = { whileCapturing: 'allowed' } as const;

export const contexts: readonly CallEntry[] = [
  driver(7000, 'CUresult cuDevicePrimaryCtxRetain(CUcontext *pctx, CUdevice dev)', {
    roles: { pctx: out },
    ...withoutContext,
  }),
  driver(11000, 'CUresult cuDevicePrimaryCtxRelease_v2(CUdevice dev)', withoutContext),
  driver(11000, 'CUresult cuDevicePrimaryCtxReset_v2(CUdevice dev)', withoutContext),
  driver(7000, 'CUresult cuDevicePrimaryCtxGetState(CUdevice dev, unsigned int *flags, int *active)', {
    roles: { flags: optionalOut, active: optionalOut },
    ...withoutContext,
  }),
  driver(11000, 'CUresult cuDevicePrimaryCtxSetFlags_v2(CUdevice dev, unsigned int flags)', withoutContext),
  internal('CUresult vgpuContextCreate(CUcontext *pctx, unsigned int flags, CUdevice dev)', {
    roles: { pctx: out },
    ...withoutContext,
  }),
  internal('CUresult vgpuContextDestroy(CUcontext ctx)', withoutContext),
  internal('CUresult vgpuContextDevice(CUdevice *device, CUcontext ctx)', {
    roles: { device: out },
    ...withoutContext,
  }),
  driver(2000, 'CUresult cuCtxSynchronize(void)', { ...synchronises, whileCapturing: 'refused' }),
  // The same for the guest's own purposes, which no capture forbids.
  internal('CUresult vgpuContextSynchronize(void)', synchronises),
  driver(7000, 'CUresult cuCtxGetFlags(unsigned int *flags)', { roles: { flags: out } }),
  driver(3010, 'CUresult cuCtxSetLimit(CUlimit limit, size_t value)'),
  driver(3010, 'CUresult cuCtxGetLimit(size_t *pvalue, CUlimit limit)', { roles: { pvalue: out } }),
];

export const modules: readonly CallEntry[] = [
  internal('CUresult vgpuModuleLoad(CUmodule *module, const void *image, size_t imageBytes)', {
    roles: { module: out, image: bytesIn('imageBytes') },
  }),
  driver(2000, 'CUresult cuModuleUnload(CUmodule hmod)', synchronises),
  driver(2000, 'CUresult cuModuleGetFunction(CUfunction *hfunc, CUmodule hmod, const char *name)', {
    roles: { hfunc: out, name: stringIn(NAME_LIMIT) },
  }),
  // Of a managed variable the response also carries the file to be mapped at the address; mappedBytes is 0 otherwise.
  internal(
    `CUresult vgpuModuleGetGlobal(CUdeviceptr *address, size_t *bytes, size_t *mappedBytes, CUmodule module,
      const char *name)`,
    { roles: { address: out, bytes: out, mappedBytes: out, name: stringIn(NAME_LIMIT) } },
  ),
  driver(12040, 'CUresult cuModuleGetFunctionCount(unsigned int *count, CUmodule mod)', {
    roles: { count: out },
  }),
  // Handles of 8 bytes, as many as fit and as there are, in the order of the module's kernels.
  internal('CUresult vgpuModuleFunctions(void *functions, size_t bytes, CUmodule module)', {
    roles: { functions: bytesOut('bytes') },
  }),
  internal('CUresult vgpuFunctionNameLength(size_t *bytes, CUfunction function)', { roles: { bytes: out } }),
  // Without a zero at its end; `bytes` must be its length.
  internal('CUresult vgpuFunctionName(void *name, size_t bytes, CUfunction function)', {
    roles: { name: bytesOut('bytes') },
  }),
  driver(2020, 'CUresult cuFuncGetAttribute(int *pi, CUfunction_attribute attrib, CUfunction hfunc)', {
    roles: { pi: out },
  }),
  driver(9000, 'CUresult cuFuncSetAttribute(CUfunction hfunc, CUfunction_attribute attrib, int value)'),
  driver(11000, 'CUresult cuFuncGetModule(CUmodule *hmod, CUfunction hfunc)', { roles: { hmod: out } }),
  driver(
    12040,
    'CUresult cuFuncGetParamInfo(CUfunction func, size_t paramIndex, size_t *paramOffset, size_t *paramSize)',
    { roles: { paramOffset: out, paramSize: optionalOut } },
  ),
  internal(
    `CUresult vgpuLaunchKernel(CUfunction f, unsigned int gridDimX, unsigned int gridDimY, unsigned int gridDimZ,
      unsigned int blockDimX, unsigned int blockDimY, unsigned int blockDimZ, unsigned int sharedMemBytes,
      CUstream hStream, const void *parameters, size_t parameterBytes)`,
    { roles: { parameters: bytesIn('parameterBytes') }, deferred: true },
  ),
  // All blocks at once; the guest has checked that so many fit.
  internal(
    `CUresult vgpuLaunchCooperativeKernel(CUfunction f, unsigned int gridDimX, unsigned int gridDimY,
      unsigned int gridDimZ, unsigned int blockDimX, unsigned int blockDimY, unsigned int blockDimZ,
      unsigned int sharedMemBytes, CUstream hStream, const void *parameters, size_t parameterBytes)`,
    { roles: { parameters: bytesIn('parameterBytes') }, deferred: true },
  ),
];

export const memory: readonly CallEntry[] = [
  driver(3020, 'CUresult cuMemGetInfo_v2(size_t *free, size_t *total)', { roles: { free: out, total: out } }),
  driver(3020, 'CUresult cuMemAlloc_v2(CUdeviceptr *dptr, size_t bytesize)', { roles: { dptr: out } }),
  driver(
    3020,
    `CUresult cuMemAllocPitch_v2(CUdeviceptr *dptr, size_t *pPitch, size_t WidthInBytes, size_t Height,
      unsigned int ElementSizeBytes)`,
    { roles: { dptr: out, pPitch: out } },
  ),
  internal('CUresult vgpuMemFree(CUdeviceptr dptr)', synchronises),
  // Memory that guest and executor share: the response also carries the file to be mapped at the address.
  internal('CUresult vgpuMemAllocShared(CUdeviceptr *address, size_t *mappedBytes, size_t bytes)', {
    roles: { address: out, mappedBytes: out },
  }),
  driver(3020, 'CUresult cuMemGetAddressRange_v2(CUdeviceptr *pbase, size_t *psize, CUdeviceptr dptr)', {
    roles: { pbase: optionalOut, psize: optionalOut },
  }),
  internal('CUresult vgpuPointerContext(CUcontext *pctx, CUdeviceptr pointer)', {
    roles: { pctx: out },
    ...withoutContext,
  }),
  // A large copy travels in pieces. totalBytes is what is still to come, this piece included, so that a copy past
  // the end of an allocation is refused before its first byte is written.
  internal(
    `CUresult vgpuCopyToDevice(CUdeviceptr destination, const void *source, size_t bytes, size_t totalBytes,
      CUstream stream)`,
    { roles: { source: bytesIn('bytes') }, ...synchronises },
  ),
  internal(
    `CUresult vgpuCopyFromDevice(void *destination, CUdeviceptr source, size_t bytes, size_t totalBytes,
      CUstream stream)`,
    { roles: { destination: bytesOut('bytes') }, ...synchronises },
  ),
  internal(
    'CUresult vgpuCopyOnDevice(CUdeviceptr destination, CUdeviceptr source, size_t bytes, CUstream stream)',
    synchronises,
  ),
  // A copy of several slices asks about the whole of its device side first, so that nothing is half done.
  internal('CUresult vgpuRequireRange(CUdeviceptr address, size_t bytes)'),
  // Rows of `width` bytes; on the wire they are packed without gaps.
  internal(
    `CUresult vgpuCopyRowsToDevice(CUdeviceptr destination, size_t pitch, const void *rows, size_t bytes,
      size_t width, size_t height, CUstream stream)`,
    { roles: { rows: bytesIn('bytes') }, ...synchronises },
  ),
  internal(
    `CUresult vgpuCopyRowsFromDevice(void *rows, size_t bytes, CUdeviceptr source, size_t pitch, size_t width,
      size_t height, CUstream stream)`,
    { roles: { rows: bytesOut('bytes') }, ...synchronises },
  ),
  internal(
    `CUresult vgpuCopyRowsOnDevice(CUdeviceptr destination, size_t destinationPitch, CUdeviceptr source,
      size_t sourcePitch, size_t width, size_t height, CUstream stream)`,
    synchronises,
  ),
  // Fills `height` rows of `width` elements; elementBytes is 1, 2 or 4. One row with any pitch is a plain fill.
  internal(
    `CUresult vgpuFill(CUdeviceptr destination, size_t pitch, unsigned int value, unsigned int elementBytes,
      size_t width, size_t height, CUstream stream)`,
  ),
];

export const pools: readonly CallEntry[] = [
  driver(11020, 'CUresult cuDeviceGetDefaultMemPool(CUmemoryPool *pool_out, CUdevice dev)', {
    roles: { pool_out: out },
    ...withoutContext,
  }),
  driver(11020, 'CUresult cuDeviceGetMemPool(CUmemoryPool *pool, CUdevice dev)', {
    roles: { pool: out },
    ...withoutContext,
  }),
  driver(11020, 'CUresult cuDeviceSetMemPool(CUdevice dev, CUmemoryPool pool)', withoutContext),
  driver(11020, 'CUresult cuMemPoolDestroy(CUmemoryPool pool)', withoutContext),
  driver(11020, 'CUresult cuMemPoolTrimTo(CUmemoryPool pool, size_t minBytesToKeep)', withoutContext),
  internal('CUresult vgpuMemAllocAsync(CUdeviceptr *dptr, size_t bytesize, CUstream hStream)', {
    roles: { dptr: out },
  }),
  internal(
    'CUresult vgpuMemAllocFromPoolAsync(CUdeviceptr *dptr, size_t bytesize, CUmemoryPool pool, CUstream hStream)',
    { roles: { dptr: out } },
  ),
  internal('CUresult vgpuMemFreeAsync(CUdeviceptr dptr, CUstream hStream)'),
  internal('CUresult vgpuMemPoolCreate(CUmemoryPool *pool, CUdevice device, size_t maximumBytes)', {
    roles: { pool: out },
    ...withoutContext,
  }),
  internal(
    'CUresult vgpuMemPoolSetAttribute(CUmemoryPool pool, CUmemPool_attribute attribute, cuuint64_t value)',
    withoutContext,
  ),
  internal(
    'CUresult vgpuMemPoolGetAttribute(CUmemoryPool pool, CUmemPool_attribute attribute, cuuint64_t *value)',
    { roles: { value: out }, ...withoutContext },
  ),
];

export const virtualMemory: readonly CallEntry[] = [
  driver(
    10020,
    `CUresult cuMemAddressReserve(CUdeviceptr *ptr, size_t size, size_t alignment, CUdeviceptr addr,
      unsigned long long flags)`,
    { roles: { ptr: out }, ...withoutContext },
  ),
  driver(10020, 'CUresult cuMemAddressFree(CUdeviceptr ptr, size_t size)', {
    ...withoutContext,
    ...synchronises,
  }),
  driver(10020, 'CUresult cuMemRelease(CUmemGenericAllocationHandle handle)', withoutContext),
  driver(
    10020,
    `CUresult cuMemMap(CUdeviceptr ptr, size_t size, size_t offset, CUmemGenericAllocationHandle handle,
      unsigned long long flags)`,
    withoutContext,
  ),
  driver(10020, 'CUresult cuMemUnmap(CUdeviceptr ptr, size_t size)', { ...withoutContext, ...synchronises }),
  internal('CUresult vgpuMemCreate(CUmemGenericAllocationHandle *handle, size_t size, CUdevice device)', {
    roles: { handle: out },
    ...withoutContext,
  }),
  internal(
    'CUresult vgpuMemSetAccess(CUdeviceptr address, size_t bytes, CUmemAccess_flags access)',
    withoutContext,
  ),
  internal('CUresult vgpuMemGetAccess(unsigned long long *access, CUdeviceptr address)', {
    roles: { access: out },
    ...withoutContext,
  }),
  internal('CUresult vgpuMemHandleDevice(CUdevice *device, CUmemGenericAllocationHandle handle)', {
    roles: { device: out },
    ...withoutContext,
  }),
  internal('CUresult vgpuMemRetainHandle(CUmemGenericAllocationHandle *handle, CUdeviceptr address)', {
    roles: { handle: out },
    ...withoutContext,
  }),
];

export const streams: readonly CallEntry[] = [
  driver(2000, 'CUresult cuStreamCreate(CUstream *phStream, unsigned int Flags)', {
    roles: { phStream: out },
  }),
  driver(5050, 'CUresult cuStreamCreateWithPriority(CUstream *phStream, unsigned int flags, int priority)', {
    roles: { phStream: out },
  }),
  driver(5050, 'CUresult cuStreamGetPriority(CUstream hStream, int *priority)', {
    roles: { priority: out },
    ...capturable,
  }),
  driver(5050, 'CUresult cuStreamGetFlags(CUstream hStream, unsigned int *flags)', {
    roles: { flags: out },
    ...capturable,
  }),
  driver(9020, 'CUresult cuStreamGetCtx(CUstream hStream, CUcontext *pctx)', {
    roles: { pctx: out },
    ...capturable,
  }),
  driver(12000, 'CUresult cuStreamGetId(CUstream hStream, unsigned long long *streamId)', {
    roles: { streamId: out },
    ...capturable,
  }),
  internal('CUresult vgpuStreamWaitEvent(CUstream hStream, CUevent hEvent, unsigned int Flags)', {
    deferred: true,
  }),
  driver(2000, 'CUresult cuStreamQuery(CUstream hStream)', synchronises),
  driver(2000, 'CUresult cuStreamSynchronize(CUstream hStream)', synchronises),
  // What it has recorded stays recorded, and must still be joined.
  driver(4000, 'CUresult cuStreamDestroy_v2(CUstream hStream)', capturable),
  driver(2000, 'CUresult cuEventCreate(CUevent *phEvent, unsigned int Flags)', { roles: { phEvent: out } }),
  internal('CUresult vgpuEventRecord(CUevent hEvent, CUstream hStream)', { deferred: true }),
  driver(2000, 'CUresult cuEventQuery(CUevent hEvent)', synchronises),
  driver(2000, 'CUresult cuEventSynchronize(CUevent hEvent)', synchronises),
  driver(4000, 'CUresult cuEventDestroy_v2(CUevent hEvent)', capturable),
  driver(2000, 'CUresult cuEventElapsedTime(float *pMilliseconds, CUevent hStart, CUevent hEnd)', {
    roles: { pMilliseconds: out },
    ...synchronises,
  }),
];
