// Texture objects of the driver API over linear and pitched memory, read by kernels that nvcc compiled.
#include <cstring>
#include <vector>

#include "driver_entry.h"

DRIVER(cuTexObjectCreate);
DRIVER(cuTexObjectDestroy);
DRIVER(cuTexObjectGetResourceDesc);
DRIVER(cuTexObjectGetTextureDesc);

constexpr int kWidth = 37;
constexpr int kHeight = 21;

__global__ void fetch(cudaTextureObject_t texture, int count, int* out) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < count) out[i] = tex1Dfetch<int>(texture, i - 3);
}

__global__ void read_pixels(cudaTextureObject_t texture, uchar4* out) {
  const int x = blockIdx.x * blockDim.x + threadIdx.x;
  const int y = blockIdx.y;
  if (x < kWidth) out[y * kWidth + x] = tex2D<uchar4>(texture, x - 2 + 0.5f, y + 1.5f);
}

/// Twice as large, from a texture with coordinates from 0 to 1.
__global__ void enlarge(cudaTextureObject_t texture, float* out) {
  const int x = blockIdx.x * blockDim.x + threadIdx.x;
  const int y = blockIdx.y;
  if (x >= 2 * kWidth) return;
  out[y * 2 * kWidth + x] = tex2D<float>(texture, (x + 0.5f) / (2 * kWidth), (y + 0.5f) / (2 * kHeight));
}

template <typename T>
T* allocate(size_t count) {
  T* memory = nullptr;
  CHECK(cudaMalloc(&memory, count * sizeof(T)));
  return memory;
}

static CUtexObject create(const CUDA_RESOURCE_DESC& resource, const CUDA_TEXTURE_DESC& reading) {
  CUtexObject texture = 0;
  RUN(cuTexObjectCreate_(&texture, &resource, &reading, nullptr));
  return texture;
}

static CUDA_RESOURCE_DESC plane(const void* memory, size_t pitch, CUarray_format format, unsigned channels) {
  CUDA_RESOURCE_DESC resource{};
  resource.resType = CU_RESOURCE_TYPE_PITCH2D;
  resource.res.pitch2D.devPtr = reinterpret_cast<CUdeviceptr>(memory);
  resource.res.pitch2D.format = format;
  resource.res.pitch2D.numChannels = channels;
  resource.res.pitch2D.width = kWidth;
  resource.res.pitch2D.height = kHeight;
  resource.res.pitch2D.pitchInBytes = pitch;
  return resource;
}

static void test_linear_memory() {
  constexpr int kCount = 100;
  int numbers[kCount], got[kCount + 6];
  for (int i = 0; i < kCount; ++i) numbers[i] = 7 * i - 50;
  int* memory = allocate<int>(kCount);
  int* out = allocate<int>(kCount + 6);
  CHECK(cudaMemcpy(memory, numbers, sizeof numbers, cudaMemcpyDefault));
  CUDA_RESOURCE_DESC resource{};
  resource.resType = CU_RESOURCE_TYPE_LINEAR;
  resource.res.linear.devPtr = reinterpret_cast<CUdeviceptr>(memory);
  resource.res.linear.format = CU_AD_FORMAT_SIGNED_INT32;
  resource.res.linear.numChannels = 1;
  resource.res.linear.sizeInBytes = sizeof numbers;
  const CUtexObject texture = create(resource, {});
  fetch<<<2, 64>>>(texture, kCount + 6, out);
  CHECK(cudaMemcpy(got, out, sizeof got, cudaMemcpyDefault));
  for (int i = 0; i < kCount + 6; ++i) {
    const int expected = i < 3 || i >= kCount + 3 ? 0 : numbers[i - 3];
    REQUIRE(got[i] == expected, "number %d is %d, expected %d", i - 3, got[i], expected);
  }

  CUDA_RESOURCE_DESC asked{};
  RUN(cuTexObjectGetResourceDesc_(&asked, texture));
  REQUIRE(asked.resType == CU_RESOURCE_TYPE_LINEAR && asked.res.linear.sizeInBytes == sizeof numbers &&
              asked.res.linear.devPtr == resource.res.linear.devPtr,
          "the resource is another");
  RUN(cuTexObjectDestroy_(texture));
  CHECK(cudaFree(memory));
  CHECK(cudaFree(out));
}

static void test_pixels() {
  std::vector<uchar4> pixels(kWidth * kHeight), got(kWidth * kHeight);
  for (size_t i = 0; i < pixels.size(); ++i) {
    const auto byte = [&](size_t factor) { return static_cast<unsigned char>(i * factor >> 3); };
    pixels[i] = {byte(11), byte(29), byte(101), byte(7)};
  }
  void* memory = nullptr;
  size_t pitch = 0;
  CHECK(cudaMallocPitch(&memory, &pitch, kWidth * sizeof(uchar4), kHeight));
  CHECK(cudaMemcpy2D(memory, pitch, pixels.data(), kWidth * sizeof(uchar4), kWidth * sizeof(uchar4), kHeight,
                     cudaMemcpyDefault));
  CUDA_TEXTURE_DESC reading{};
  reading.addressMode[0] = reading.addressMode[1] = CU_TR_ADDRESS_MODE_BORDER;
  reading.addressMode[1] = CU_TR_ADDRESS_MODE_CLAMP;
  reading.flags = CU_TRSF_READ_AS_INTEGER;
  const CUtexObject texture = create(plane(memory, pitch, CU_AD_FORMAT_UNSIGNED_INT8, 4), reading);
  uchar4* out = allocate<uchar4>(kWidth * kHeight);
  read_pixels<<<dim3(2, kHeight), 32>>>(texture, out);
  CHECK(cudaMemcpy(got.data(), out, got.size() * sizeof(uchar4), cudaMemcpyDefault));
  for (int y = 0; y < kHeight; ++y) {
    for (int x = 0; x < kWidth; ++x) {
      const int row = y + 1 < kHeight ? y + 1 : kHeight - 1;
      const uchar4 expected = x < 2 ? uchar4{} : pixels[static_cast<size_t>(row * kWidth + x - 2)];
      REQUIRE(memcmp(&got[static_cast<size_t>(y * kWidth + x)], &expected, sizeof expected) == 0,
              "pixel %d, %d", x, y);
    }
  }

  CUDA_TEXTURE_DESC asked{};
  RUN(cuTexObjectGetTextureDesc_(&asked, texture));
  REQUIRE(asked.addressMode[0] == CU_TR_ADDRESS_MODE_BORDER && asked.flags == CU_TRSF_READ_AS_INTEGER,
          "the texture's description is another");
  RUN(cuTexObjectDestroy_(texture));
  CHECK(cudaFree(memory));
  CHECK(cudaFree(out));
}

