#include "backends/real/staging.h"

#include <algorithm>
#include <cstring>
#include <deque>

namespace vgpu::executor {
namespace {

constexpr unsigned int kPortable = 1;

void require(CUresult result, const char* call) {
  if (result != CUDA_SUCCESS) {
    throw CallError(result, std::string("the driver's ") + call + " gives " + std::to_string(result));
  }
}

/// What fits into one buffer: several whole rows, or a part of one.
struct Slice {
  CUdeviceptr address;
  std::size_t offset;  // in the packed bytes
  std::size_t width;
  std::size_t height;
  [[nodiscard]] std::size_t bytes() const { return width * height; }
};

/// Calls `visit` for each slice, in order.
template <typename Visit>
void for_each_slice(const Staging::Rows& rows, Visit visit) {
  const std::size_t rows_at_once =
      rows.height == 1 ? 0 : Staging::kBufferBytes / std::max<std::size_t>(rows.width, 1);
  if (rows_at_once > 1) {
    for (std::size_t row = 0; row < rows.height; row += rows_at_once) {
      visit(Slice{rows.address + row * rows.pitch, row * rows.width, rows.width,
                  std::min(rows_at_once, rows.height - row)});
    }
    return;
  }
  for (std::size_t row = 0; row < rows.height; ++row) {
    for (std::size_t done = 0; done < rows.width; done += Staging::kBufferBytes) {
      visit(Slice{rows.address + row * rows.pitch + done, row * rows.width + done,
                  std::min(Staging::kBufferBytes, rows.width - done), 1});
    }
  }
}

CUDA_MEMCPY2D host_side(std::byte* memory, const Slice& slice) {
  CUDA_MEMCPY2D copy{};
  copy.srcMemoryType = copy.dstMemoryType = CU_MEMORYTYPE_HOST;
  copy.srcHost = copy.dstHost = memory;
  copy.srcPitch = copy.dstPitch = copy.WidthInBytes = slice.width;
  copy.Height = slice.height;
  return copy;
}

}  // namespace

void Staging::wait(Buffer& buffer) {
  if (!buffer.busy) return;
  require(driver_.cuEventSynchronize(buffer.done), "cuEventSynchronize");
  buffer.busy = false;
}

void Staging::mark(Buffer& buffer, CUstream stream) {
  require(driver_.cuEventRecord(buffer.done, stream), "cuEventRecord");
  buffer.busy = true;
}

Staging::Buffer& Staging::next() {
  Buffer& buffer = buffers_.at(next_);
  next_ = (next_ + 1) % kBuffers;
  if (buffer.memory == nullptr) {
    void* memory = nullptr;
    require(driver_.cuMemHostAlloc(&memory, kBufferBytes, kPortable), "cuMemHostAlloc");
    buffer.memory = static_cast<std::byte*>(memory);
  }
  if (buffer.done == nullptr)
    require(driver_.cuEventCreate(&buffer.done, CU_EVENT_DISABLE_TIMING), "cuEventCreate");
  wait(buffer);
  return buffer;
}

void Staging::copy_in(const Rows& rows, std::span<const std::byte> source, CUstream stream) {
  for_each_slice(rows, [&](const Slice& slice) {
    Buffer& buffer = next();
    std::memcpy(buffer.memory, source.data() + slice.offset, slice.bytes());
    if (slice.height == 1) {
      require(driver_.cuMemcpyHtoDAsync_v2(slice.address, buffer.memory, slice.width, stream),
              "cuMemcpyHtoDAsync");
    } else {
      CUDA_MEMCPY2D copy = host_side(buffer.memory, slice);
      copy.dstMemoryType = CU_MEMORYTYPE_DEVICE;
      copy.dstDevice = slice.address;
      copy.dstPitch = rows.pitch;
      require(driver_.cuMemcpy2DAsync_v2(&copy, stream), "cuMemcpy2DAsync");
    }
    mark(buffer, stream);
  });
}

void Staging::copy_out(const Rows& rows, std::span<std::byte> destination, CUstream stream) {
  struct Pending {
    Buffer* buffer;
    Slice slice;
  };
  std::deque<Pending> pending;
  const auto finish_oldest = [&] {
    const Pending oldest = pending.front();
    pending.pop_front();
    wait(*oldest.buffer);
    std::memcpy(destination.data() + oldest.slice.offset, oldest.buffer->memory, oldest.slice.bytes());
  };
  for_each_slice(rows, [&](const Slice& slice) {
    // Its buffer comes next, and its bytes are still wanted.
    if (pending.size() == kBuffers) finish_oldest();
    Buffer& buffer = next();
    if (slice.height == 1) {
      require(driver_.cuMemcpyDtoHAsync_v2(buffer.memory, slice.address, slice.width, stream),
              "cuMemcpyDtoHAsync");
    } else {
      CUDA_MEMCPY2D copy = host_side(buffer.memory, slice);
      copy.srcMemoryType = CU_MEMORYTYPE_DEVICE;
      copy.srcDevice = slice.address;
      copy.srcPitch = rows.pitch;
      require(driver_.cuMemcpy2DAsync_v2(&copy, stream), "cuMemcpy2DAsync");
    }
    mark(buffer, stream);
    pending.push_back({&buffer, slice});
  });
  while (!pending.empty()) finish_oldest();
}

void Staging::release() {
  for (Buffer& buffer : buffers_) {
    wait(buffer);
    if (buffer.done != nullptr) require(driver_.cuEventDestroy_v2(buffer.done), "cuEventDestroy");
    if (buffer.memory != nullptr) require(driver_.cuMemFreeHost(buffer.memory), "cuMemFreeHost");
    buffer = {};
  }
}

}  // namespace vgpu::executor
