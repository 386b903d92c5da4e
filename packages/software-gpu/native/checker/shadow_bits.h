// One bit for each byte of a range of memory: whether something was written there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

namespace vgpu::software::checker {

/// Bits may be set and read by several threads at once. Memory is taken as bits are set.
class ShadowBits {
 public:
  /// For `bytes` bytes, all bits clear. Throws Error(out_of_memory).
  explicit ShadowBits(std::size_t bytes);
  ~ShadowBits();
  ShadowBits(const ShadowBits&) = delete;
  ShadowBits& operator=(const ShadowBits&) = delete;

  void set(std::size_t first, std::size_t count);
  void clear(std::size_t first, std::size_t count);
  /// The first of these bytes whose bit is clear.
  [[nodiscard]] std::optional<std::size_t> first_clear(std::size_t first, std::size_t count) const;
  [[nodiscard]] bool get(std::size_t index) const;

 private:
  std::uint8_t* bits_;
  std::size_t mapped_;
};

}  // namespace vgpu::software::checker
