// A short text that one process writes and others read, without a lock.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <string>
#include <string_view>

namespace vgpu::executor {

/// Cut to `Capacity` bytes. Who reads while another writes gets a mixture of both texts, and nothing worse.
template <std::size_t Capacity>
class SharedText {
 public:
  void set(std::string_view text) {
    for (std::size_t i = 0; i < Capacity; ++i) {
      characters_[i].store(i < text.size() ? text[i] : '\0', std::memory_order_relaxed);
    }
  }
  [[nodiscard]] std::string get() const {
    std::string text;
    for (const auto& character : characters_) {
      const char value = character.load(std::memory_order_relaxed);
      if (value == '\0') break;
      text += value;
    }
    return text;
  }

 private:
  std::array<std::atomic<char>, Capacity> characters_{};
};

}  // namespace vgpu::executor
