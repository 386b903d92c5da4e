#include "os/directory.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <set>

#include "support.h"

namespace vgpu::os {
namespace {

using test::errorName;
using test::TemporaryDirectory;

constexpr unsigned ownerOnly = 0600;
constexpr unsigned groupMayRead = 0640;

TEST_CASE("a file takes the place of another at once") {
  const TemporaryDirectory directory;
  const File first = File::createNew(directory.path("a"), ownerOnly);
  const File second = File::createNew(directory.path("b"), ownerOnly);
  replace(directory.path("b"), directory.path("a"));
  flushDirectory(directory.path());
  CHECK(identityOf(directory.path("a")) == second.identity());
  CHECK(errorName([&] { return identityOf(directory.path("b")); }) == "ENOENT");
  removeFile(directory.path("a"));
  CHECK(errorName([&] { removeFile(directory.path("a")); }) == "ENOENT");
  CHECK(errorName([&] { flushDirectory(directory.path("a")); }) == "ENOENT");
}

TEST_CASE("links are followed to their end, also when nothing is there yet") {
  const TemporaryDirectory directory;
  const auto link = [&](const std::string& target, const std::string& name) {
    REQUIRE(symlink(target.c_str(), directory.path(name).c_str()) == 0);
  };
  CHECK(resolveLink(directory.path("new")) == directory.path("new"));
  link("file", "relative");
  link(directory.path("relative"), "absolute");
  CHECK(resolveLink(directory.path("absolute")) == directory.path("file"));
  link("loop", "loop");
  CHECK(errorName([&] { return resolveLink(directory.path("loop")); }) == "ELOOP");
}

TEST_CASE("permission bits can be read and set") {
  const TemporaryDirectory directory;
  File file = File::createNew(directory.path("a"), ownerOnly);
  CHECK(modeOf(directory.path("a")) == ownerOnly);
  setMode(file, groupMayRead);
  CHECK(modeOf(directory.path("a")) == groupMayRead);
  CHECK(processId() == static_cast<std::uint64_t>(getpid()));
}

}  // namespace
}  // namespace vgpu::os
