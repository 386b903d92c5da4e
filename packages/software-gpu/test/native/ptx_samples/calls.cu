// Calls of every kind: by name, through a pointer, virtual, recursive, with structures, to printf, assert and
// malloc.
#include <cassert>
#include <cstdio>

struct Shape {
  __device__ virtual float area() const = 0;
};
struct Square : Shape {
  float side;
  __device__ explicit Square(float x) : side(x) {}
  __device__ float area() const override { return side * side; }
};
struct Circle : Shape {
  float radius;
  __device__ explicit Circle(float x) : radius(x) {}
  __device__ float area() const override { return 3.0f * radius * radius; }
};
struct Big {
  double values[5];
  char tag;
};

using Operation = float (*)(float, float);
__device__ float plus(float a, float b) {
  return a + b;
}
__device__ float times(float a, float b) {
  return a * b;
}
__device__ Operation operations[2] = {plus, times};

__device__ __noinline__ Big make(Big big, int n) {
  big.values[n] += 1;
  big.tag = 'x';
  return big;
}
__device__ __noinline__ int fibonacci(int n) {
  return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
}

__global__ void __launch_bounds__(128, 2) calls(float* out, int n, Big big) {
  Shape* shapes[2] = {new Square(out[0]), new Circle(out[1])};
  out[2] = shapes[n & 1]->area();
  out[3] = operations[n & 1](out[0], out[1]);
  printf("fibonacci %d is %d \"quoted\" { brace\n", n, fibonacci(n));
  assert(n < 5);
  const Big result = make(big, n);
  out[4] = result.values[2] + result.tag;
  int scratch[16];
  for (int i = 0; i < 16; i++) scratch[i] = i * n;
  out[5] = scratch[n & 15];
}
