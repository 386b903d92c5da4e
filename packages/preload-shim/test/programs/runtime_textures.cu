// Texture objects of the runtime API over linear and pitched memory.
#include <cstring>
#include <vector>

#include "check.h"

constexpr int kWidth = 19;
constexpr int kHeight = 11;

__global__ void fetch(cudaTextureObject_t texture, float4* out) {
  out[threadIdx.x] = tex1Dfetch<float4>(texture, threadIdx.x);
}

/// The mean of four pixels that meet at a corner.
__global__ void corners(cudaTextureObject_t texture, float* out) {
  out[blockIdx.x * kWidth + threadIdx.x] = tex2D<float>(texture, threadIdx.x + 1, blockIdx.x + 1);
}

static void test_linear() {
  float4 values[32], got[32];
  for (int i = 0; i < 32; ++i) values[i] = make_float4(i, -i, 0.5f * i, 1.0f / (i + 1));
  float4 *memory, *out;
  CHECK(cudaMalloc(&memory, sizeof values));
  CHECK(cudaMalloc(&out, sizeof got));
  CHECK(cudaMemcpy(memory, values, sizeof values, cudaMemcpyHostToDevice));
  cudaResourceDesc resource{};
  resource.resType = cudaResourceTypeLinear;
  resource.res.linear.devPtr = memory;
  resource.res.linear.desc = cudaCreateChannelDesc<float4>();
  resource.res.linear.sizeInBytes = sizeof values;
  cudaTextureDesc reading{};
  cudaTextureObject_t texture = 0;
  CHECK(cudaCreateTextureObject(&texture, &resource, &reading, nullptr));
  fetch<<<1, 32>>>(texture, out);
  CHECK(cudaMemcpy(got, out, sizeof got, cudaMemcpyDeviceToHost));
  REQUIRE(memcmp(got, values, sizeof got) == 0, "the texels are not what was written");

  cudaResourceDesc asked;
  memset(&asked, 0xff, sizeof asked);
  CHECK(cudaGetTextureObjectResourceDesc(&asked, texture));
  REQUIRE(asked.resType == cudaResourceTypeLinear && asked.res.linear.devPtr == memory &&
              asked.res.linear.sizeInBytes == sizeof values && asked.res.linear.desc.w == 32 &&
              asked.res.linear.desc.f == cudaChannelFormatKindFloat && asked.flags == 0,
          "the resource is another");
  CHECK(cudaDestroyTextureObject(texture));
  EXPECT_STATUS(cudaDestroyTextureObject(texture), cudaErrorInvalidValue);
  CHECK(cudaFree(memory));
  CHECK(cudaFree(out));
}

static void test_pitched() {
  std::vector<unsigned char> pixels(kWidth * kHeight);
  std::vector<float> got(pixels.size());
  for (size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<unsigned char>(i * i);
  unsigned char* memory;
  size_t pitch;
  float* out;
  CHECK(cudaMallocPitch(&memory, &pitch, kWidth, kHeight));
  CHECK(cudaMalloc(&out, got.size() * sizeof(float)));
  CHECK(cudaMemcpy2D(memory, pitch, pixels.data(), kWidth, kWidth, kHeight, cudaMemcpyHostToDevice));
  cudaResourceDesc resource{};
  resource.resType = cudaResourceTypePitch2D;
  resource.res.pitch2D.devPtr = memory;
  resource.res.pitch2D.desc = cudaCreateChannelDesc<unsigned char>();
  resource.res.pitch2D.width = kWidth;
  resource.res.pitch2D.height = kHeight;
  resource.res.pitch2D.pitchInBytes = pitch;
  cudaTextureDesc reading{};
  reading.addressMode[0] = cudaAddressModeClamp;
  reading.addressMode[1] = cudaAddressModeBorder;
  reading.filterMode = cudaFilterModeLinear;
  reading.readMode = cudaReadModeNormalizedFloat;
  reading.borderColor[0] = 0.5f;
  cudaTextureObject_t texture = 0;
  CHECK(cudaCreateTextureObject(&texture, &resource, &reading, nullptr));
  corners<<<kHeight, kWidth>>>(texture, out);
  CHECK(cudaMemcpy(got.data(), out, got.size() * sizeof(float), cudaMemcpyDeviceToHost));
  const auto pixel = [&](int x, int y) {
    if (y >= kHeight) return 0.5;
    return pixels[static_cast<size_t>(y * kWidth + (x < kWidth ? x : kWidth - 1))] / 255.0;
  };
  for (int y = 0; y < kHeight; ++y) {
    for (int x = 0; x < kWidth; ++x) {
      const double expected = (pixel(x, y) + pixel(x + 1, y) + pixel(x, y + 1) + pixel(x + 1, y + 1)) / 4;
      const double difference = got[static_cast<size_t>(y * kWidth + x)] - expected;
      REQUIRE(difference < 1e-5 && difference > -1e-5, "corner %d, %d: %g away", x, y, difference);
    }
  }

  cudaTextureDesc asked;
  memset(&asked, 0xff, sizeof asked);
  CHECK(cudaGetTextureObjectTextureDesc(&asked, texture));
  REQUIRE(asked.addressMode[1] == cudaAddressModeBorder && asked.filterMode == cudaFilterModeLinear &&
              asked.readMode == cudaReadModeNormalizedFloat && asked.borderColor[0] == 0.5f &&
              asked.normalizedCoords == 0 && asked.sRGB == 0,
          "the texture's description is another");
  CHECK(cudaDestroyTextureObject(texture));

  // Bytes as they are have no filter; formats that are none; addresses that are nobody's.
  reading.readMode = cudaReadModeElementType;
  EXPECT_STATUS(cudaCreateTextureObject(&texture, &resource, &reading, nullptr),
                cudaErrorInvalidFilterSetting);
  reading.filterMode = cudaFilterModePoint;
  reading.borderColor[0] = 0;
  resource.res.pitch2D.desc = cudaCreateChannelDesc(8, 0, 8, 0, cudaChannelFormatKindUnsigned);
  EXPECT_STATUS(cudaCreateTextureObject(&texture, &resource, &reading, nullptr),
                cudaErrorInvalidChannelDescriptor);
  resource.res.pitch2D.desc = cudaCreateChannelDesc(8, 0, 0, 0, cudaChannelFormatKindFloat);
  EXPECT_STATUS(cudaCreateTextureObject(&texture, &resource, &reading, nullptr),
                cudaErrorInvalidChannelDescriptor);
  resource.res.pitch2D.desc = cudaCreateChannelDesc<unsigned char>();
  EXPECT_STATUS(cudaCreateTextureObject(nullptr, &resource, &reading, nullptr), cudaErrorInvalidValue);
  EXPECT_STATUS(cudaCreateTextureObject(&texture, nullptr, &reading, nullptr), cudaErrorInvalidValue);
  CHECK(cudaFree(memory));
  EXPECT_STATUS(cudaCreateTextureObject(&texture, &resource, &reading, nullptr), cudaErrorInvalidValue);
  CHECK(cudaFree(out));
  static_cast<void>(cudaGetLastError());
}

int main() {
  test_linear();
  test_pitched();
  return passed("texture objects of the runtime API");
}
