// What several tests need: request bytes, a log that can be read, a source of bytes that is no socket.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "support/file_descriptor.h"
#include "support/log.h"
#include "vgpu_protocol.h"
#include "worker/channel.h"

namespace vgpu::executor::test {

/// Writes a request's payload as a guest does.
class Request {
 public:
  template <typename T>
  Request& value(T number) {
    return raw(std::as_bytes(std::span(&number, 1)));
  }
  Request& bytes(std::span<const std::byte> content) {
    value<std::uint64_t>(content.size());
    return raw(content);
  }
  Request& text(std::string_view content) { return bytes(std::as_bytes(std::span(content))); }
  Request& raw(std::span<const std::byte> content) {
    bytes_.insert(bytes_.end(), content.begin(), content.end());
    return *this;
  }
  [[nodiscard]] std::span<const std::byte> payload() const { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
};

/// A log whose lines can be looked at.
class CapturedLog {
 public:
  CapturedLog() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) throw std::runtime_error("pipe2");
    reading_ = FileDescriptor(ends[0]);
    writing_ = FileDescriptor(ends[1]);
  }
  /// Everything written since the last time.
  std::string text() {
    std::string result;
    char buffer[4096];
    for (ssize_t count = 0; (count = read(reading_.get(), buffer, sizeof(buffer))) > 0;) {
      result.append(buffer, static_cast<std::size_t>(count));
    }
    return result;
  }
  [[nodiscard]] int descriptor() const { return writing_.get(); }

 private:
  FileDescriptor reading_;
  FileDescriptor writing_;
};

/// Bytes from memory, at most `piece` at a time.
class MemorySource final : public ByteSource {
 public:
  explicit MemorySource(std::span<const std::byte> bytes, std::size_t piece = SIZE_MAX)
      : bytes_(bytes), piece_(piece) {}

  std::size_t read(std::span<std::byte> buffer) override {
    const std::size_t count = std::min({buffer.size(), bytes_.size(), piece_});
    std::copy_n(bytes_.begin(), count, buffer.begin());
    bytes_ = bytes_.subspan(count);
    return count;
  }

 private:
  std::span<const std::byte> bytes_;
  std::size_t piece_;
};

template <typename T>
T value_at(std::span<const std::byte> bytes, std::size_t offset = 0) {
  T value{};
  if (bytes.size() < offset + sizeof(T)) throw std::out_of_range("response is too short");
  std::memcpy(&value, bytes.data() + offset, sizeof(T));
  return value;
}

}  // namespace vgpu::executor::test
