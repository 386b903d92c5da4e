// CUDA arrays of one, two and three dimensions: copies of every kind, and textures over them.
#include <cstring>
#include <vector>

#include "check.h"

// Copies of bytes from row to row are deprecated, and in use.
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
#pragma nv_diag_suppress 1444, 1215

__global__ void sample(cudaTextureObject_t texture, int width, float2* out) {
  const int x = threadIdx.x, y = blockIdx.x;
  out[y * width + x] = tex2D<float2>(texture, x + 0.5f, y + 0.5f);
}

__global__ void sample_box(cudaTextureObject_t texture, int side, unsigned short* out) {
  const int x = threadIdx.x, y = blockIdx.x, z = blockIdx.y;
  out[(z * side + y) * side + x] = tex3D<unsigned short>(texture, x, y, z);
}

__global__ void sample_line(cudaTextureObject_t texture, float* out) {
  out[threadIdx.x] = tex1D<float>(texture, threadIdx.x / 16.0f);
}

static cudaTextureObject_t texture_over(cudaArray_t array, cudaTextureDesc reading) {
  cudaResourceDesc resource{};
  resource.resType = cudaResourceTypeArray;
  resource.res.array.array = array;
  cudaTextureObject_t texture = 0;
  CHECK(cudaCreateTextureObject(&texture, &resource, &reading, nullptr));
  return texture;
}

