// Memory that the client maps too: a file without a name, mapped at an address that is free in both
// processes.
#pragma once

#include <cstddef>
#include <cstdint>

#include "support/file_descriptor.h"

namespace vgpu::executor {

class SharedRegion {
 public:
  /// Whole pages. Throws CallError with CUDA_ERROR_OUT_OF_MEMORY.
  explicit SharedRegion(std::size_t bytes);
  ~SharedRegion();
  SharedRegion(SharedRegion&& other) noexcept;
  SharedRegion& operator=(SharedRegion&&) = delete;
  SharedRegion(const SharedRegion&) = delete;
  SharedRegion& operator=(const SharedRegion&) = delete;

  [[nodiscard]] void* memory() const { return memory_; }
  [[nodiscard]] std::uint64_t address() const { return reinterpret_cast<std::uint64_t>(memory_); }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  [[nodiscard]] int descriptor() const { return file_.get(); }

 private:
  FileDescriptor file_;
  void* memory_ = nullptr;
  std::size_t bytes_ = 0;
};

}  // namespace vgpu::executor
