// Calls whose target only the running program knows: virtual functions, tables of functions, functions handed
// to others, mutual recursion, and returns from the depth of loops.
#include <vector>

#include "check.h"

struct Expression {
  __device__ virtual int value(int x) const = 0;
};
struct Constant final : Expression {
  __device__ explicit Constant(int number) : number(number) {}
  __device__ int value(int) const override { return number; }
  int number;
};
struct Variable final : Expression {
  __device__ int value(int x) const override { return x; }
};
struct Sum final : Expression {
  __device__ Sum(const Expression* left, const Expression* right) : left(left), right(right) {}
  __device__ int value(int x) const override { return left->value(x) + right->value(x); }
  const Expression *left, *right;
};
struct Product final : Expression {
  __device__ Product(const Expression* left, const Expression* right) : left(left), right(right) {}
  __device__ int value(int x) const override { return left->value(x) * right->value(x); }
  const Expression *left, *right;
};

/// Every lane makes and evaluates an expression of another shape.
__global__ void evaluate(int* results) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  const Constant number(i % 7);
  const Variable x;
  const Sum sum(&x, &number);
  const Product square(&sum, &sum);
  const Sum both(&square, &x);
  const Expression* const shapes[5] = {&number, &x, &sum, &square, &both};
  results[i] = shapes[i % 5]->value(i);
}

__host__ static int evaluated(int i) {
  const int number = i % 7, sum = i + number;
  const int results[5] = {number, i, sum, sum * sum, sum * sum + i};
  return results[i % 5];
}

typedef int (*Step)(int);
__host__ __device__ __noinline__ int halve(int n) {
  return n / 2;
}
__host__ __device__ __noinline__ int triple(int n) {
  return 3 * n + 1;
}
__host__ __device__ __noinline__ int until(Step even, Step odd, int n, int limit) {
  int steps = 0;
  for (; n != 1; ++steps) {
    if (steps == limit) return -1;
    n = (n % 2 == 0 ? even : odd)(n);
  }
  return steps;
}

__host__ __device__ __noinline__ bool is_odd(unsigned n);
__host__ __device__ __noinline__ bool is_even(unsigned n) {
  return n == 0 || is_odd(n - 1);
}
__host__ __device__ __noinline__ bool is_odd(unsigned n) {
  return n != 0 && is_even(n - 1);
}

__host__ __device__ __noinline__ int find(int wanted) {
  for (int i = 0; i < 10; ++i) {
    for (int k = 0; k < 10; ++k) {
      if (i * 10 + k == wanted) return i * 1000 + k;
      if (k > i && wanted % 2 == 0) break;
    }
  }
  return -1;
}

__global__ void call(int* results) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  int result = until(halve, triple, i + 1, 60);
  result = result * 2 + (is_even(i % 29) ? 1 : 0);
  results[i] = result * 10000 + find(i % 120);
}

static int called(int i) {
  const int result = until(halve, triple, i + 1, 60) * 2 + (is_even(i % 29) ? 1 : 0);
  return result * 10000 + find(i % 120);
}

/// To a depth that the default stack does not hold.
__device__ __noinline__ int descend(int depth) {
  volatile int kept[4] = {depth, depth + 1, depth + 2, depth + 3};
  return depth == 0 ? 0 : descend(depth - 1) + kept[depth % 4] - depth % 4 - depth + 1;
}

__global__ void descend_all(int depth, int* result) {
  result[threadIdx.x] = descend(depth + threadIdx.x % 3);
}

template <class Kernel, class Expected>
static void compare(Kernel kernel, Expected expected, const char* what) {
  constexpr int kThreads = 75, kCount = 4 * kThreads;  // the last warp of a block has 11 lanes
  int* device = nullptr;
  std::vector<int> results(kCount);
  CHECK(cudaMalloc(&device, kCount * sizeof(int)));
  kernel<<<kCount / kThreads, kThreads>>>(device);
  CHECK(cudaMemcpy(results.data(), device, kCount * sizeof(int), cudaMemcpyDeviceToHost));
  CHECK(cudaFree(device));
  for (int i = 0; i < kCount; ++i) {
    REQUIRE(results[i] == expected(i), "%s: thread %d has %d, expected %d", what, i, results[i], expected(i));
  }
}

int main() {
  constexpr int kDepth = 500;
  compare(evaluate, evaluated, "virtual functions");
  compare(call, called, "function pointers");
  size_t stack = 0;
  int *device = nullptr, results[40];
  CHECK(cudaDeviceGetLimit(&stack, cudaLimitStackSize));
  REQUIRE(stack == 1024, "the stack has %zu bytes", stack);
  CHECK(cudaDeviceSetLimit(cudaLimitStackSize, 64 * 1024));
  CHECK(cudaMalloc(&device, sizeof results));
  descend_all<<<1, 40>>>(kDepth, device);
  CHECK(cudaMemcpy(results, device, sizeof results, cudaMemcpyDeviceToHost));
  for (int i = 0; i < 40; ++i) {
    REQUIRE(results[i] == kDepth + i % 3, "thread %d came back with %d", i, results[i]);
  }
  return passed("virtual functions, function pointers, recursion %d deep", kDepth);
}
