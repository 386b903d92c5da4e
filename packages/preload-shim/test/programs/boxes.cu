// Copies and fills of boxes: with and without gaps, part of a box, and what is refused before a byte is
// written.
#include <cstring>
#include <vector>

#include "check.h"

constexpr int kWidth = 20, kHeight = 6, kDepth = 5;

struct Box {
  std::vector<unsigned char> bytes;
  cudaPitchedPtr pointer;
  Box(int pitch, int height) : bytes(static_cast<size_t>(pitch) * height * kDepth, 0xee) {
    pointer = make_cudaPitchedPtr(bytes.data(), pitch, kWidth, height);
  }
  unsigned char& at(int x, int y, int z) {
    return bytes[(static_cast<size_t>(z) * pointer.ysize + y) * pointer.pitch + x];
  }
};

unsigned char pattern(int x, int y, int z) {
  return static_cast<unsigned char>(x + 31 * y + 101 * z);
}

__global__ void add_one(cudaPitchedPtr box, int width, int height, int depth) {
  const int x = threadIdx.x, y = blockIdx.x, z = blockIdx.y;
  if (x < width && y < height && z < depth) {
    static_cast<unsigned char*>(box.ptr)[(z * box.ysize + y) * box.pitch + x] += 1;
  }
}

cudaMemcpy3DParms whole(cudaPitchedPtr to, cudaPitchedPtr from, cudaMemcpyKind kind) {
  cudaMemcpy3DParms copy = {};
  copy.srcPtr = from;
  copy.dstPtr = to;
  copy.extent = make_cudaExtent(kWidth, kHeight, kDepth);
  copy.kind = kind;
  return copy;
}

/// There, a kernel, and back, by way of device memory whose slices have `height` rows.
void round_trip(cudaPitchedPtr device, int host_pitch, int host_height) {
  Box there(host_pitch, host_height), back(host_pitch + 3, host_height + 1);
  for (int z = 0; z < kDepth; ++z)
    for (int y = 0; y < kHeight; ++y)
      for (int x = 0; x < kWidth; ++x) there.at(x, y, z) = pattern(x, y, z);
  const cudaMemcpy3DParms up = whole(device, there.pointer, cudaMemcpyHostToDevice);
  const cudaMemcpy3DParms down = whole(back.pointer, device, cudaMemcpyDefault);
  CHECK(cudaMemcpy3D(&up));
  add_one<<<dim3(kHeight, kDepth), 32>>>(device, kWidth, kHeight, kDepth);
  CHECK(cudaMemcpy3DAsync(&down, nullptr));
  CHECK(cudaDeviceSynchronize());
  for (int z = 0; z < kDepth; ++z)
    for (int y = 0; y < host_height + 1; ++y)
      for (int x = 0; x < host_pitch + 3; ++x) {
        const bool inside = x < kWidth && y < kHeight;
        const unsigned char expected = inside ? static_cast<unsigned char>(pattern(x, y, z) + 1) : 0xee;
        REQUIRE(back.at(x, y, z) == expected, "byte %d,%d,%d is %d", x, y, z, back.at(x, y, z));
      }
}

void part_of_a_box(cudaPitchedPtr device) {
  Box host(kWidth, kHeight);
  CHECK(cudaMemset3D(device, 7, make_cudaExtent(kWidth, kHeight, kDepth)));
  CHECK(cudaMemset3DAsync(device, 9, make_cudaExtent(4, 2, 3), nullptr));
  cudaMemcpy3DParms inner = whole(host.pointer, device, cudaMemcpyDeviceToHost);
  inner.srcPos = make_cudaPos(2, 1, 1);
  inner.dstPos = make_cudaPos(1, 3, 2);
  inner.extent = make_cudaExtent(5, 2, 3);
  CHECK(cudaMemcpy3D(&inner));
  for (int z = 0; z < kDepth; ++z)
    for (int y = 0; y < kHeight; ++y)
      for (int x = 0; x < kWidth; ++x) {
        const int u = x - 1 + 2, v = y - 3 + 1, w = z - 2 + 1;
        const bool copied = x >= 1 && x < 6 && y >= 3 && y < 5 && z >= 2;
        const int expected = !copied ? 0xee : u < 4 && v < 2 && w < 3 ? 9 : 7;
        REQUIRE(host.at(x, y, z) == expected, "byte %d,%d,%d is %d", x, y, z, host.at(x, y, z));
      }
}