static void test_plane() {
  constexpr int kWidth = 30, kHeight = 17;
  std::vector<float2> points(kWidth * kHeight), got(points.size());
  for (size_t i = 0; i < points.size(); ++i) points[i] = make_float2(i, 0.25f * i);
  const cudaChannelFormatDesc format = cudaCreateChannelDesc<float2>();
  cudaArray_t array, other;
  CHECK(cudaMallocArray(&array, &format, kWidth, kHeight));
  CHECK(cudaMallocArray(&other, &format, kWidth, kHeight));
  const size_t row = kWidth * sizeof(float2);
  CHECK(cudaMemcpy2DToArray(array, 0, 0, points.data(), row, row, kHeight, cudaMemcpyHostToDevice));

  cudaExtent extent{};
  cudaChannelFormatDesc asked{};
  unsigned int flags = 7;
  CHECK(cudaArrayGetInfo(&asked, &extent, &flags, array));
  REQUIRE(extent.width == kWidth && extent.height == kHeight && extent.depth == 0 && flags == 0 &&
              asked.y == 32 && asked.z == 0 && asked.f == cudaChannelFormatKindFloat,
          "the array is another");

  float2* out;
  CHECK(cudaMalloc(&out, got.size() * sizeof(float2)));
  cudaTextureDesc reading{};
  reading.addressMode[0] = reading.addressMode[1] = cudaAddressModeClamp;
  reading.filterMode = cudaFilterModeLinear;
  const cudaTextureObject_t texture = texture_over(array, reading);
  sample<<<kHeight, kWidth>>>(texture, kWidth, out);
  CHECK(cudaMemcpy(got.data(), out, got.size() * sizeof(float2), cudaMemcpyDeviceToHost));
  REQUIRE(memcmp(got.data(), points.data(), got.size() * sizeof(float2)) == 0, "the texture reads otherwise");
  cudaResourceDesc resource{};
  CHECK(cudaGetTextureObjectResourceDesc(&resource, texture));
  REQUIRE(resource.resType == cudaResourceTypeArray && resource.res.array.array == array,
          "the texture is over another array");
  CHECK(cudaDestroyTextureObject(texture));

  // A rectangle to another array, from there to the device, and bytes that go on in the next row.
  CHECK(cudaMemcpy2DArrayToArray(other, 8, 1, array, 16, 2, row - 16, kHeight - 2, cudaMemcpyDeviceToDevice));
  CHECK(cudaMemset(out, 0, got.size() * sizeof(float2)));
  CHECK(cudaMemcpy2DFromArray(out, row, other, 8, 1, row - 16, kHeight - 2, cudaMemcpyDeviceToDevice));
  CHECK(cudaMemcpy(got.data(), out, got.size() * sizeof(float2), cudaMemcpyDeviceToHost));
  for (int y = 0; y < kHeight - 2; ++y) {
    REQUIRE(memcmp(&got[y * kWidth], &points[(y + 2) * kWidth + 2], row - 16) == 0, "row %d", y);
  }
  std::vector<float2> back(3 * kWidth);
  CHECK(cudaMemcpy2DFromArray(back.data(), row, array, 0, 14, row, 3, cudaMemcpyDeviceToHost));
  REQUIRE(memcmp(back.data(), &points[14 * kWidth], 3 * row) == 0, "the last rows are others");

  // The end of one row, a whole one, and the beginning of the next.
  std::vector<float2> run(2 * kWidth), returned(run.size());
  for (size_t i = 0; i < run.size(); ++i) run[i] = make_float2(-1.0f * i, 7);
  CHECK(cudaMemcpyToArray(array, 24, 5, run.data(), 2 * row - 16, cudaMemcpyHostToDevice));
  CHECK(cudaMemcpyFromArray(returned.data(), array, 24, 5, 2 * row - 16, cudaMemcpyDeviceToHost));
  REQUIRE(memcmp(run.data(), returned.data(), 2 * row - 16) == 0, "the bytes came back otherwise");
  CHECK(cudaMemcpy2DFromArray(back.data(), row, array, 0, 5, row, 3, cudaMemcpyDeviceToHost));
  REQUIRE(memcmp(back.data(), &points[5 * kWidth], 24) == 0 &&
              memcmp(&back[3], run.data(), 2 * row - 16) == 0 &&
              memcmp(&back[2 * kWidth + 1], &points[7 * kWidth + 1], row - 8) == 0,
          "the bytes lie elsewhere");
  EXPECT_STATUS(cudaMemcpyToArray(array, 0, kHeight - 1, run.data(), row + 8, cudaMemcpyHostToDevice),
                cudaErrorInvalidValue);

  // Nothing is written where a part does not lie in the array.
  EXPECT_STATUS(cudaMemcpy2DToArray(array, 0, 1, points.data(), row, row, kHeight, cudaMemcpyHostToDevice),
                cudaErrorInvalidValue);
  EXPECT_STATUS(cudaMemcpy2DToArray(array, 8, 0, points.data(), row, row, 1, cudaMemcpyHostToDevice),
                cudaErrorInvalidValue);
  EXPECT_STATUS(cudaMemcpy2DToArray(array, 4, 0, points.data(), row, 8, 1, cudaMemcpyHostToDevice),
                cudaErrorInvalidValue);
  EXPECT_STATUS(cudaMemcpy2DFromArray(back.data(), row, array, ~size_t{7}, 0, 16, 1, cudaMemcpyDeviceToHost),
                cudaErrorInvalidValue);
  CHECK(cudaFreeArray(array));
  CHECK(cudaFreeArray(other));
  CHECK(cudaFree(out));
}

