// Rows with a pitch: 2-D allocation, copies in all directions and fills touch the rows and nothing between
// them.
#include <vector>

#include "check.h"

constexpr int kWidth = 37, kHeight = 23;  // elements, rows
constexpr std::size_t kRow = kWidth * sizeof(short);
constexpr std::size_t kHostPitch = kRow + 10;  // host rows are padded too
constexpr unsigned char kPadding = 0xa5;

__global__ void transform(const char* input, std::size_t input_pitch, char* output,
                          std::size_t output_pitch) {
  const int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y;
  if (x >= kWidth || y >= kHeight) return;
  const short* from = reinterpret_cast<const short*>(input + y * input_pitch);
  short* to = reinterpret_cast<short*>(output + y * output_pitch);
  to[kWidth - 1 - x] = static_cast<short>(from[x] + y);  // mirrored
}

static short host_value(int x, int y) {
  return static_cast<short>(x * 100 - y * 31);
}

static short& at(std::vector<unsigned char>& image, int x, int y) {
  return reinterpret_cast<short*>(image.data() + y * kHostPitch)[x];
}

int main() {
  std::vector<unsigned char> image(kHostPitch * kHeight, kPadding), result(kHostPitch * kHeight, kPadding);
  for (int y = 0; y < kHeight; ++y) {
    for (int x = 0; x < kWidth; ++x) at(image, x, y) = host_value(x, y);
  }

  char *input = nullptr, *output = nullptr, *packed = nullptr;
  std::size_t input_pitch = 0, output_pitch = 0;
  CHECK(cudaMallocPitch(&input, &input_pitch, kRow, kHeight));
  CHECK(cudaMallocPitch(&output, &output_pitch, kRow, kHeight));
  CHECK(cudaMalloc(&packed, kRow * kHeight));
  REQUIRE(input_pitch >= kRow && input_pitch % 32 == 0, "pitch %zu for rows of %zu bytes", input_pitch, kRow);

  CHECK(cudaMemset(output, kPadding, output_pitch * kHeight));
  CHECK(cudaMemcpy2D(input, input_pitch, image.data(), kHostPitch, kRow, kHeight, cudaMemcpyHostToDevice));
  const dim3 block(16, 4), grid((kWidth + 15) / 16, (kHeight + 3) / 4);
  transform<<<grid, block>>>(input, input_pitch, output, output_pitch);
  CHECK(cudaGetLastError());
  // Device to device, from pitched to packed rows, then to padded rows on the host.
  CHECK(cudaMemcpy2D(packed, kRow, output, output_pitch, kRow, kHeight, cudaMemcpyDeviceToDevice));
  CHECK(cudaMemcpy2D(result.data(), kHostPitch, packed, kRow, kRow, kHeight, cudaMemcpyDeviceToHost));
  for (int y = 0; y < kHeight; ++y) {
    for (int x = 0; x < kWidth; ++x) {
      const short expected = static_cast<short>(host_value(kWidth - 1 - x, y) + y);
      REQUIRE(at(result, x, y) == expected, "(%d, %d) is %d, expected %d", x, y, at(result, x, y), expected);
    }
    for (std::size_t byte = kRow; byte < kHostPitch; ++byte) {
      REQUIRE(result[y * kHostPitch + byte] == kPadding, "the padding of host row %d was overwritten", y);
    }
  }

  // Fill a rectangle in the middle: 10 bytes by 5 rows.
  std::vector<unsigned char> whole(output_pitch * kHeight), before(whole.size());
  CHECK(cudaMemcpy(before.data(), output, before.size(), cudaMemcpyDeviceToHost));
  CHECK(cudaMemset2D(output + 3 * output_pitch + 6, output_pitch, 0x3c, 10, 5));
  CHECK(cudaMemcpy(whole.data(), output, whole.size(), cudaMemcpyDeviceToHost));
  for (std::size_t i = 0; i < whole.size(); ++i) {
    const std::size_t row = i / output_pitch, byte = i % output_pitch;
    const bool inside = row >= 3 && row < 8 && byte >= 6 && byte < 16;
    const unsigned char expected = inside ? 0x3c : before[i];
    REQUIRE(whole[i] == expected, "byte %zu of row %zu is %x, expected %x", byte, row, whole[i], expected);
  }
  for (int y = 0; y < kHeight; ++y) {
    REQUIRE(before[y * output_pitch + kRow] == kPadding, "the padding of device row %d was overwritten", y);
  }

  // A row that is wider than the pitch is refused.
  EXPECT_STATUS(cudaMemcpy2D(packed, kRow - 1, output, output_pitch, kRow, 1, cudaMemcpyDeviceToDevice),
                cudaErrorInvalidPitchValue);
  CHECK(cudaFree(input));
  CHECK(cudaFree(output));
  CHECK(cudaFree(packed));
  return passed("pitched memory of %dx%d elements", kWidth, kHeight);
}
