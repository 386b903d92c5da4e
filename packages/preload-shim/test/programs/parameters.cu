// Kernel parameters of every size and alignment, structures by value, and vector loads and stores.
#include <cstdint>
#include <cstring>
#include <vector>

#include "check.h"

struct Inner {
  char letter;
  short number;
};

struct Settings {
  char flag;
  double scale;
  Inner inner[3];
  float3 direction;
  unsigned char bits[5];
  long long offset;
};

__global__ void describe(std::int8_t a, std::uint16_t b, double c, bool d, const std::uint64_t* e, float f,
                         Settings s, std::int8_t last, double* out) {
  const int i = threadIdx.x;
  double sum = a + b + c + (d ? 1000 : 2000) + f + last + static_cast<double>(e[i]);
  sum += s.flag + s.scale + static_cast<double>(s.offset) + s.direction.x + s.direction.y + s.direction.z;
  sum += s.inner[i % 3].letter + s.inner[i % 3].number + s.bits[i % 5];  // indexed: a copy in local memory
  out[i] = sum;
}

/// 16-byte, 8-byte and 4-byte vectors: their loads and stores take several values at once.
__global__ void shuffle_vectors(const float4* a, const int2* b, const uchar4* c, float4* a_out, int2* b_out,
                                uchar4* c_out, int count) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= count) return;
  const float4 va = a[i];
  const int2 vb = b[i];
  const uchar4 vc = c[i];
  a_out[i] = make_float4(va.w, va.z, va.y, va.x);
  b_out[i] = make_int2(vb.y, vb.x);
  c_out[i] = make_uchar4(vc.y, vc.z, vc.w, vc.x);
}

static void test_parameters() {
  constexpr int kThreads = 45;
  std::vector<std::uint64_t> e(kThreads);
  for (int i = 0; i < kThreads; ++i) e[i] = i * 17;
  Settings settings{
      'q',      0.125, {{'x', -300}, {'y', 31000}, {'z', 9}}, {1.5f, -2.5f, 64.0f}, {1, 22, 133, 254, 5},
      1ll << 40};
  std::uint64_t* device_e = nullptr;
  double* device_out = nullptr;
  CHECK(cudaMalloc(&device_e, kThreads * sizeof(std::uint64_t)));
  CHECK(cudaMalloc(&device_out, kThreads * sizeof(double)));
  CHECK(cudaMemcpy(device_e, e.data(), kThreads * sizeof(std::uint64_t), cudaMemcpyHostToDevice));
  describe<<<1, kThreads>>>(-100, 65000, 0.0625, true, device_e, 8.5f, settings, -7, device_out);
  CHECK(cudaGetLastError());
  std::vector<double> out(kThreads);
  CHECK(cudaMemcpy(out.data(), device_out, kThreads * sizeof(double), cudaMemcpyDeviceToHost));
  CHECK(cudaFree(device_e));
  CHECK(cudaFree(device_out));
  for (int i = 0; i < kThreads; ++i) {
    // Every part is a multiple of 1/16 below 2^42: the sum is exact in any order.
    double expected = -100 + 65000 + 0.0625 + 1000 + 8.5 - 7 + static_cast<double>(e[i]);
    expected += 'q' + 0.125 + static_cast<double>(1ll << 40) + 1.5 - 2.5 + 64.0;
    expected += settings.inner[i % 3].letter + settings.inner[i % 3].number + settings.bits[i % 5];
    REQUIRE(out[i] == expected, "thread %d adds up %f, expected %f", i, out[i], expected);
  }
}

static void test_vectors() {
  constexpr int kCount = 515;
  std::vector<float4> a(kCount), a_out(kCount);
  std::vector<int2> b(kCount), b_out(kCount);
  std::vector<uchar4> c(kCount), c_out(kCount);
  for (int i = 0; i < kCount; ++i) {
    a[i] = make_float4(i + 0.25f, i + 0.5f, -i, 1.0f / (i + 1));
    b[i] = make_int2(i, ~i);
    c[i] = make_uchar4(i, i + 1, i + 2, i + 3);
  }
  float4 *device_a = nullptr, *device_a_out = nullptr;
  int2 *device_b = nullptr, *device_b_out = nullptr;
  uchar4 *device_c = nullptr, *device_c_out = nullptr;
  CHECK(cudaMalloc(&device_a, kCount * sizeof(float4)));
  CHECK(cudaMalloc(&device_a_out, kCount * sizeof(float4)));
  CHECK(cudaMalloc(&device_b, kCount * sizeof(int2)));
  CHECK(cudaMalloc(&device_b_out, kCount * sizeof(int2)));
  CHECK(cudaMalloc(&device_c, kCount * sizeof(uchar4)));
  CHECK(cudaMalloc(&device_c_out, kCount * sizeof(uchar4)));
  CHECK(cudaMemcpy(device_a, a.data(), kCount * sizeof(float4), cudaMemcpyHostToDevice));
  CHECK(cudaMemcpy(device_b, b.data(), kCount * sizeof(int2), cudaMemcpyHostToDevice));
  CHECK(cudaMemcpy(device_c, c.data(), kCount * sizeof(uchar4), cudaMemcpyHostToDevice));
  shuffle_vectors<<<(kCount + 63) / 64, 64>>>(device_a, device_b, device_c, device_a_out, device_b_out,
                                              device_c_out, kCount);
  CHECK(cudaGetLastError());
  CHECK(cudaMemcpy(a_out.data(), device_a_out, kCount * sizeof(float4), cudaMemcpyDeviceToHost));
  CHECK(cudaMemcpy(b_out.data(), device_b_out, kCount * sizeof(int2), cudaMemcpyDeviceToHost));
  CHECK(cudaMemcpy(c_out.data(), device_c_out, kCount * sizeof(uchar4), cudaMemcpyDeviceToHost));
  for (void* pointer :
       {static_cast<void*>(device_a), static_cast<void*>(device_a_out), static_cast<void*>(device_b),
        static_cast<void*>(device_b_out), static_cast<void*>(device_c), static_cast<void*>(device_c_out)}) {
    CHECK(cudaFree(pointer));
  }
  for (int i = 0; i < kCount; ++i) {
    const float4 va = make_float4(a[i].w, a[i].z, a[i].y, a[i].x);
    const int2 vb = make_int2(b[i].y, b[i].x);
    const uchar4 vc = make_uchar4(c[i].y, c[i].z, c[i].w, c[i].x);
    REQUIRE(std::memcmp(&a_out[i], &va, sizeof va) == 0, "float4 %d is wrong", i);
    REQUIRE(std::memcmp(&b_out[i], &vb, sizeof vb) == 0, "int2 %d is wrong", i);
    REQUIRE(std::memcmp(&c_out[i], &vc, sizeof vc) == 0, "uchar4 %d is wrong", i);
  }
}

int main() {
  test_parameters();
  test_vectors();
  return passed("kernel parameters and vector types");
}
