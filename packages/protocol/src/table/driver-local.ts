// Driver API calls that the guest answers by itself.
import type { CallEntry } from '../schema.js';
import { local } from './define.js';

const group = (why: string, entries: readonly (readonly [number, string])[]): CallEntry[] =>
  entries.map(([since, text]) => local('driver', since, text, why));

export const driverLocal: readonly CallEntry[] = [
  ...group('connects, or reads constants of this library', [
    [2000, 'CUresult cuInit(unsigned int Flags)'],
    [6000, 'CUresult cuGetErrorString(CUresult error, const char **pStr)'],
    [6000, 'CUresult cuGetErrorName(CUresult error, const char **pStr)'],
    [11030, 'CUresult cuGetProcAddress(const char *symbol, void **pfn, int cudaVersion, cuuint64_t flags)'],
    [
      12000,
      `CUresult cuGetProcAddress_v2(const char *symbol, void **pfn, int cudaVersion, cuuint64_t flags,
        CUdriverProcAddressQueryResult *symbolStatus)`,
    ],
    [11070, 'CUresult cuModuleGetLoadingMode(CUmoduleLoadingMode *mode)'],
  ]),
  ...group('reads the device snapshot that came with the handshake', [
    [2020, 'CUresult cuDriverGetVersion(int *driverVersion)'],
    [2000, 'CUresult cuDeviceGet(CUdevice *device, int ordinal)'],
    [2000, 'CUresult cuDeviceGetCount(int *count)'],
    [2000, 'CUresult cuDeviceGetName(char *name, int len, CUdevice dev)'],
    [9020, 'CUresult cuDeviceGetUuid(CUuuid *uuid, CUdevice dev)'],
    [11040, 'CUresult cuDeviceGetUuid_v2(CUuuid *uuid, CUdevice dev)'],
    [3020, 'CUresult cuDeviceTotalMem_v2(size_t *bytes, CUdevice dev)'],
    [2000, 'CUresult cuDeviceGetAttribute(int *pi, CUdevice_attribute attrib, CUdevice dev)'],
    [2000, 'CUresult cuDeviceComputeCapability(int *major, int *minor, CUdevice dev)'],
    [2000, 'CUresult cuDeviceGetProperties(CUdevprop *prop, CUdevice dev)'],
    [4010, 'CUresult cuDeviceGetPCIBusId(char *pciBusId, int len, CUdevice dev)'],
    [4010, 'CUresult cuDeviceGetByPCIBusId(CUdevice *dev, const char *pciBusId)'],
    [4000, 'CUresult cuDeviceCanAccessPeer(int *canAccessPeer, CUdevice dev, CUdevice peerDev)'],
    [5050, 'CUresult cuCtxGetStreamPriorityRange(int *leastPriority, int *greatestPriority)'],
  ]),
  ...group('keeps the stack of current contexts of each thread', [
    [3020, 'CUresult cuCtxCreate_v2(CUcontext *pctx, unsigned int flags, CUdevice dev)'],
    [
      12050,
      'CUresult cuCtxCreate_v4(CUcontext *pctx, CUctxCreateParams *ctxCreateParams, unsigned int flags, CUdevice dev)',
    ],
    [4000, 'CUresult cuCtxDestroy_v2(CUcontext ctx)'],
    [4000, 'CUresult cuCtxPushCurrent_v2(CUcontext ctx)'],
    [4000, 'CUresult cuCtxPopCurrent_v2(CUcontext *pctx)'],
    [4000, 'CUresult cuCtxSetCurrent(CUcontext ctx)'],
    [4000, 'CUresult cuCtxGetCurrent(CUcontext *pctx)'],
    [2000, 'CUresult cuCtxGetDevice(CUdevice *device)'],
    [3020, 'CUresult cuCtxGetApiVersion(CUcontext ctx, unsigned int *version)'],
    [3020, 'CUresult cuCtxGetCacheConfig(CUfunc_cache *pconfig)'],
    [3020, 'CUresult cuCtxSetCacheConfig(CUfunc_cache config)'],
  ]),
  ...group('is its newer form, which takes the same', [
    [2000, 'CUresult cuCtxDestroy(CUcontext ctx)'],
    [2000, 'CUresult cuCtxPopCurrent(CUcontext *pctx)'],
    [2000, 'CUresult cuCtxPushCurrent(CUcontext ctx)'],
    [2000, 'CUresult cuStreamDestroy(CUstream hStream)'],
    [2000, 'CUresult cuEventDestroy(CUevent hEvent)'],
    [7000, 'CUresult cuDevicePrimaryCtxRelease(CUdevice dev)'],
    [7000, 'CUresult cuDevicePrimaryCtxReset(CUdevice dev)'],
    [7000, 'CUresult cuDevicePrimaryCtxSetFlags(CUdevice dev, unsigned int flags)'],
    [
      5050,
      `CUresult cuLinkCreate(unsigned int numOptions, CUjit_option *options, void **optionValues, CUlinkState
        *stateOut)`,
    ],
    [
      5050,
      `CUresult cuLinkAddData(CUlinkState state, CUjitInputType type, void *data, size_t size, const char *name,
        unsigned int numOptions, CUjit_option *options, void **optionValues)`,
    ],
    [
      5050,
      `CUresult cuLinkAddFile(CUlinkState state, CUjitInputType type, const char *path, unsigned int numOptions,
        CUjit_option *options, void **optionValues)`,
    ],
  ]),
  ...group('finds the length of the image before it is sent', [
    [2000, 'CUresult cuModuleLoad(CUmodule *module, const char *fname)'],
    [2000, 'CUresult cuModuleLoadData(CUmodule *module, const void *image)'],
    [
      2010,
      `CUresult cuModuleLoadDataEx(CUmodule *module, const void *image, unsigned int numOptions,
        CUjit_option *options, void **optionValues)`,
    ],
    [2000, 'CUresult cuModuleLoadFatBinary(CUmodule *module, const void *fatCubin)'],
  ]),
  ...group("packs the arguments by the kernel's own layout", [
    [
      4000,
      `CUresult cuLaunchKernel(CUfunction f, unsigned int gridDimX, unsigned int gridDimY, unsigned int gridDimZ,
        unsigned int blockDimX, unsigned int blockDimY, unsigned int blockDimZ, unsigned int sharedMemBytes,
        CUstream hStream, void **kernelParams, void **extra)`,
    ],
    [
      11060,
      'CUresult cuLaunchKernelEx(const CUlaunchConfig *config, CUfunction f, void **kernelParams, void **extra)',
    ],
    [
      11060,
      'CUresult cuLaunchKernelEx_ptsz(const CUlaunchConfig *config, CUfunction f, void **kernelParams, void **extra)',
    ],
  ]),
  ...group('checks how many blocks fit at once, packs the arguments', [
    [
      9000,
      `CUresult cuLaunchCooperativeKernel(CUfunction f, unsigned int gridDimX, unsigned int gridDimY, unsigned int
        gridDimZ, unsigned int blockDimX, unsigned int blockDimY, unsigned int blockDimZ, unsigned int
        sharedMemBytes, CUstream hStream, void **kernelParams)`,
    ],
  ]),
  ...group('a hint, which the CUDA documentation lets a device ignore', [
    [3000, 'CUresult cuFuncSetCacheConfig(CUfunction hfunc, CUfunc_cache config)'],
  ]),
  ...group('computes from attributes', [
    [
      6050,
      `CUresult cuOccupancyMaxActiveBlocksPerMultiprocessor(int *numBlocks, CUfunction func, int blockSize,
        size_t dynamicSMemSize)`,
    ],
    [
      7000,
      `CUresult cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int *numBlocks, CUfunction func, int blockSize,
        size_t dynamicSMemSize, unsigned int flags)`,
    ],
    [
      6050,
      `CUresult cuOccupancyMaxPotentialBlockSize(int *minGridSize, int *blockSize, CUfunction func,
        CUoccupancyB2DSize blockSizeToDynamicSMemSize, size_t dynamicSMemSize, int blockSizeLimit)`,
    ],
    [
      7000,
      `CUresult cuOccupancyMaxPotentialBlockSizeWithFlags(int *minGridSize, int *blockSize, CUfunction func,
        CUoccupancyB2DSize blockSizeToDynamicSMemSize, size_t dynamicSMemSize, int blockSizeLimit,
        unsigned int flags)`,
    ],
  ]),
  ...group('computes from attributes', [
    [
      11000,
      `CUresult cuOccupancyAvailableDynamicSMemPerBlock(size_t *dynamicSmemSize, CUfunction func, int numBlocks,
        int blockSize)`,
    ],
  ]),
  ...group('fills one element', [
    [
      8000,
      'CUresult cuStreamWriteValue32(CUstream stream, CUdeviceptr addr, cuuint32_t value, unsigned int flags)',
    ],
    [
      11070,
      'CUresult cuStreamWriteValue32_v2(CUstream stream, CUdeviceptr addr, cuuint32_t value, unsigned int flags)',
    ],
  ]),
  ...group("asks for the device of the stream's context", [
    [12080, 'CUresult cuStreamGetDevice(CUstream hStream, CUdevice *device)'],
  ]),
  ...group('splits large copies, packs rows, and tells host from device addresses', [
    [4000, 'CUresult cuMemcpy(CUdeviceptr dst, CUdeviceptr src, size_t ByteCount)'],
    [4000, 'CUresult cuMemcpyAsync(CUdeviceptr dst, CUdeviceptr src, size_t ByteCount, CUstream hStream)'],
    [3020, 'CUresult cuMemcpyHtoD_v2(CUdeviceptr dstDevice, const void *srcHost, size_t ByteCount)'],
    [3020, 'CUresult cuMemcpyDtoH_v2(void *dstHost, CUdeviceptr srcDevice, size_t ByteCount)'],
    [3020, 'CUresult cuMemcpyDtoD_v2(CUdeviceptr dstDevice, CUdeviceptr srcDevice, size_t ByteCount)'],
    [
      3020,
      'CUresult cuMemcpyHtoDAsync_v2(CUdeviceptr dstDevice, const void *srcHost, size_t ByteCount, CUstream hStream)',
    ],
    [
      3020,
      'CUresult cuMemcpyDtoHAsync_v2(void *dstHost, CUdeviceptr srcDevice, size_t ByteCount, CUstream hStream)',
    ],
    [
      3020,
      'CUresult cuMemcpyDtoDAsync_v2(CUdeviceptr dstDevice, CUdeviceptr srcDevice, size_t ByteCount, CUstream hStream)',
    ],
    [3020, 'CUresult cuMemcpy2D_v2(const CUDA_MEMCPY2D *pCopy)'],
    [3020, 'CUresult cuMemcpy2DUnaligned_v2(const CUDA_MEMCPY2D *pCopy)'],
    [3020, 'CUresult cuMemcpy2DAsync_v2(const CUDA_MEMCPY2D *pCopy, CUstream hStream)'],
    [3020, 'CUresult cuMemsetD8_v2(CUdeviceptr dstDevice, unsigned char uc, size_t N)'],
    [3020, 'CUresult cuMemsetD16_v2(CUdeviceptr dstDevice, unsigned short us, size_t N)'],
    [3020, 'CUresult cuMemsetD32_v2(CUdeviceptr dstDevice, unsigned int ui, size_t N)'],
    [
      3020,
      'CUresult cuMemsetD2D8_v2(CUdeviceptr dstDevice, size_t dstPitch, unsigned char uc, size_t Width, size_t Height)',
    ],
    [
      3020,
      'CUresult cuMemsetD2D16_v2(CUdeviceptr dstDevice, size_t dstPitch, unsigned short us, size_t Width, size_t Height)',
    ],
    [
      3020,
      'CUresult cuMemsetD2D32_v2(CUdeviceptr dstDevice, size_t dstPitch, unsigned int ui, size_t Width, size_t Height)',
    ],
    [3020, 'CUresult cuMemsetD8Async(CUdeviceptr dstDevice, unsigned char uc, size_t N, CUstream hStream)'],
    [3020, 'CUresult cuMemsetD16Async(CUdeviceptr dstDevice, unsigned short us, size_t N, CUstream hStream)'],
    [3020, 'CUresult cuMemsetD32Async(CUdeviceptr dstDevice, unsigned int ui, size_t N, CUstream hStream)'],
    [
      3020,
      'CUresult cuMemsetD2D8Async(CUdeviceptr dstDevice, size_t dstPitch, unsigned char uc, size_t Width, size_t Height, CUstream hStream)',
    ],
    [
      3020,
      'CUresult cuMemsetD2D16Async(CUdeviceptr dstDevice, size_t dstPitch, unsigned short us, size_t Width, size_t Height, CUstream hStream)',
    ],
    [
      3020,
      'CUresult cuMemsetD2D32Async(CUdeviceptr dstDevice, size_t dstPitch, unsigned int ui, size_t Width, size_t Height, CUstream hStream)',
    ],
  ]),
  ...group('host memory belongs to the guest', [
    [3020, 'CUresult cuMemAllocHost_v2(void **pp, size_t bytesize)'],
    [2000, 'CUresult cuMemFreeHost(void *p)'],
    [2020, 'CUresult cuMemHostAlloc(void **pp, size_t bytesize, unsigned int Flags)'],
    [3020, 'CUresult cuMemHostGetDevicePointer_v2(CUdeviceptr *pdptr, void *p, unsigned int Flags)'],
    [2030, 'CUresult cuMemHostGetFlags(unsigned int *pFlags, void *p)'],
    [6050, 'CUresult cuMemHostRegister_v2(void *p, size_t bytesize, unsigned int Flags)'],
    [4000, 'CUresult cuMemHostUnregister(void *p)'],
  ]),
  ...group('combines what guest and executor know of a pointer', [
    [4000, 'CUresult cuPointerGetAttribute(void *data, CUpointer_attribute attribute, CUdeviceptr ptr)'],
    [
      7000,
      `CUresult cuPointerGetAttributes(unsigned int numAttributes, CUpointer_attribute *attributes, void **data,
        CUdeviceptr ptr)`,
    ],
  ]),
  ...group('may become part of a graph', [
    [2000, 'CUresult cuEventRecord(CUevent hEvent, CUstream hStream)'],
    [11010, 'CUresult cuEventRecordWithFlags(CUevent hEvent, CUstream hStream, unsigned int flags)'],
    [3020, 'CUresult cuStreamWaitEvent(CUstream hStream, CUevent hEvent, unsigned int Flags)'],
  ]),
  ...group('the same function under its later name', [
    [12080, 'CUresult cuEventElapsedTime_v2(float *pMilliseconds, CUevent hStart, CUevent hEnd)'],
  ]),
];