static void test_box() {
  constexpr int kSide = 13;
  constexpr size_t kCount = kSide * kSide * kSide;
  std::vector<unsigned short> numbers(kCount), got(kCount);
  for (size_t i = 0; i < kCount; ++i) numbers[i] = static_cast<unsigned short>(i * 7);
  const cudaChannelFormatDesc format = cudaCreateChannelDesc<unsigned short>();
  cudaArray_t array;
  CHECK(cudaMalloc3DArray(&array, &format, make_cudaExtent(kSide, kSide, kSide)));
  cudaMemcpy3DParms copy{};
  copy.srcPtr = make_cudaPitchedPtr(numbers.data(), kSide * 2, kSide, kSide);
  copy.dstArray = array;
  copy.extent = make_cudaExtent(kSide, kSide, kSide);
  copy.kind = cudaMemcpyHostToDevice;
  CHECK(cudaMemcpy3D(&copy));

  unsigned short* out;
  CHECK(cudaMalloc(&out, kCount * 2));
  const cudaTextureObject_t texture = texture_over(array, {});
  sample_box<<<dim3(kSide, kSide), kSide>>>(texture, kSide, out);
  CHECK(cudaMemcpy(got.data(), out, kCount * 2, cudaMemcpyDeviceToHost));
  REQUIRE(got == numbers, "the texture reads otherwise");
  CHECK(cudaDestroyTextureObject(texture));

  // Two slices of a corner, back to the host: positions in the array count elements.
  std::vector<unsigned short> corner(2 * 3 * 4);
  copy = {};
  copy.srcArray = array;
  copy.srcPos = make_cudaPos(9, 10, 11);
  copy.dstPtr = make_cudaPitchedPtr(corner.data(), 4 * 2, 4, 3);
  copy.extent = make_cudaExtent(4, 3, 2);
  copy.kind = cudaMemcpyDeviceToHost;
  CHECK(cudaMemcpy3D(&copy));
  for (int z = 0; z < 2; ++z) {
    for (int y = 0; y < 3; ++y) {
      for (int x = 0; x < 4; ++x) {
        const unsigned short expected = numbers[((z + 11) * kSide + y + 10) * kSide + x + 9];
        REQUIRE(corner[(z * 3 + y) * 4 + x] == expected, "element %d, %d, %d", x, y, z);
      }
    }
  }
  copy.srcPos.z = 12;
  EXPECT_STATUS(cudaMemcpy3D(&copy), cudaErrorInvalidValue);
  CHECK(cudaFreeArray(array));
  EXPECT_STATUS(cudaFreeArray(array), cudaErrorInvalidResourceHandle);
  CHECK(cudaFree(out));
}

static void test_line() {
  float heights[16], got[32];
  for (int i = 0; i < 16; ++i) heights[i] = 3.0f * i;
  const cudaChannelFormatDesc format = cudaCreateChannelDesc<float>();
  cudaArray_t array;
  CHECK(cudaMallocArray(&array, &format, 16));
  CHECK(cudaMemcpy2DToArray(array, 0, 0, heights, sizeof heights, sizeof heights, 1, cudaMemcpyHostToDevice));
  cudaTextureDesc reading{};
  reading.addressMode[0] = cudaAddressModeWrap;
  reading.normalizedCoords = 1;
  const cudaTextureObject_t texture = texture_over(array, reading);
  float* out;
  CHECK(cudaMalloc(&out, sizeof got));
  sample_line<<<1, 32>>>(texture, out);
  CHECK(cudaMemcpy(got, out, sizeof got, cudaMemcpyDeviceToHost));
  for (int i = 0; i < 32; ++i) REQUIRE(got[i] == heights[i % 16], "place %d is %f", i, got[i]);
  CHECK(cudaDestroyTextureObject(texture));
  CHECK(cudaFreeArray(array));
  CHECK(cudaFree(out));
}

static void test_mistakes() {
  cudaArray_t array = nullptr;
  cudaChannelFormatDesc format = cudaCreateChannelDesc<float>();
  EXPECT_STATUS(cudaMallocArray(&array, &format, 0, 4), cudaErrorInvalidValue);
  EXPECT_STATUS(cudaMallocArray(&array, &format, ~size_t{0}, ~size_t{0}), cudaErrorInvalidValue);
  EXPECT_STATUS(cudaMallocArray(nullptr, &format, 4, 4), cudaErrorInvalidValue);
  format.z = 32;
  EXPECT_STATUS(cudaMallocArray(&array, &format, 4, 4), cudaErrorInvalidChannelDescriptor);
  CHECK(cudaFreeArray(nullptr));
  static_cast<void>(cudaGetLastError());
}

int main() {
  test_plane();
  test_box();
  test_line();
  test_mistakes();
  return passed("arrays of one, two and three dimensions");
}
