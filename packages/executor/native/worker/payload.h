// The inside of a frame: requests are read with every bound checked, responses are built.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

namespace vgpu::executor {

/// Reads a request. After the first mistake every read gives zero or nothing and complete() is false.
class PayloadReader {
 public:
  explicit PayloadReader(std::span<const std::byte> bytes) : bytes_(bytes) {}

  template <typename T>
  T read() {
    static_assert(std::is_arithmetic_v<T>);
    T value{};
    copy(&value, sizeof(value));
    return value;
  }
  /// A u64 length and as many bytes; they stay where they are.
  std::span<const std::byte> read_bytes();
  /// The same as text; neither longer than `limit` nor with a NUL inside.
  std::string_view read_string(std::size_t limit);
  /// The u64 length of a buffer that the response shall have.
  std::uint64_t read_length();

  /// Everything was there and nothing is left over.
  [[nodiscard]] bool complete() const { return problem_.empty() && offset_ == bytes_.size(); }
  /// What is wrong, for the log; empty when complete().
  [[nodiscard]] std::string problem() const;

 private:
  void copy(void* destination, std::size_t bytes);
  std::span<const std::byte> take(std::size_t bytes);
  void fail(std::string problem);

  std::span<const std::byte> bytes_;
  std::size_t offset_ = 0;
  std::string problem_;
};

/// Collects a response. Its memory is kept from one response to the next.
class PayloadWriter {
 public:
  template <typename T>
  void write(T value) {
    static_assert(std::is_arithmetic_v<T>);
    append(&value, sizeof(value));
  }
  /// Room for `count` bytes, uninitialised; valid until the next call.
  std::span<std::byte> bytes(std::size_t count);

  [[nodiscard]] std::span<const std::byte> written() const { return {storage_.get(), used_}; }
  void clear();

 private:
  void append(const void* source, std::size_t count);

  std::unique_ptr<std::byte[]> storage_;
  std::size_t capacity_ = 0;
  std::size_t used_ = 0;
};

}  // namespace vgpu::executor
