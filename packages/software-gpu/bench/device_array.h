// Arrays that kernels and C++ can both use, and the parameters of a launch.
#pragma once

#include <cstring>
#include <memory>
#include <span>
#include <vector>

#include "vgpu/software_gpu/gpu.h"

namespace vgpu::software::bench {

/// Device memory, which is memory of this process. Copies are the same array.
template <class T>
class DeviceArray {
 public:
  DeviceArray(Gpu& gpu, std::size_t size)
      : memory_(new DeviceAddress(gpu.memory().allocate(size * sizeof(T))), Free{&gpu}), size_(size) {}

  [[nodiscard]] DeviceAddress address() const { return *memory_; }
  [[nodiscard]] T* data() const { return reinterpret_cast<T*>(*memory_); }
  [[nodiscard]] std::size_t size() const { return size_; }
  T& operator[](std::size_t index) const { return data()[index]; }
  [[nodiscard]] std::span<T> all() const { return {data(), size_}; }

 private:
  struct Free {
    Gpu* gpu;
    void operator()(const DeviceAddress* address) const {
      gpu->memory().free(*address);
      std::default_delete<const DeviceAddress>()(address);
    }
  };
  std::shared_ptr<DeviceAddress> memory_;
  std::size_t size_;
};

/// Parameters one after the other, each aligned to its size.
template <class... T>
std::vector<std::byte> parameters(T... values) {
  std::vector<std::byte> bytes;
  const auto add = [&](auto value) {
    const std::size_t offset = (bytes.size() + sizeof value - 1) / sizeof value * sizeof value;
    bytes.resize(offset + sizeof value);
    std::memcpy(bytes.data() + offset, &value, sizeof value);
  };
  (add(values), ...);
  return bytes;
}

}  // namespace vgpu::software::bench
