// The smallest useful kernel; also compiled with -G and -lineinfo, for the debug sections and .loc
// directives.
__device__ __forceinline__ float scaled(float value, float factor) {
  return value * factor;
}

__global__ void scale(float* values, float factor, int count) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < count) values[i] = scaled(values[i], factor);
}
