// CUDA arrays: memory whose layout is the device's own, reached by coordinates alone. A row's `x` and `width` are
// bytes; `y` and `z` count rows and slices. Rows are packed on the wire, and all of one slice.
import type { CallEntry } from '../schema.js';
import { bytesIn, bytesOut, local, out, type RemoteOptions, remote } from './define.js';

const internal = (text: string, options: RemoteOptions = {}): CallEntry =>
  remote('internal', 0, text, options);
const synchronises = { synchronises: true } as const;

const group = (why: string, entries: readonly (readonly [number, string])[]): CallEntry[] =>
  entries.map(([since, text]) => local('driver', since, text, why));

export const arrays: readonly CallEntry[] = [
  // `description` is a vgpu_array.
  internal('CUresult vgpuArrayCreate(CUarray *array, const void *description, size_t bytes)', {
    roles: { array: out, description: bytesIn('bytes') },
  }),
  internal('CUresult vgpuArrayDescription(void *description, size_t bytes, CUarray array)', {
    roles: { description: bytesOut('bytes') },
  }),
  remote('driver', 2000, 'CUresult cuArrayDestroy(CUarray hArray)', synchronises),
  internal(
    `CUresult vgpuCopyRowsToArray(CUarray array, size_t x, size_t y, size_t z, const void *rows, size_t bytes,
      size_t width, size_t height, CUstream stream)`,
    { roles: { rows: bytesIn('bytes') }, ...synchronises },
  ),
  internal(
    `CUresult vgpuCopyRowsFromArray(void *rows, size_t bytes, CUarray array, size_t x, size_t y, size_t z,
      size_t width, size_t height, CUstream stream)`,
    { roles: { rows: bytesOut('bytes') }, ...synchronises },
  ),
  internal(
    `CUresult vgpuCopyDeviceToArray(CUarray array, size_t x, size_t y, size_t z, CUdeviceptr source, size_t pitch,
      size_t width, size_t height, CUstream stream)`,
    synchronises,
  ),
  internal(
    `CUresult vgpuCopyArrayToDevice(CUdeviceptr destination, size_t pitch, CUarray array, size_t x, size_t y,
      size_t z, size_t width, size_t height, CUstream stream)`,
    synchronises,
  ),
  internal(
    `CUresult vgpuCopyArrayToArray(CUarray destination, size_t x, size_t y, size_t z, CUarray source,
      size_t sourceX, size_t sourceY, size_t sourceZ, size_t width, size_t height, CUstream stream)`,
    synchronises,
  ),
  ...group('reads the structures that describe an array, and sends one of ../wire-texture.ts', [
    [3020, 'CUresult cuArrayCreate_v2(CUarray *pHandle, const CUDA_ARRAY_DESCRIPTOR *pAllocateArray)'],
    [3020, 'CUresult cuArrayGetDescriptor_v2(CUDA_ARRAY_DESCRIPTOR *pArrayDescriptor, CUarray hArray)'],
    [3020, 'CUresult cuArray3DCreate_v2(CUarray *pHandle, const CUDA_ARRAY3D_DESCRIPTOR *pAllocateArray)'],
    [3020, 'CUresult cuArray3DGetDescriptor_v2(CUDA_ARRAY3D_DESCRIPTOR *pArrayDescriptor, CUarray hArray)'],
  ]),
  ...group('a copy of one row of an array', [
    [
      3020,
      'CUresult cuMemcpyDtoA_v2(CUarray dstArray, size_t dstOffset, CUdeviceptr srcDevice, size_t ByteCount)',
    ],
    [
      3020,
      'CUresult cuMemcpyAtoD_v2(CUdeviceptr dstDevice, CUarray srcArray, size_t srcOffset, size_t ByteCount)',
    ],
    [
      3020,
      'CUresult cuMemcpyHtoA_v2(CUarray dstArray, size_t dstOffset, const void *srcHost, size_t ByteCount)',
    ],
    [3020, 'CUresult cuMemcpyAtoH_v2(void *dstHost, CUarray srcArray, size_t srcOffset, size_t ByteCount)'],
    [
      3020,
      `CUresult cuMemcpyAtoA_v2(CUarray dstArray, size_t dstOffset, CUarray srcArray, size_t srcOffset,
        size_t ByteCount)`,
    ],
    [
      3020,
      `CUresult cuMemcpyHtoAAsync_v2(CUarray dstArray, size_t dstOffset, const void *srcHost, size_t ByteCount,
        CUstream hStream)`,
    ],
    [
      3020,
      `CUresult cuMemcpyAtoHAsync_v2(void *dstHost, CUarray srcArray, size_t srcOffset, size_t ByteCount,
        CUstream hStream)`,
    ],
  ]),
];
