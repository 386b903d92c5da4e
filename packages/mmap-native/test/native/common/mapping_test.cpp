#include "os/mapping.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <limits>

#include "marked_file.h"

namespace vgpu::os {
namespace {

using test::errorName;
using test::mark;
using test::MarkedFile;
using test::pages;
using test::TemporaryDirectory;

constexpr unsigned ownerOnly = 0600;

TEST_CASE("what is written into a shared mapping is in the file") {
  const std::size_t start = mappingGranularity();
  MarkedFile marked(start / pageSize() + 3);
  auto mapping = Mapping::ofFile(marked.file, start, pages(2) + 5, Sharing::shared);
  CHECK(mapping.bytes().size() == pages(2) + 5);
  CHECK(mapping.bytes()[0] == mark);
  mapping.bytes()[pages(1)] = std::byte{1};
  CHECK(marked.at(start + pages(1)) == std::byte{1});
  CHECK(marked.at(start + pages(1) + 1) == mark);
}

TEST_CASE("what is written into a private mapping is not") {
  MarkedFile marked(2);
  const File file = File::open(marked.directory.path("a"), Access::read);
  auto mapping = Mapping::ofFile(file, 0, pages(2), Sharing::copyOnWrite);
  mapping.bytes()[0] = std::byte{1};
  mapping.writeBack(0, pages(2));
  CHECK(mapping.bytes()[0] == std::byte{1});
  CHECK(marked.at(0) == mark);
}

TEST_CASE("offsets go beyond 4 GiB") {
  const TemporaryDirectory directory;
  File file = File::createNew(directory.path("a"), ownerOnly);
  const std::uint64_t offset = std::uint64_t{6} << 30;
  file.resize(offset + pages(1));
  auto mapping = Mapping::ofFile(file, offset, pages(1), Sharing::shared);
  mapping.bytes()[9] = mark;
  std::array<std::byte, 1> byte{};
  REQUIRE(file.read(offset + 9, byte) == 1);
  CHECK(byte[0] == mark);
}

TEST_CASE("discarding rounds inwards") {
  auto mapping = Mapping::anonymous(pages(3) + 10);
  std::fill(mapping.bytes().begin(), mapping.bytes().end(), mark);
  mapping.discard(1, pages(2) - 2);
  CHECK(std::all_of(mapping.bytes().begin(), mapping.bytes().end(),
                    [](std::byte byte) { return byte == mark; }));

  mapping.discard(1, pages(2));
  CHECK(mapping.bytes()[pages(1) - 1] == mark);
  CHECK(mapping.bytes()[pages(1)] == std::byte{0});
  CHECK(mapping.bytes()[pages(2)] == mark);

  // To the end: the rest of the last page is nobody's.
  mapping.discard(pages(2), pages(1) + 10);
  CHECK(mapping.bytes()[pages(3) + 9] == std::byte{0});
  CHECK(mapping.residentBytes(pages(1), pages(2) + 10) <= pages(3));
  CHECK(mapping.bytes()[0] == mark);
}

TEST_CASE("anonymous memory is zeros, and costs nothing before it is touched") {
  auto mapping = Mapping::anonymous(pages(1024));
  CHECK(mapping.residentBytes(0, pages(1024)) == 0);
  CHECK(mapping.bytes()[pages(500)] == std::byte{0});
  mapping.bytes()[pages(500)] = mark;
  CHECK(mapping.residentBytes(pages(500), 1) == pageSize());
  CHECK_FALSE(mapping.faulted());
}

TEST_CASE("memory can be advised and read ahead") {
  MarkedFile marked(8);
  auto mapping = Mapping::ofFile(marked.file, 0, pages(8), Sharing::shared);
  for (const Advice advice : {Advice::sequential, Advice::random, Advice::normal}) {
    CHECK(errorName([&] { mapping.advise(advice, 5, pages(2)); }) == "");
  }
  CHECK(errorName([&] { mapping.prefetch(1, pages(7)); }) == "");
}

TEST_CASE("pinned pages are in memory and stay there") {
#ifdef __SANITIZE_ADDRESS__
  MESSAGE("skipped: AddressSanitizer replaces mlock() by nothing");
#else
  MarkedFile marked(8);
  auto mapping = Mapping::ofFile(marked.file, 0, pages(8), Sharing::shared);
  mapping.discard(0, pages(8));
  marked.file.dropCache(0, pages(8));
  mapping.pin(pages(1) + 1, 1);
  CHECK(mapping.residentBytes(pages(1), pages(1)) == pages(1));
  CHECK(errorName([&] { mapping.discard(pages(1), pages(1)); }) != "");
  mapping.unpin(pages(1) + 1, 1);
  CHECK(errorName([&] { mapping.discard(pages(1), pages(1)); }) == "");
#endif
}

TEST_CASE("a moved mapping has one owner, and what cannot be mapped is an error") {
  MarkedFile marked(1);
  auto first = Mapping::ofFile(marked.file, 0, pages(1), Sharing::shared);
  auto second = std::move(first);
  CHECK(second.bytes()[0] == mark);
  second = Mapping::anonymous(pages(1));
  CHECK(second.bytes()[0] == std::byte{0});
  CHECK(errorName([&] { Mapping::ofFile(marked.file, 1, pages(1), Sharing::shared); }) != "");
  CHECK(errorName([] { Mapping::anonymous(std::numeric_limits<std::size_t>::max() / 2); }) != "");
}

}  // namespace
}  // namespace vgpu::os
