// The kernels of the C programs, which load the PTX made from this file (driver_kernels.ptx):
//   nvcc -ptx -arch=compute_75 driver_kernels.cu

struct Corner {
  signed char column;
  double weight;
};

__constant__ float offsets[4] = {0.5f, 1.5f, 2.5f, 3.5f};
__device__ unsigned launches = 7;

extern "C" __global__ void saxpy(int count, float a, const float* x, float* y) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i == 0) atomicAdd(&launches, 1u);
  if (i < count) y[i] = fmaf(a, x[i], y[i]) + offsets[i % 4];
}

/// Counts the bits of each byte value, first in shared memory.
extern "C" __global__ void histogram(const unsigned char* bytes, int count, unsigned* bins) {
  __shared__ unsigned local[9];
  if (threadIdx.x < 9) local[threadIdx.x] = 0;
  __syncthreads();
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < count; i += gridDim.x * blockDim.x) {
    atomicAdd(&local[__popc(bytes[i])], 1u);
  }
  __syncthreads();
  if (threadIdx.x < 9) atomicAdd(&bins[threadIdx.x], local[threadIdx.x]);
}

/// Parameters of 1, 8, 2, 16 and 4 bytes: their places in the buffer follow from their alignment.
extern "C" __global__ void mixed_parameters(signed char a, double b, unsigned short c, Corner d, int e,
                                            double* sums) {
  extern __shared__ double scratch[];
  scratch[threadIdx.x] = a + b + c + d.column * d.weight + e;
  __syncthreads();
  sums[threadIdx.x] = scratch[blockDim.x - 1 - threadIdx.x] + threadIdx.x;
}

/// Steps of the Collatz sequence down to 1: the lanes of a warp leave the loop at different times.
extern "C" __global__ void collatz(unsigned first, int count, unsigned* steps) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= count) return;
  unsigned long long value = first + i;
  unsigned taken = 0;
  for (; value != 1; ++taken) value = value % 2 == 0 ? value / 2 : 3 * value + 1;
  steps[i] = taken;
}

/// One f64 sum a warp, by shuffles, and a ballot of the negative values.
extern "C" __global__ void reduce_warps(const double* values, double* sums, unsigned* negative) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  double sum = values[i];
  const unsigned ballot = __ballot_sync(0xffffffffu, sum < 0);
  for (int distance = 16; distance > 0; distance /= 2) sum += __shfl_down_sync(0xffffffffu, sum, distance);
  if (threadIdx.x % 32 == 0) {
    sums[i / 32] = sum;
    negative[i / 32] = ballot;
  }
}

extern "C" __global__ void store_at(int* values, long long index) {
  values[index] = 1;
}

extern "C" __global__ void store_misaligned(char* bytes) {
  *reinterpret_cast<short*>(bytes + 1) = 1;
}

extern "C" __global__ void trap(void) {
  __trap();
}

extern "C" __global__ void wait_forever(const volatile int* flag) {
  while (*flag == 0) {
  }
}
