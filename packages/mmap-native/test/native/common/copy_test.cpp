#include "os/copy.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "os/error.h"
#include "support.h"

namespace vgpu::os {
namespace {

using test::TemporaryDirectory;

constexpr unsigned ownerOnly = 0600;

TEST_CASE("a range is copied to another place, and nothing beside it") {
  const TemporaryDirectory directory;
  File file = File::createNew(directory.path("a"), ownerOnly);
  constexpr std::size_t length = 3'000'001;
  std::vector<std::byte> contents(2 * length + 10, std::byte{0xff});
  for (std::size_t index = 0; index < length; ++index) contents[index] = static_cast<std::byte>(index % 251);
  file.write(0, contents);
  copyWithin(file, 0, length + 5, length);

  std::vector<std::byte> copied(contents.size());
  REQUIRE(file.read(0, copied) == contents.size());
  std::copy_n(contents.begin(), length, contents.begin() + length + 5);
  CHECK(copied == contents);
}

TEST_CASE("a file that is shorter than the range is an error") {
  const TemporaryDirectory directory;
  File file = File::createNew(directory.path("a"), ownerOnly);
  file.resize(100);
  CHECK_THROWS_AS(copyWithin(file, 200, 0, 10), Error);
}

}  // namespace
}  // namespace vgpu::os
