// How many blocks of a kernel fit on a multiprocessor: the smallest of what threads, blocks, registers and
// shared memory allow. Granularities as in the "Occupancy" section of NVIDIA's Nsight Compute documentation.
#include <limits.h>

#include "driver/context_stack.h"
#include "driver/library.h"
#include "guest_api.h"

enum { REGISTERS_PER_ALLOCATION = 256, SHARED_BYTES_PER_ALLOCATION = 128, WARPS_PER_ALLOCATION = 4 };

// CU_OCCUPANCY_DISABLE_CACHING_OVERRIDE: caching never limits us, so there is nothing to override.
enum { OCCUPANCY_FLAGS = 1 };

struct limits {
  int warp;
  int threads_per_block;  // the kernel's
  int threads;            // of a multiprocessor, like the rest
  int blocks;
  int registers;
  int shared;
  int reserved_shared;  // taken by the system from every block
  int registers_per_thread;
  int static_shared;
  int dynamic_shared_limit;
  int multiprocessors;
};

static CUresult read_limits(CUfunction function, struct limits* limits) {
  CUdevice device;
  CUresult result = cuCtxGetDevice(&device);
  if (result == CUDA_SUCCESS) result = vgpu_library_resolve(&function);
  const struct {
    CUdevice_attribute attribute;
    int* value;
  } of_device[] = {
      {CU_DEVICE_ATTRIBUTE_WARP_SIZE, &limits->warp},
      {CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_MULTIPROCESSOR, &limits->threads},
      {CU_DEVICE_ATTRIBUTE_MAX_BLOCKS_PER_MULTIPROCESSOR, &limits->blocks},
      {CU_DEVICE_ATTRIBUTE_MAX_REGISTERS_PER_MULTIPROCESSOR, &limits->registers},
      {CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_MULTIPROCESSOR, &limits->shared},
      {CU_DEVICE_ATTRIBUTE_RESERVED_SHARED_MEMORY_PER_BLOCK, &limits->reserved_shared},
      {CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT, &limits->multiprocessors},
  };
  const struct {
    CUfunction_attribute attribute;
    int* value;
  } of_function[] = {
      {CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK, &limits->threads_per_block},
      {CU_FUNC_ATTRIBUTE_NUM_REGS, &limits->registers_per_thread},
      {CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES, &limits->static_shared},
      {CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, &limits->dynamic_shared_limit},
  };
  for (size_t i = 0; i < sizeof(of_device) / sizeof(of_device[0]) && result == CUDA_SUCCESS; ++i) {
    result = cuDeviceGetAttribute(of_device[i].value, of_device[i].attribute, device);
  }
  for (size_t i = 0; i < sizeof(of_function) / sizeof(of_function[0]) && result == CUDA_SUCCESS; ++i) {
    result = cuFuncGetAttribute(of_function[i].value, of_function[i].attribute, function);
  }
  if (result == CUDA_SUCCESS && limits->warp <= 0) result = CUDA_ERROR_UNKNOWN;
  return result;
}

static uint64_t round_up(uint64_t value, uint64_t unit) {
  return (value + unit - 1) / unit * unit;
}

static uint64_t smaller(uint64_t a, uint64_t b) {
  return a < b ? a : b;
}

static int blocks_per_multiprocessor(const struct limits* limits, int block_size, size_t dynamic_shared) {
  if (block_size > limits->threads_per_block) return 0;
  if (dynamic_shared > (size_t)limits->dynamic_shared_limit) return 0;
  const uint64_t warp = (uint64_t)limits->warp;
  const uint64_t warps = round_up((uint64_t)block_size, warp) / warp;
  uint64_t blocks = smaller((uint64_t)limits->blocks, (uint64_t)limits->threads / warp / warps);
  if (limits->registers_per_thread > 0) {
    const uint64_t per_warp =
        round_up((uint64_t)limits->registers_per_thread * warp, REGISTERS_PER_ALLOCATION);
    const uint64_t all_warps =
        (uint64_t)limits->registers / per_warp / WARPS_PER_ALLOCATION * WARPS_PER_ALLOCATION;
    blocks = smaller(blocks, all_warps / warps);
  }
  const uint64_t shared =
      round_up((uint64_t)limits->static_shared + dynamic_shared + (uint64_t)limits->reserved_shared,
               SHARED_BYTES_PER_ALLOCATION);
  if (shared > 0) blocks = smaller(blocks, (uint64_t)limits->shared / shared);
  return (int)smaller(blocks, INT_MAX);
}

