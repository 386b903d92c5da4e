#include "os/file.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "support.h"

namespace vgpu::os {
namespace {

using test::errorName;
using test::TemporaryDirectory;

constexpr unsigned ownerOnly = 0600;
constexpr std::uint64_t beyondInt32 = (std::uint64_t{5} << 30) + 3;

TEST_CASE("reads are short at the end only, writes never") {
  const TemporaryDirectory directory;
  File file = File::createNew(directory.path("a"), ownerOnly);
  const std::vector<std::byte> written(6, std::byte{7});
  // Without it some systems fill 5 GiB with zeros.
  file.resize(beyondInt32);
  file.write(beyondInt32, written);
  CHECK(file.size() == beyondInt32 + written.size());

  std::vector<std::byte> target(written.size() + 10);
  CHECK(file.read(beyondInt32, target) == written.size());
  CHECK(std::equal(written.begin(), written.end(), target.begin()));
  CHECK(file.read(file.size(), target) == 0);
  CHECK(file.read(beyondInt32 - 4, target) == written.size() + 4);
  CHECK(target[3] == std::byte{0});
  CHECK(target[4] == written[0]);
  file.flush();
}

TEST_CASE("a moved file has one owner") {
  const TemporaryDirectory directory;
  File first = File::createNew(directory.path("a"), ownerOnly);
  const File::Handle handle = first.handle();
  File second = std::move(first);
  // NOLINTNEXTLINE(bugprone-use-after-move, clang-analyzer-cplusplus.Move): that is the question
  const bool stillOpen = first.isOpen();
  CHECK_FALSE(stillOpen);
  CHECK(second.handle() == handle);
  File third = File::createNew(directory.path("b"), ownerOnly);
  third = std::move(second);
  CHECK(third.handle() == handle);
  third.close();
  third.close();
  CHECK(errorName([&] { return third.size(); }) != "");
}

TEST_CASE("the cache forgets what was only written") {
  const TemporaryDirectory directory;
  File file = File::createNew(directory.path("a"), ownerOnly);
  const std::vector<std::byte> block(1 << 20, std::byte{7});
  file.write(0, block);
  file.dropCache(0, block.size());
  file.prefetch(0, block.size());
  std::vector<std::byte> target(block.size());
  CHECK(file.read(0, target) == block.size());
  CHECK(target == block);
}

}  // namespace
}  // namespace vgpu::os
