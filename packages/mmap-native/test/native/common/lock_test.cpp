#include <doctest/doctest.h>

#include "os/file.h"
#include "support.h"

namespace vgpu::os {
namespace {

using test::TemporaryDirectory;

constexpr unsigned ownerOnly = 0600;

TEST_CASE("shared locks live together, an exclusive one alone") {
  const TemporaryDirectory directory;
  File first = File::createNew(directory.path("a"), ownerOnly);
  File second = File::open(directory.path("a"), Access::readWrite);
  CHECK(first.tryLock(LockKind::shared));
  CHECK(second.tryLock(LockKind::shared));
  CHECK_FALSE(first.tryLock(LockKind::exclusive));
  second.unlock();
  CHECK(first.tryLock(LockKind::exclusive));
  CHECK_FALSE(second.tryLock(LockKind::shared));
  first.close();
  CHECK(second.tryLock(LockKind::exclusive));
}

TEST_CASE("closing another descriptor of the file keeps the lock") {
  const TemporaryDirectory directory;
  File locked = File::createNew(directory.path("a"), ownerOnly);
  REQUIRE(locked.tryLock(LockKind::exclusive));
  File::open(directory.path("a"), Access::read).close();
  CHECK_FALSE(File::open(directory.path("a"), Access::readWrite).tryLock(LockKind::exclusive));
}

}  // namespace
}  // namespace vgpu::os
