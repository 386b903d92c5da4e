// Stray accesses, one per mode. A comment FINDS names the mode and what the checker must find on its line.
#include "planted.h"

__global__ void store_past_end(int* out, int count) {
  const int i = threadIdx.x;
  if (i <= count) out[i] = i;  // FINDS past-end: memory/out-of-bounds
}

__global__ void load_before(const int* in, int* out) {
  out[0] = in[-1];  // FINDS before: memory/out-of-bounds
}

__global__ void load_far(const int* in, int* out, long distance) {
  out[0] = in[distance];  // FINDS far: memory/out-of-bounds
}

__device__ float read_element(const float* values, int i) {
  return values[i];  // FINDS inlined: memory/out-of-bounds
}

__global__ void sum_neighbours(const float* in, float* out, int count) {
  const int i = threadIdx.x;
  if (i < count) out[i] = in[i] + read_element(in, i + 1);
}

__global__ void use_freed(int* gone) {
  gone[threadIdx.x] = 1;  // FINDS freed: memory/use-after-free
}

__global__ void add_past_end(int* out) {
  atomicAdd(&out[64], 1);  // FINDS atomic: memory/out-of-bounds
}

__global__ void store_misaligned(char* bytes) {
  *reinterpret_cast<int*>(bytes + 1) = 7;  // FINDS misaligned: memory/misaligned
}

__global__ void shared_past_end(int* out, int index) {
  __shared__ int tile[32];
  tile[threadIdx.x] = 1;
  __syncthreads();
  if (threadIdx.x == 0) out[0] = tile[index];  // FINDS shared: memory/out-of-bounds
}

extern __shared__ int dynamic_tile[];

__global__ void dynamic_past_end(int* out) {
  dynamic_tile[threadIdx.x] = threadIdx.x;  // FINDS dynamic: memory/out-of-bounds
  __syncthreads();
  if (threadIdx.x == 0) out[0] = dynamic_tile[0];
}

__global__ void null_store(int* nothing) {
  *nothing = 1;  // FINDS null: memory/out-of-bounds
}

__global__ void wide_store(float4* out) {
  out[1] = make_float4(1, 2, 3, 4);  // FINDS wide: memory/out-of-bounds
}

__global__ void managed_past_end(int* values) {
  values[100] = 1;  // FINDS managed: memory/out-of-bounds
}

int main(int count, char** arguments) {
  const Mode mode(count, arguments);
  int* out = nullptr;
  CHECK(cudaMalloc(&out, 64 * sizeof(int)));
  CHECK(cudaMemset(out, 0, 64 * sizeof(int)));
  if (mode.is("past-end")) store_past_end<<<1, 128>>>(out, 64);
  if (mode.is("before")) load_before<<<1, 1>>>(out, out);
  if (mode.is("far")) load_far<<<1, 1>>>(out, out, 5000);
  if (mode.is("inlined")) {
    float* in = nullptr;
    CHECK(cudaMalloc(&in, 64 * sizeof(float)));
    CHECK(cudaMemset(in, 0, 64 * sizeof(float)));
    sum_neighbours<<<1, 64>>>(in, reinterpret_cast<float*>(out), 64);
  }
  if (mode.is("freed")) {
    int* gone = nullptr;
    CHECK(cudaMalloc(&gone, 4096));
    CHECK(cudaFree(gone));
    use_freed<<<1, 32>>>(gone);
  }
  if (mode.is("atomic")) add_past_end<<<1, 1>>>(out);
  if (mode.is("misaligned")) store_misaligned<<<1, 1>>>(reinterpret_cast<char*>(out));
  if (mode.is("shared")) shared_past_end<<<1, 32>>>(out, 40);
  if (mode.is("dynamic")) dynamic_past_end<<<1, 64, 128>>>(out);
  if (mode.is("null")) null_store<<<1, 1>>>(nullptr);
  if (mode.is("wide")) {
    float4* narrow = nullptr;
    CHECK(cudaMalloc(&narrow, 24));
    wide_store<<<1, 1>>>(narrow);
  }
  if (mode.is("managed")) {
    int* values = nullptr;
    CHECK(cudaMallocManaged(&values, 100 * sizeof(int)));
    managed_past_end<<<1, 1>>>(values);
  }
  const cudaError_t status = cudaDeviceSynchronize();
  const cudaError_t expected = mode.is("misaligned") ? cudaErrorMisalignedAddress : cudaErrorIllegalAddress;
  EXPECT_STATUS(status, expected);
  return passed("%s", mode.name());
}