static void test_filter() {
  std::vector<unsigned short> heights(kWidth * kHeight);
  std::vector<float> got(4 * heights.size());
  for (size_t i = 0; i < heights.size(); ++i) heights[i] = static_cast<unsigned short>(i * i * 31);
  void* memory = nullptr;
  size_t pitch = 0;
  CHECK(cudaMallocPitch(&memory, &pitch, kWidth * 2, kHeight));
  CHECK(cudaMemcpy2D(memory, pitch, heights.data(), kWidth * 2, kWidth * 2, kHeight, cudaMemcpyDefault));
  CUDA_TEXTURE_DESC reading{};
  reading.addressMode[0] = CU_TR_ADDRESS_MODE_WRAP;
  reading.addressMode[1] = CU_TR_ADDRESS_MODE_MIRROR;
  reading.filterMode = CU_TR_FILTER_MODE_LINEAR;
  reading.flags = CU_TRSF_NORMALIZED_COORDINATES;
  const CUtexObject texture = create(plane(memory, pitch, CU_AD_FORMAT_UNSIGNED_INT16, 1), reading);
  float* out = allocate<float>(got.size());
  enlarge<<<dim3(3, 2 * kHeight), 32>>>(texture, out);
  CHECK(cudaMemcpy(got.data(), out, got.size() * sizeof(float), cudaMemcpyDefault));
  for (int y = 0; y < 2 * kHeight; ++y) {
    for (int x = 0; x < 2 * kWidth; ++x) {
      // Each result lies a quarter between two rows and two columns.
      const int left = x % 2 == 0 ? x / 2 - 1 : x / 2, top = y % 2 == 0 ? y / 2 - 1 : y / 2;
      const double across = x % 2 == 0 ? 0.75 : 0.25, down = y % 2 == 0 ? 0.75 : 0.25;
      const auto height = [&](int column, int row) {
        column = (column + kWidth) % kWidth;
        row = row < 0 ? 0 : row >= kHeight ? kHeight - 1 : row;
        return heights[static_cast<size_t>(row * kWidth + column)] / 65535.0;
      };
      const double expected =
          (1 - down) * ((1 - across) * height(left, top) + across * height(left + 1, top)) +
          down * ((1 - across) * height(left, top + 1) + across * height(left + 1, top + 1));
      // The coordinate is rounded, which may be another step of the weights.
      const double difference = got[static_cast<size_t>(y * 2 * kWidth + x)] - expected;
      REQUIRE(difference < 1.0 / 128 && difference > -1.0 / 128, "point %d, %d: %f away", x, y, difference);
    }
  }
  RUN(cuTexObjectDestroy_(texture));
  CHECK(cudaFree(memory));
  CHECK(cudaFree(out));
}

static void test_mistakes() {
  char* memory = allocate<char>(4096);
  const CUDA_TEXTURE_DESC reading{};
  CUtexObject texture = 0;
  const auto refused = [&](const CUDA_RESOURCE_DESC& resource, CUresult expected) {
    EXPECT(cuTexObjectCreate_(&texture, &resource, &reading, nullptr), expected);
  };
  CUDA_RESOURCE_DESC resource = plane(memory, 64, CU_AD_FORMAT_UNSIGNED_INT8, 1);
  EXPECT(cuTexObjectCreate_(nullptr, &resource, &reading, nullptr), CUDA_ERROR_INVALID_VALUE);
  EXPECT(cuTexObjectCreate_(&texture, nullptr, &reading, nullptr), CUDA_ERROR_INVALID_VALUE);
  EXPECT(cuTexObjectCreate_(&texture, &resource, nullptr, nullptr), CUDA_ERROR_INVALID_VALUE);
  resource.res.pitch2D.numChannels = 3;
  refused(resource, CUDA_ERROR_INVALID_VALUE);
  resource = plane(memory, 32, CU_AD_FORMAT_UNSIGNED_INT8, 1);  // rows are longer
  refused(resource, CUDA_ERROR_INVALID_VALUE);
  resource = plane(memory, 64, CU_AD_FORMAT_UNSIGNED_INT8, 1);
  resource.res.pitch2D.width = ~size_t{0};
  refused(resource, CUDA_ERROR_INVALID_VALUE);
  CHECK(cudaFree(memory));
}

int main() {
  CHECK(cudaFree(nullptr));
  test_linear_memory();
  test_pixels();
  test_filter();
  test_mistakes();
  return passed("texture objects over linear and pitched memory");
}
