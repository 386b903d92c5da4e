#include "worker/payload.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "vgpu_protocol.h"

namespace vgpu::executor {
namespace {

// Room for the pieces in which large copies travel stays; a rarer, larger response gives its memory back.
constexpr std::size_t kKeptBytes = 4 * std::size_t{VGPU_COPY_PIECE_BYTES};

}  // namespace

void PayloadReader::fail(std::string problem) {
  if (problem_.empty()) problem_ = std::move(problem);
}

std::span<const std::byte> PayloadReader::take(std::size_t bytes) {
  if (!problem_.empty()) return {};
  const std::size_t left = bytes_.size() - offset_;
  if (bytes > left) {
    fail("expected " + std::to_string(bytes) + " bytes at offset " + std::to_string(offset_) + ", got " +
         std::to_string(left));
    return {};
  }
  const auto taken = bytes_.subspan(offset_, bytes);
  offset_ += bytes;
  return taken;
}

void PayloadReader::copy(void* destination, std::size_t bytes) {
  const auto taken = take(bytes);
  if (!taken.empty()) std::memcpy(destination, taken.data(), bytes);
}

std::span<const std::byte> PayloadReader::read_bytes() {
  const auto length = read<std::uint64_t>();
  return take(length);
}

std::string_view PayloadReader::read_string(std::size_t limit) {
  const auto length = read<std::uint64_t>();
  if (length > limit) {
    fail("expected a string of at most " + std::to_string(limit) + " bytes, got " + std::to_string(length));
    return {};
  }
  const auto taken = take(length);
  const std::string_view text(reinterpret_cast<const char*>(taken.data()), taken.size());
  if (text.find('\0') != std::string_view::npos) {
    fail("expected a string, got one with a NUL inside");
    return {};
  }
  return text;
}

std::uint64_t PayloadReader::read_length() {
  const auto length = read<std::uint64_t>();
  if (length > VGPU_FRAME_PAYLOAD_LIMIT) {
    fail("expected a buffer of at most " + std::to_string(VGPU_FRAME_PAYLOAD_LIMIT) + " bytes, got " +
         std::to_string(length));
    return 0;
  }
  return length;
}

std::string PayloadReader::problem() const {
  if (problem_.empty() && !complete()) {
    return "expected " + std::to_string(offset_) + " bytes, got " + std::to_string(bytes_.size());
  }
  return problem_;
}

std::span<std::byte> PayloadWriter::bytes(std::size_t count) {
  if (count > capacity_ - used_) {
    const std::size_t capacity = std::max(used_ + count, 2 * capacity_);
    auto larger = std::make_unique_for_overwrite<std::byte[]>(capacity);
    if (used_ != 0) std::memcpy(larger.get(), storage_.get(), used_);
    storage_ = std::move(larger);
    capacity_ = capacity;
  }
  return {storage_.get() + std::exchange(used_, used_ + count), count};
}

void PayloadWriter::append(const void* source, std::size_t count) {
  std::memcpy(bytes(count).data(), source, count);
}

void PayloadWriter::clear() {
  used_ = 0;
  if (capacity_ <= kKeptBytes) return;
  storage_.reset();
  capacity_ = 0;
}

}  // namespace vgpu::executor
