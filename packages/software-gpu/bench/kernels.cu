// What software_gpu_bench measures, as one would write it for a GPU. kernels.ptx is made of it:
//   pnpm --filter @vgpu/software-gpu bench:ptx
// reference.cpp has the same computations in C++.

extern "C" {

/// No program, but nothing except arithmetic: 16 operations on integers and floats in each round.
__global__ void arithmetic(unsigned* integers, float* floats, unsigned rounds, float factor,
                           unsigned multiplier) {
  const unsigned index = blockIdx.x * blockDim.x + threadIdx.x;
  unsigned r = index;
  float f = static_cast<float>(index);
  float g = 0.5F;
#pragma unroll 1
  for (unsigned round = 0; round < rounds; ++round) {
    f = f * factor + 1.5F;
    g = g * factor;
    g = g + f;
    f = g * -0.25F + f;
    g = g - 0.25F;
    f = f + 0.0625F;
    g = g * 0.75F;
    f = f * factor + g;
    r = r ^ (r << 5);
    r = r * multiplier;
    r = r + (r >> 7);
    r = r * 5 + index;
    r = r & 0x7fffffff;
  }
  integers[index] = r;
  floats[index] = f + g;
}

__global__ void saxpy(int count, float factor, const float* x, float* y) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < count) y[i] = factor * x[i] + y[i];
}

/// `sum` is 0 before.
__global__ void reduction(int count, const float* values, float* sum) {
  __shared__ float warp_sums[32];
  float own = 0;
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < count; i += gridDim.x * blockDim.x)
    own += values[i];
  for (int offset = 16; offset > 0; offset /= 2) own += __shfl_down_sync(0xffffffff, own, offset);
  if (threadIdx.x % 32 == 0) warp_sums[threadIdx.x / 32] = own;
  __syncthreads();
  if (threadIdx.x == 0) {
    for (int warp = 1; warp < blockDim.x / 32; ++warp) own += warp_sums[warp];
    atomicAdd(sum, own);
  }
}

/// c = a·b, square matrices by rows; `size` is a multiple of 16.
__global__ void matrix_product(int size, const float* a, const float* b, float* c) {
  constexpr int kTile = 16;
  __shared__ float a_tile[kTile][kTile];
  __shared__ float b_tile[kTile][kTile];
  const int row = blockIdx.y * kTile + threadIdx.y;
  const int column = blockIdx.x * kTile + threadIdx.x;
  float sum = 0;
  for (int tile = 0; tile < size; tile += kTile) {
    a_tile[threadIdx.y][threadIdx.x] = a[row * size + tile + threadIdx.x];
    b_tile[threadIdx.y][threadIdx.x] = b[(tile + threadIdx.y) * size + column];
    __syncthreads();
    for (int k = 0; k < kTile; ++k) sum += a_tile[threadIdx.y][k] * b_tile[k][threadIdx.x];
    __syncthreads();
  }
  c[row * size + column] = sum;
}

/// One step of a heat equation on a square; its border stays.
__global__ void stencil(int size, float rate, const float* before, float* after) {
  const int x = blockIdx.x * blockDim.x + threadIdx.x;
  const int y = blockIdx.y * blockDim.y + threadIdx.y;
  if (x == 0 || y == 0 || x >= size - 1 || y >= size - 1) return;
  const int i = y * size + x;
  const float middle = before[i];
  after[i] =
      middle + rate * (before[i - 1] + before[i + 1] + before[i - size] + before[i + size] - 4 * middle);
}

/// Acceleration of each body by all; positions have the mass as fourth element. `count` is a multiple of the
/// block's size, 256.
__global__ void bodies(int count, float softening, const float4* positions, float4* accelerations) {
  __shared__ float4 tile[256];
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  const float4 own = positions[i];
  float ax = 0, ay = 0, az = 0;
  for (int first = 0; first < count; first += blockDim.x) {
    tile[threadIdx.x] = positions[first + threadIdx.x];
    __syncthreads();
    for (int j = 0; j < 256; ++j) {
      const float4 other = tile[j];
      const float x = other.x - own.x, y = other.y - own.y, z = other.z - own.z;
      const float inverse = rsqrtf(x * x + y * y + z * z + softening);
      const float strength = other.w * inverse * inverse * inverse;
      ax += x * strength;
      ay += y * strength;
      az += z * strength;
    }
    __syncthreads();
  }
  accelerations[i] = make_float4(ax, ay, az, 0);
}

/// How often each value of the lowest byte occurs; `bins` are 0 before.
__global__ void histogram(int count, const unsigned* values, unsigned* bins) {
  __shared__ unsigned own[256];
  for (int bin = threadIdx.x; bin < 256; bin += blockDim.x) own[bin] = 0;
  __syncthreads();
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < count; i += gridDim.x * blockDim.x) {
    atomicAdd(&own[values[i] & 255], 1U);
  }
  __syncthreads();
  for (int bin = threadIdx.x; bin < 256; bin += blockDim.x) atomicAdd(&bins[bin], own[bin]);
}

/// The normal distribution's integral (Abramowitz and Stegun, 26.2.17).
__device__ float normal(float x) {
  const float t = 1 / (1 + 0.2316419F * fabsf(x));
  const float polynomial =
      t * (0.31938153F + t * (-0.356563782F + t * (1.781477937F + t * (-1.821255978F + t * 1.330274429F))));
  const float tail = 0.39894228F * expf(-0.5F * x * x) * polynomial;
  return x > 0 ? 1 - tail : tail;
}

/// Prices of European options.
__global__ void black_scholes(int count, float rate, float volatility, const float* prices,
                              const float* strikes, const float* years, float* calls, float* puts) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= count) return;
  const float root = sqrtf(years[i]);
  const float d1 = (logf(prices[i] / strikes[i]) + (rate + 0.5F * volatility * volatility) * years[i]) /
                   (volatility * root);
  const float d2 = d1 - volatility * root;
  const float discounted = strikes[i] * expf(-rate * years[i]);
  calls[i] = prices[i] * normal(d1) - discounted * normal(d2);
  puts[i] = discounted * normal(-d2) - prices[i] * normal(-d1);
}

/// Rounds until z² + c leaves the circle of radius 2, for a square of size² points around (-0.5, 0).
__global__ void mandelbrot(int size, int limit, int* rounds) {
  const int column = blockIdx.x * blockDim.x + threadIdx.x;
  const int row = blockIdx.y * blockDim.y + threadIdx.y;
  const float scale = 3.0F / size;
  const float cx = column * scale - 2, cy = row * scale - 1.5F;
  float x = 0, y = 0;
  int round = 0;
  while (round < limit && x * x + y * y < 4) {
    const float next = x * x - y * y + cx;
    y = 2 * x * y + cy;
    x = next;
    ++round;
  }
  rounds[row * size + column] = round;
}

}  // extern "C"
