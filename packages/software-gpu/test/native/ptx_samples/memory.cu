// Every state space and initialiser: global, constant, managed and shared variables, tables of addresses,
// atomics.
struct Limits {
  char tag;
  const int* first;
  double ratio;
};

__device__ int counter = 5;
__device__ unsigned long long wide[4] = {1, 2, 3};
__device__ const char* words[2] = {"one", "{ brace"};
__device__ int* pointer_to_counter = &counter;
__device__ int numbers[4];
__device__ Limits limits = {'x', &numbers[2], 0.25};
__device__ short table[2][3] = {{1}, {-2, 3}};
__constant__ float weights[4] = {1.5f, -2.0f, 0.0f};
__managed__ int shared_with_host = 7;
extern __shared__ float dynamic[];

__global__ void memory(int* ints, float* floats, double* doubles, unsigned long long* longs) {
  __shared__ int sum;
  __shared__ __align__(16) double rows[32][4];
  if (threadIdx.x == 0) sum = 0;
  __syncthreads();
  atomicAdd(&sum, ints[threadIdx.x]);
  atomicAdd(floats, weights[threadIdx.x & 3]);
  atomicAdd(doubles, limits.ratio);
  atomicCAS(longs, 1ULL, wide[threadIdx.z]);
  atomicMin_system(ints, table[threadIdx.y & 1][threadIdx.x % 3]);
  rows[threadIdx.x & 31][1] = *doubles;
  dynamic[threadIdx.x] = rows[3][threadIdx.x & 3];
  __threadfence();
  __syncthreads();
  if (threadIdx.x == 0) *pointer_to_counter = words[threadIdx.y][0] + *limits.first + shared_with_host + sum;
  const float4 quad = reinterpret_cast<float4*>(floats)[threadIdx.x];
  floats[2] = dynamic[2] + quad.x + quad.w;
  ints[1] = __syncthreads_count(ints[0]);
}
