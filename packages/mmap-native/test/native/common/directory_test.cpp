#include "os/directory.h"

#include <doctest/doctest.h>

#include <set>

#include "support.h"

namespace vgpu::os {
namespace {

using test::TemporaryDirectory;

constexpr unsigned ownerOnly = 0600;

TEST_CASE("a directory lists its entries without itself and its parent") {
  const TemporaryDirectory directory;
  File::createNew(directory.path("a"), ownerOnly);
  File::createNew(directory.path("b"), ownerOnly);
  std::set<std::string> names;
  listDirectory(directory.path(), [&](const std::string& name) { names.insert(name); });
  CHECK(names == std::set<std::string>{"a", "b"});
  CHECK_THROWS_AS(listDirectory(directory.path("none"), [](const std::string&) {}), Error);
}

}  // namespace
}  // namespace vgpu::os
