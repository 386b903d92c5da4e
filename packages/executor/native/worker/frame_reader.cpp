#include "worker/frame_reader.h"

#include <algorithm>
#include <cstring>

namespace vgpu::executor {
namespace {

constexpr std::size_t kFirstCapacity = 64UL * 1024;
// Enough for the pieces in which large copies travel; the memory of a rarer, larger frame is given back.
constexpr std::size_t kKeptCapacity = 4 * std::size_t{VGPU_COPY_PIECE_BYTES};
// Destination, total bytes, stream, and the length of what follows, each a u64.
constexpr std::size_t kStreamHeadBytes = 32;
// Smaller copies are cheaper as a whole.
constexpr std::size_t kSmallestStream = 64UL * 1024;

bool is_stream(const vgpu_frame& header) {
  return header.call == VGPU_CALL_vgpuCopyToDevice && header.payload_bytes >= kSmallestStream;
}

}  // namespace

/// Room for at least one more byte of a stretch of `wanted` bytes from begin_.
void FrameReader::make_room(std::size_t wanted) {
  const std::size_t arrived = end_ - begin_;
  if (arrived == 0 && capacity_ > kKeptCapacity) {
    buffer_.reset();
    capacity_ = 0;
  }
  const bool fits = wanted <= capacity_ - begin_;
  if (fits || (end_ < capacity_ && begin_ == 0)) return;
  if (arrived < capacity_ && begin_ != 0) {
    std::memmove(buffer_.get(), buffer_.get() + begin_, arrived);
  } else {
    const std::size_t capacity = std::max(kFirstCapacity, 2 * capacity_);
    auto larger = std::make_unique_for_overwrite<std::byte[]>(capacity);
    if (arrived != 0) std::memcpy(larger.get(), buffer_.get() + begin_, arrived);
    buffer_ = std::move(larger);
    capacity_ = capacity;
  }
  begin_ = 0;
  end_ = arrived;
}

/// Reads until `wanted` bytes have arrived; false at the end of the stream.
bool FrameReader::fill(std::size_t wanted) {
  if (begin_ == end_) begin_ = end_ = 0;
  while (end_ - begin_ < wanted) {
    make_room(wanted);
    source_.expect_rest(begin_ != end_);
    const std::size_t received = source_.read({buffer_.get() + end_, capacity_ - end_});
    if (received == 0) return false;
    end_ += received;
  }
  source_.expect_rest(false);
  return true;
}

std::span<const std::byte> FrameReader::next_piece() {
  std::span<const std::byte> piece;
  if (streaming_ == 0) return piece;
  if (begin_ != end_) {
    // Read ahead along with the header.
    piece = {buffer_.get() + begin_, std::min(end_ - begin_, streaming_)};
    begin_ += piece.size();
  } else {
    source_.expect_rest(true);
    piece = source_.borrow(streaming_);
    source_.expect_rest(false);
  }
  streaming_ -= piece.size();
  return piece;
}

bool FrameReader::skip_stream() {
  while (streaming_ != 0) {
    if (next_piece().empty()) return false;
  }
  return true;
}

FrameReader::Result FrameReader::next() {
  payload_ = {};
  if (!skip_stream()) return Result::truncated;
  if (!fill(sizeof(header_))) return begin_ == end_ ? Result::end : Result::truncated;
  std::memcpy(&header_, buffer_.get() + begin_, sizeof(header_));
  if (header_.payload_bytes > VGPU_FRAME_PAYLOAD_LIMIT) return Result::oversized;
  const bool stream = is_stream(header_);
  const std::size_t bytes = stream ? kStreamHeadBytes : header_.payload_bytes;
  if (!fill(sizeof(header_) + bytes)) return Result::truncated;
  payload_ = {buffer_.get() + begin_ + sizeof(header_), bytes};
  begin_ += sizeof(header_) + bytes;
  streaming_ = header_.payload_bytes - bytes;
  return stream ? Result::stream : Result::frame;
}

}  // namespace vgpu::executor
