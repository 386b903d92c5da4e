// Reads of memory that nothing wrote. A comment FINDS names the mode and what the checker must find on its
// line.
#include "planted.h"

__global__ void copy(const int* in, int* out) {
  out[threadIdx.x] = in[threadIdx.x];  // FINDS global: init/uninitialized-read
}

__global__ void copy_shared(int* out) {
  __shared__ int tile[64];
  if (threadIdx.x < 32) tile[threadIdx.x] = 1;
  __syncthreads();
  out[threadIdx.x] = tile[threadIdx.x];  // FINDS shared: init/uninitialized-read
}

__global__ void copy_local(int* out, int index) {
  int own[16];
  own[index & 15] = 1;
  out[threadIdx.x] = own[(index + 1) & 15];  // FINDS local: init/uninitialized-read
}

__global__ void count(int* counter) {
  atomicAdd(counter, 1);  // FINDS counter: init/uninitialized-read
}

__global__ void read_half(const long long* in, long long* out) {
  *out = *in;  // FINDS half: init/uninitialized-read
}

int main(int argument_count, char** arguments) {
  const Mode mode(argument_count, arguments);
  int* in = device_integers(64);
  int* out = device_integers(64);
  if (mode.is("global")) copy<<<1, 64>>>(in, out);
  if (mode.is("shared")) copy_shared<<<1, 64>>>(out);
  if (mode.is("local")) copy_local<<<1, 32>>>(out, 3);
  if (mode.is("counter")) count<<<1, 32>>>(in);
  if (mode.is("half")) {
    CHECK(cudaMemset(in, 0, sizeof(int)));
    read_half<<<1, 1>>>(reinterpret_cast<long long*>(in), reinterpret_cast<long long*>(out));
  }
  CHECK(cudaDeviceSynchronize());
  CHECK(cudaFree(in));
  CHECK(cudaFree(out));
  return passed("%s", mode.name());
}
