// What kernels have printed and the client has not fetched yet.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <string>

namespace vgpu::executor {

class KeptOutput {
 public:
  /// A client that fetches nothing loses its oldest output beyond this, as it does when CUDA's own buffer is
  /// full.
  static constexpr std::size_t kMaximumBytes = std::size_t{64} << 20;

  /// `stream`: 1 is stdout, 2 is stderr.
  void append(int stream, std::string text);

  [[nodiscard]] bool empty() const { return texts_.empty(); }

  struct Pending {
    std::size_t bytes = 0;
    int stream = 1;
  };
  /// How much may be taken now that goes to one stream; 0 bytes: nothing is left.
  [[nodiscard]] Pending pending() const;
  /// The oldest bytes. Throws CallError with CUDA_ERROR_INVALID_VALUE when fewer are pending.
  void take(std::span<std::byte> bytes);

 private:
  struct Text {
    int stream;
    std::string text;  // not empty
  };
  void drop_oldest();
  static std::size_t cost(const Text& text) { return sizeof(text) + text.text.size(); }

  std::deque<Text> texts_;  // oldest first
  std::size_t taken_ = 0;   // of the oldest
  std::size_t cost_ = 0;    // of all texts, what was taken included
};

}  // namespace vgpu::executor
