// Driver API calls around memory that the guest answers by itself: pools, copies of boxes, copies between devices.
import type { CallEntry } from '../schema.js';
import { local } from './define.js';

const group = (why: string, entries: readonly (readonly [number, string])[]): CallEntry[] =>
  entries.map(([since, text]) => local('driver', since, text, why));

export const driverLocalMemory: readonly CallEntry[] = [
  ...group('reads the structures that describe a pool, and sends numbers', [
    [11020, 'CUresult cuMemPoolCreate(CUmemoryPool *pool, const CUmemPoolProps *poolProps)'],
    [11020, 'CUresult cuMemPoolSetAttribute(CUmemoryPool pool, CUmemPool_attribute attr, void *value)'],
    [11020, 'CUresult cuMemPoolGetAttribute(CUmemoryPool pool, CUmemPool_attribute attr, void *value)'],
    [11020, 'CUresult cuMemPoolSetAccess(CUmemoryPool pool, const CUmemAccessDesc *map, size_t count)'],
    [
      11020,
      'CUresult cuMemPoolGetAccess(CUmemAccess_flags *flags, CUmemoryPool memPool, CUmemLocation *location)',
    ],
    [
      13000,
      'CUresult cuMemGetDefaultMemPool(CUmemoryPool *pool_out, CUmemLocation *location, CUmemAllocationType type)',
    ],
    [
      13000,
      'CUresult cuMemGetMemPool(CUmemoryPool *pool, CUmemLocation *location, CUmemAllocationType type)',
    ],
    [13000, 'CUresult cuMemSetMemPool(CUmemLocation *location, CUmemAllocationType type, CUmemoryPool pool)'],
  ]),
  ...group('reads the structures that describe physical memory, and sends numbers', [
    [
      10020,
      `CUresult cuMemCreate(CUmemGenericAllocationHandle *handle, size_t size, const CUmemAllocationProp *prop,
        unsigned long long flags)`,
    ],
    [
      10020,
      'CUresult cuMemSetAccess(CUdeviceptr ptr, size_t size, const CUmemAccessDesc *desc, size_t count)',
    ],
    [
      10020,
      'CUresult cuMemGetAccess(unsigned long long *flags, const CUmemLocation *location, CUdeviceptr ptr)',
    ],
    [
      10020,
      `CUresult cuMemGetAllocationGranularity(size_t *granularity, const CUmemAllocationProp *prop,
        CUmemAllocationGranularity_flags option)`,
    ],
    [
      10020,
      `CUresult cuMemGetAllocationPropertiesFromHandle(CUmemAllocationProp *prop,
        CUmemGenericAllocationHandle handle)`,
    ],
    [11000, 'CUresult cuMemRetainAllocationHandle(CUmemGenericAllocationHandle *handle, void *addr)'],
  ]),
  ...group('no memory is made for other processes: there is nothing that can be exported or imported', [
    [
      10020,
      `CUresult cuMemExportToShareableHandle(void *shareableHandle, CUmemGenericAllocationHandle handle,
        CUmemAllocationHandleType handleType, unsigned long long flags)`,
    ],
    [
      10020,
      `CUresult cuMemImportFromShareableHandle(CUmemGenericAllocationHandle *handle, void *osHandle,
        CUmemAllocationHandleType shHandleType)`,
    ],
  ]),
  ...group('becomes a node of a graph where the stream is being captured', [
    [11020, 'CUresult cuMemAllocAsync(CUdeviceptr *dptr, size_t bytesize, CUstream hStream)'],
    [
      11020,
      'CUresult cuMemAllocFromPoolAsync(CUdeviceptr *dptr, size_t bytesize, CUmemoryPool pool, CUstream hStream)',
    ],
    [11020, 'CUresult cuMemFreeAsync(CUdeviceptr dptr, CUstream hStream)'],
  ]),
  ...group('memory that the guest maps at the same address', [
    [6000, 'CUresult cuMemAllocManaged(CUdeviceptr *dptr, size_t bytesize, unsigned int flags)'],
    [3020, 'CUresult cuMemFree_v2(CUdeviceptr dptr)'],
  ]),
  ...group('a hint, which changes no value that anybody reads', [
    [
      12020,
      `CUresult cuMemPrefetchAsync_v2(CUdeviceptr devPtr, size_t count, CUmemLocation location, unsigned int flags,
        CUstream hStream)`,
    ],
    [
      12020,
      'CUresult cuMemAdvise_v2(CUdeviceptr devPtr, size_t count, CUmem_advise advice, CUmemLocation location)',
    ],
  ]),
  ...group('a copy of rows for each slice', [
    [3020, 'CUresult cuMemcpy3D_v2(const CUDA_MEMCPY3D *pCopy)'],
    [3020, 'CUresult cuMemcpy3DAsync_v2(const CUDA_MEMCPY3D *pCopy, CUstream hStream)'],
    [4000, 'CUresult cuMemcpy3DPeer(const CUDA_MEMCPY3D_PEER *pCopy)'],
    [4000, 'CUresult cuMemcpy3DPeerAsync(const CUDA_MEMCPY3D_PEER *pCopy, CUstream hStream)'],
  ]),
  ...group('addresses say which device they belong to', [
    [
      4000,
      `CUresult cuMemcpyPeer(CUdeviceptr dstDevice, CUcontext dstContext, CUdeviceptr srcDevice,
        CUcontext srcContext, size_t ByteCount)`,
    ],
    [
      4000,
      `CUresult cuMemcpyPeerAsync(CUdeviceptr dstDevice, CUcontext dstContext, CUdeviceptr srcDevice,
        CUcontext srcContext, size_t ByteCount, CUstream hStream)`,
    ],
  ]),
  ...group('no device reaches another', [
    [4000, 'CUresult cuCtxEnablePeerAccess(CUcontext peerContext, unsigned int Flags)'],
    [4000, 'CUresult cuCtxDisablePeerAccess(CUcontext peerContext)'],
    [
      8000,
      'CUresult cuDeviceGetP2PAttribute(int *value, CUdevice_P2PAttribute attrib, CUdevice srcDevice, CUdevice dstDevice)',
    ],
  ]),
  ...group("the host's function runs in the calling thread, when the stream has come to it", [
    [10000, 'CUresult cuLaunchHostFunc(CUstream hStream, CUhostFn fn, void *userData)'],
    [
      5000,
      'CUresult cuStreamAddCallback(CUstream hStream, CUstreamCallback callback, void *userData, unsigned int flags)',
    ],
  ]),
];
