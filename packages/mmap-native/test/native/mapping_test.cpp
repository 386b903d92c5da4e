#include "os/mapping.h"

#include <doctest/doctest.h>
#include <sys/mman.h>

#include <algorithm>
#include <cerrno>

#include "common/marked_file.h"

namespace vgpu::os {
namespace {

using test::errorName;
using test::MarkedFile;
using test::pages;

TEST_CASE("a range that no page begins or ends with can be written back") {
  MarkedFile marked(4);
  auto mapping = Mapping::ofFile(marked.file, 0, pages(4), Sharing::shared);
  // The system itself refuses this one.
  CHECK(msync(mapping.bytes().data() + 1, 10, MS_SYNC) == -1);
  CHECK(errno == EINVAL);
  std::fill(mapping.bytes().begin(), mapping.bytes().end(), std::byte{2});
  CHECK(errorName([&] { mapping.writeBack(pages(1) - 1, 2); }) == "");
  CHECK(errorName([&] { mapping.writeBack(pages(4) - 1, 1); }) == "");
  CHECK(errorName([&] { mapping.writeBack(7, 0); }) == "");
}

TEST_CASE("discarding a file's pages frees them, in the page cache too, and keeps the data") {
  MarkedFile marked(64);
  auto mapping = Mapping::ofFile(marked.file, 0, pages(64), Sharing::shared);
  std::fill(mapping.bytes().begin(), mapping.bytes().end(), std::byte{3});
  CHECK(mapping.residentBytes(0, pages(64)) == pages(64));
  mapping.discard(0, pages(64));
  marked.file.dropCache(0, pages(64));
  CHECK(mapping.residentBytes(0, pages(64)) == 0);
  CHECK(mapping.bytes()[pages(64) - 1] == std::byte{3});
}

}  // namespace
}  // namespace vgpu::os