void mistakes(cudaPitchedPtr device) {
  Box host(kWidth, kHeight);
  cudaMemcpy3DParms copy = whole(host.pointer, device, cudaMemcpyDeviceToHost);
  copy.dstPtr.ysize += 1;  // so that slices are copied one by one
  copy.extent.depth = 1000;
  EXPECT_STATUS(cudaMemcpy3D(&copy), cudaErrorInvalidValue);
  for (unsigned char byte : host.bytes) REQUIRE(byte == 0xee, "a refused copy wrote %d", byte);
  copy = whole(host.pointer, device, cudaMemcpyDeviceToHost);
  copy.srcPtr.ptr = nullptr;
  EXPECT_STATUS(cudaMemcpy3D(&copy), cudaErrorInvalidValue);
  copy = whole(host.pointer, device, cudaMemcpyDeviceToHost);
  copy.srcPtr.pitch = kWidth - 1;
  EXPECT_STATUS(cudaMemcpy3D(&copy), cudaErrorInvalidPitchValue);
  copy = whole(host.pointer, device, static_cast<cudaMemcpyKind>(17));
  EXPECT_STATUS(cudaMemcpy3D(&copy), cudaErrorInvalidMemcpyDirection);
  EXPECT_STATUS(cudaMemcpy3D(nullptr), cudaErrorInvalidValue);
  EXPECT_STATUS(cudaMemset3D(device, 1, make_cudaExtent(kWidth, kHeight - 1, 1000)), cudaErrorInvalidValue);
  cudaMemcpy3DParms check = whole(host.pointer, device, cudaMemcpyDeviceToHost);
  CHECK(cudaMemcpy3D(&check));
  REQUIRE(host.at(0, 0, 0) == 9, "a refused fill wrote");
}

void between_devices(cudaPitchedPtr device) {
  int* other = nullptr;
  int values[2] = {41, 42}, found[2] = {};
  CHECK(cudaMalloc(&other, sizeof values));
  CHECK(cudaMemcpy(device.ptr, values, sizeof values, cudaMemcpyHostToDevice));
  CHECK(cudaMemcpyPeer(other, 0, device.ptr, 0, sizeof values));
  CHECK(cudaMemcpy(found, other, sizeof values, cudaMemcpyDeviceToHost));
  REQUIRE(found[0] == 41 && found[1] == 42, "the copy has %d and %d", found[0], found[1]);
  EXPECT_STATUS(cudaMemcpyPeer(other, 3, device.ptr, 0, sizeof values), cudaErrorInvalidDevice);
  EXPECT_STATUS(cudaDeviceEnablePeerAccess(0, 0), cudaErrorInvalidDevice);
  EXPECT_STATUS(cudaDeviceDisablePeerAccess(5), cudaErrorInvalidDevice);
  CHECK(cudaFree(other));
}

int main() {
  cudaPitchedPtr device;
  CHECK(cudaMalloc3D(&device, make_cudaExtent(kWidth, kHeight, kDepth)));
  round_trip(device, kWidth, kHeight);
  round_trip(device, kWidth + 9, kHeight);
  round_trip(device, kWidth, kHeight + 2);
  part_of_a_box(device);
  mistakes(device);
  between_devices(device);
  CHECK(cudaFree(device.ptr));
  return passed("boxes of %d by %d by %d bytes", kWidth, kHeight, kDepth);
}
