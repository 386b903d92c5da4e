#include "worker/frame_reader.h"

#include <doctest/doctest.h>

#include <vector>

#include "support.h"

using namespace vgpu::executor;
using test::MemorySource;
using Result = FrameReader::Result;

namespace {

void append_frame(std::vector<std::byte>& stream, std::uint32_t sequence, std::size_t payload_bytes) {
  const vgpu_frame header{.payload_bytes = static_cast<std::uint32_t>(payload_bytes),
                          .call = 1,
                          .sequence = sequence,
                          .status = 0,
                          .context = 0};
  const auto bytes = std::as_bytes(std::span(&header, 1));
  stream.insert(stream.end(), bytes.begin(), bytes.end());
  stream.insert(stream.end(), payload_bytes, std::byte(sequence));
}

}  // namespace

TEST_CASE("frames of all sizes, however the bytes arrive") {
  const std::vector<std::size_t> sizes = {0, 1, 0, 100, 65'536 - 24, 65'536, 3, 300'000, 5'000'000, 0, 8};
  std::vector<std::byte> stream;
  for (std::uint32_t i = 0; i < sizes.size(); ++i) append_frame(stream, i, sizes[i]);

  for (const std::size_t piece : {std::size_t{7}, std::size_t{4096}, SIZE_MAX}) {
    CAPTURE(piece);
    MemorySource source(stream, piece);
    FrameReader reader(source);
    for (std::uint32_t i = 0; i < sizes.size(); ++i) {
      CAPTURE(i);
      REQUIRE(reader.next() == Result::frame);
      CHECK(reader.header().sequence == i);
      REQUIRE(reader.payload().size() == sizes[i]);
      CHECK(std::ranges::all_of(reader.payload(), [i](std::byte byte) { return byte == std::byte(i); }));
    }
    CHECK(reader.next() == Result::end);
  }
}

TEST_CASE("a stream that ends inside a frame") {
  std::vector<std::byte> stream;
  append_frame(stream, 1, 10);
  for (std::size_t length = 1; length < stream.size(); ++length) {
    CAPTURE(length);
    MemorySource source(std::span<const std::byte>(stream).first(length));
    FrameReader reader(source);
    CHECK(reader.next() == Result::truncated);
  }
}

TEST_CASE("a frame over the limit is refused before its payload is read") {
  std::vector<std::byte> stream;
  append_frame(stream, 1, 0);
  const std::uint32_t claimed = VGPU_FRAME_PAYLOAD_LIMIT + 1;
  std::memcpy(stream.data(), &claimed, sizeof(claimed));
  MemorySource source(stream);
  FrameReader reader(source);
  CHECK(reader.next() == Result::oversized);
}

TEST_CASE("memory grows with what arrives, not with what is claimed") {
  std::vector<std::byte> stream;
  append_frame(stream, 1, 100'000);
  const std::uint32_t claimed = VGPU_FRAME_PAYLOAD_LIMIT;
  std::memcpy(stream.data(), &claimed, sizeof(claimed));
  MemorySource source(stream);
  FrameReader reader(source);
  CHECK(reader.next() == Result::truncated);
  CHECK(reader.capacity() < 1'000'000);
}

TEST_CASE("the memory of a huge frame is given back") {
  std::vector<std::byte> stream;
  append_frame(stream, 1, 40'000'000);
  append_frame(stream, 2, 1);
  MemorySource source(stream);
  FrameReader reader(source);
  REQUIRE(reader.next() == Result::frame);
  CHECK(reader.capacity() >= 40'000'000);
  // What has been read ahead still lies in the large buffer; after it, nothing needs the buffer.
  REQUIRE(reader.next() == Result::frame);
  CHECK(reader.next() == Result::end);
  CHECK(reader.capacity() < 1'000'000);
}