CUresult cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int* numBlocks, CUfunction func, int blockSize,
                                                              size_t dynamicSMemSize, unsigned int flags) {
  struct limits limits;
  if (numBlocks == NULL || blockSize <= 0 || (flags & ~(unsigned int)OCCUPANCY_FLAGS) != 0) {
    return CUDA_ERROR_INVALID_VALUE;
  }
  const CUresult result = read_limits(func, &limits);
  if (result == CUDA_SUCCESS) *numBlocks = blocks_per_multiprocessor(&limits, blockSize, dynamicSMemSize);
  return result;
}

CUresult cuOccupancyAvailableDynamicSMemPerBlock(size_t* dynamicSmemSize, CUfunction func, int numBlocks,
                                                 int blockSize) {
  struct limits limits;
  if (dynamicSmemSize == NULL || numBlocks <= 0 || blockSize <= 0) return CUDA_ERROR_INVALID_VALUE;
  const CUresult result = read_limits(func, &limits);
  if (result != CUDA_SUCCESS) return result;
  // So many do not fit even without.
  if (blocks_per_multiprocessor(&limits, blockSize, 0) < numBlocks) return CUDA_ERROR_INVALID_VALUE;
  const int share = limits.shared / numBlocks / SHARED_BYTES_PER_ALLOCATION * SHARED_BYTES_PER_ALLOCATION;
  const int available = share - limits.static_shared - limits.reserved_shared;
  *dynamicSmemSize = smaller((uint64_t)available, (uint64_t)limits.dynamic_shared_limit);
  return CUDA_SUCCESS;
}

CUresult cuOccupancyMaxActiveBlocksPerMultiprocessor(int* numBlocks, CUfunction func, int blockSize,
                                                     size_t dynamicSMemSize) {
  return cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(numBlocks, func, blockSize, dynamicSMemSize, 0);
}

CUresult cuOccupancyMaxPotentialBlockSizeWithFlags(int* minGridSize, int* blockSize, CUfunction func,
                                                   CUoccupancyB2DSize blockSizeToDynamicSMemSize,
                                                   size_t dynamicSMemSize, int blockSizeLimit,
                                                   unsigned int flags) {
  struct limits limits;
  if (minGridSize == NULL || blockSize == NULL || blockSizeLimit < 0 ||
      (flags & ~(unsigned int)OCCUPANCY_FLAGS) != 0) {
    return CUDA_ERROR_INVALID_VALUE;
  }
  const CUresult result = read_limits(func, &limits);
  if (result != CUDA_SUCCESS) return result;
  int largest = limits.threads_per_block;
  if (blockSizeLimit > 0 && blockSizeLimit < largest) largest = blockSizeLimit;
  int best_size = 0;
  int best_blocks = 0;
  // From the largest down, so that of equally good sizes the largest wins.
  for (int size = (int)round_up((uint64_t)largest, (uint64_t)limits.warp); size > 0; size -= limits.warp) {
    const int tried = size < largest ? size : largest;
    const size_t shared =
        blockSizeToDynamicSMemSize != NULL ? blockSizeToDynamicSMemSize(tried) : dynamicSMemSize;
    const int blocks = blocks_per_multiprocessor(&limits, tried, shared);
    if ((int64_t)blocks * tried > (int64_t)best_blocks * best_size) {
      best_blocks = blocks;
      best_size = tried;
    }
    if ((int64_t)best_blocks * best_size >= limits.threads) break;
  }
  *blockSize = best_size;
  *minGridSize = best_blocks * limits.multiprocessors;
  return CUDA_SUCCESS;
}

CUresult cuOccupancyMaxPotentialBlockSize(int* minGridSize, int* blockSize, CUfunction func,
                                          CUoccupancyB2DSize blockSizeToDynamicSMemSize,
                                          size_t dynamicSMemSize, int blockSizeLimit) {
  return cuOccupancyMaxPotentialBlockSizeWithFlags(minGridSize, blockSize, func, blockSizeToDynamicSMemSize,
                                                   dynamicSMemSize, blockSizeLimit, 0);
}
