// Cuts the client's byte stream into frames.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "vgpu_protocol.h"
#include "worker/channel.h"

namespace vgpu::executor {

class FrameReader {
 public:
  enum class Result {
    frame,
    stream,  // a large copy to the device: payload() is what comes before the bytes, next_piece() gives them
    end,     // between two frames
    truncated,  // in the middle of one
    oversized,  // the header claims more than VGPU_FRAME_PAYLOAD_LIMIT
  };

  explicit FrameReader(ByteSource& source) : source_(source) {}

  /// Waits for a whole frame, or for the beginning of a stream. What is left of an earlier stream is skipped.
  /// Memory grows with what has arrived, never with what a header claims. Throws what the source throws, and
  /// std::bad_alloc.
  Result next();

  /// Of the frame that next() found; valid until it is called again.
  [[nodiscard]] const vgpu_frame& header() const { return header_; }
  [[nodiscard]] std::span<const std::byte> payload() const { return payload_; }

  /// The next bytes of a stream; none when there are no more, or the client has left. They are where the
  /// client may still write, and valid until the next call.
  std::span<const std::byte> next_piece();
  /// Reads what is left of a stream and forgets it. False when the client has left.
  bool skip_stream();
  /// How many there are still.
  [[nodiscard]] std::size_t streaming() const { return streaming_; }

  [[nodiscard]] std::size_t capacity() const { return capacity_; }

 private:
  bool fill(std::size_t wanted);
  void make_room(std::size_t wanted);

  ByteSource& source_;
  std::unique_ptr<std::byte[]> buffer_;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;  // of what has arrived and is not part of an earlier frame
  std::size_t end_ = 0;
  vgpu_frame header_{};
  std::span<const std::byte> payload_;
  std::size_t streaming_ = 0;
};

}  // namespace vgpu::executor
