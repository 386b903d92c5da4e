// Memory that holds machine code: written first, executable afterwards, never both.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace vgpu::software {

class ExecutableMemory {
 public:
  ExecutableMemory() = default;
  /// A copy of `code`, ready to run. Throws std::system_error when the system has no memory for it or refuses
  /// to make memory executable that was written (such as under MemoryDenyWriteExecute).
  explicit ExecutableMemory(std::span<const std::uint8_t> code);
  ~ExecutableMemory();
  ExecutableMemory(ExecutableMemory&& other) noexcept;
  ExecutableMemory& operator=(ExecutableMemory&& other) noexcept;

  [[nodiscard]] const std::uint8_t* begin() const { return begin_; }

 private:
  std::uint8_t* begin_ = nullptr;
  std::size_t bytes_ = 0;
};

}  // namespace vgpu::software
