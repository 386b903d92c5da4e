#include "worker/payload.h"

#include <doctest/doctest.h>

#include <cstdint>

#include "support.h"

using namespace vgpu::executor;
using test::Request;

TEST_CASE("a reader returns what a guest packed") {
  Request request;
  request.value<std::int32_t>(-5).value<std::uint64_t>(1ULL << 40).text("kernel").value(1.5F);
  PayloadReader reader(request.payload());
  CHECK(reader.read<std::int32_t>() == -5);
  CHECK(reader.read<std::uint64_t>() == 1ULL << 40);
  CHECK(reader.read_string(6) == "kernel");
  CHECK(reader.read<float>() == 1.5F);
  CHECK(reader.complete());
  CHECK(reader.problem().empty());
}

TEST_CASE("a reader reads nothing past the end, and nothing after that") {
  Request request;
  request.value<std::uint32_t>(7).value<std::uint32_t>(9);
  PayloadReader reader(request.payload());
  CHECK(reader.read<std::uint32_t>() == 7);
  CHECK(reader.read<std::uint64_t>() == 0);
  CHECK_MESSAGE(reader.read<std::uint32_t>() == 0, "the four bytes that are there must not shift into place");
  CHECK_FALSE(reader.complete());
  CHECK(reader.problem() == "expected 8 bytes at offset 4, got 4");
}

TEST_CASE("a reader of an empty request is complete") {
  PayloadReader reader({});
  CHECK(reader.complete());
  CHECK(reader.read<std::uint8_t>() == 0);
  CHECK_FALSE(reader.complete());
}

TEST_CASE("left-over bytes are a mistake") {
  Request request;
  request.value<std::uint32_t>(1).value<std::uint8_t>(2);
  PayloadReader reader(request.payload());
  reader.read<std::uint32_t>();
  CHECK_FALSE(reader.complete());
  CHECK(reader.problem() == "expected 4 bytes, got 5");
}

TEST_CASE("lengths that lie") {
  for (const std::uint64_t length : {std::uint64_t{5}, std::uint64_t{1} << 32, UINT64_MAX, UINT64_MAX - 7}) {
    CAPTURE(length);
    Request request;
    request.value(length).value<std::uint32_t>(0);
    SUBCASE("of a buffer") {
      PayloadReader reader(request.payload());
      CHECK(reader.read_bytes().empty());
      CHECK_FALSE(reader.complete());
    }
    SUBCASE("of a string") {
      PayloadReader reader(request.payload());
      CHECK(reader.read_string(65535).empty());
      CHECK_FALSE(reader.complete());
    }
  }
}

TEST_CASE("strings") {
  SUBCASE("as long as allowed") {
    Request request;
    request.text("abcd");
    PayloadReader reader(request.payload());
    CHECK(reader.read_string(4) == "abcd");
    CHECK(reader.complete());
  }
  SUBCASE("longer than allowed") {
    Request request;
    request.text("abcde");
    PayloadReader reader(request.payload());
    CHECK(reader.read_string(4).empty());
    CHECK(reader.problem() == "expected a string of at most 4 bytes, got 5");
  }
  SUBCASE("with a NUL inside") {
    Request request;
    request.text(std::string_view("a\0b", 3));
    PayloadReader reader(request.payload());
    CHECK(reader.read_string(100).empty());
    CHECK_FALSE(reader.complete());
  }
}

TEST_CASE("the length of a response is bounded") {
  Request request;
  request.value<std::uint64_t>(VGPU_FRAME_PAYLOAD_LIMIT)
      .value<std::uint64_t>(VGPU_FRAME_PAYLOAD_LIMIT + 1ULL);
  PayloadReader reader(request.payload());
  CHECK(reader.read_length() == VGPU_FRAME_PAYLOAD_LIMIT);
  CHECK(reader.read_length() == 0);
  CHECK_FALSE(reader.complete());
}

TEST_CASE("a writer packs values and buffers, and starts again") {
  PayloadWriter writer;
  writer.write<std::uint32_t>(0x01020304);
  const auto room = writer.bytes(100'000);
  std::fill(room.begin(), room.end(), std::byte{7});
  writer.write<std::uint8_t>(9);
  const auto written = writer.written();
  REQUIRE(written.size() == 100'005);
  CHECK(test::value_at<std::uint32_t>(written) == 0x01020304);
  CHECK(written[4] == std::byte{7});
  CHECK(written[100'003] == std::byte{7});
  CHECK(written[100'004] == std::byte{9});

  writer.clear();
  CHECK(writer.written().empty());
  writer.write<std::uint8_t>(1);
  CHECK(writer.written().size() == 1);
}
