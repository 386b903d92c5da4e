// What an operation on the device runs with, and how its elements come and go.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "compute/element_type.h"
#include "compute/matrix.h"
#include "gpu/pool.h"

namespace vgpu::gpu {

/** Between an operation and the memory of its caller. Closed once nobody waits for the operation any more:
 * from then on it reads and writes nothing there, because the memory may be gone. */
class Gate {
 public:
  /** Waits for a work() that is under way. */
  void close();
  /** Calls work(), or throws where it is closed.
   * @throws compute::Error aborted */
  template <typename Work>
  void pass(Work work) {
    const std::lock_guard lock(mutex_);
    throwIfClosed();
    work();
  }
  /** @throws compute::Error aborted */
  void copy(std::byte* to, const std::byte* from, std::size_t bytes);

 private:
  void throwIfClosed() const;

  std::mutex mutex_;
  bool closed_ = false;
};

/** Elements on the host: rows of one length, which lie `stride` bytes apart, in groups that begin `step`
 * bytes apart. */
struct Rows {
  std::byte* data = nullptr;
  std::size_t rowBytes = 0;
  std::size_t rows = 0;
  std::size_t stride = 0;
  std::size_t groups = 1;
  std::size_t step = 0;

  [[nodiscard]] std::size_t bytes() const { return rowBytes * rows * groups; }
  [[nodiscard]] std::byte* row(std::size_t index) const {
    return data + index / rows * step + index % rows * stride;
  }
};

Rows rowsOf(const compute::Array& array);
Rows rowsOf(const compute::Matrix& matrix);
Rows rowsOf(const compute::MatrixBatch& batch);

/** For one operation, on the device's thread. */
class Context {
 public:
  /** `stop` becomes other than 0 when the result is not wanted any more. */
  Context(Device& device, Pool& pool, Gate& gate, const std::int32_t* stop)
      : device_(device), pool_(pool), gate_(gate), stop_(stop) {}

  [[nodiscard]] Device& device() const { return device_; }
  [[nodiscard]] Gate& gate() const { return gate_; }
  /** For kernels that come after all uploads and before all downloads. */
  [[nodiscard]] StreamHandle stream() const { return device_.lane(0).stream; }

  /** @throws compute::Error aborted */
  void throwIfStopped() const;
  /** @throws DriverError */
  [[nodiscard]] Buffer allocate(std::size_t bytes) const { return pool_.take(bytes); }
  template <typename T>
  [[nodiscard]] Buffer allocateOf(std::size_t count) const {
    return allocate(count * sizeof(T));
  }

  /** Kernels of stream() may use it when this returns. Copies go in pieces through both lanes.
   * @throws DriverError, compute::Error aborted */
  [[nodiscard]] Buffer upload(const Rows& source) const;
  /** What kernels of stream() have made, all of it on the host before the first byte of `target` is written
   * if `target` is an input. */
  void download(DevicePointer from, const Rows& target, bool isInput = false) const;
  template <typename T>
  [[nodiscard]] std::vector<T> downloadOf(DevicePointer from, std::size_t count) const {
    std::vector<T> values(count);
    fetch(from, reinterpret_cast<std::byte*>(values.data()), count * sizeof(T));
    return values;
  }

 private:
  void fetch(DevicePointer from, std::byte* to, std::size_t bytes) const;

  Device& device_;
  Pool& pool_;
  Gate& gate_;
  const std::int32_t* stop_;
};

/** Where an operation writes a contiguous result. An input keeps its elements until everything is there. */
class Target {
 public:
  Target(const Context& context, std::byte* data, std::size_t bytes, bool isInput);
  void write(std::size_t offset, const std::byte* from, std::size_t bytes);
  void finish();

 private:
  const Context& context_;
  std::byte* data_;
  std::vector<std::byte> held_;
};

}  // namespace vgpu::gpu
