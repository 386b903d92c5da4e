#include <doctest/doctest.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <optional>

#include "os/file.h"
#include "support.h"

namespace vgpu::os {
namespace {

using test::TemporaryDirectory;

constexpr unsigned ownerOnly = 0600;

struct Pipe {
  Pipe() {
    if (pipe(ends.data()) != 0) throw std::runtime_error("pipe failed");
  }
  void send() const {
    if (write(ends[1], "x", 1) != 1) throw std::runtime_error("write failed");
  }
  void receive() const {
    char byte = 0;
    if (read(ends[0], &byte, 1) != 1) throw std::runtime_error("read failed");
  }
  std::array<int, 2> ends{};
};

TEST_CASE("a forked child shares the lock, until both have closed the file") {
  const TemporaryDirectory directory;
  std::optional<File> locked = File::createNew(directory.path("a"), ownerOnly);
  REQUIRE(locked->tryLock(LockKind::exclusive));
  File other = File::open(directory.path("a"), Access::readWrite);
  const Pipe mayEnd;

  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    mayEnd.receive();
    _exit(0);
  }
  locked.reset();
  CHECK_FALSE(other.tryLock(LockKind::exclusive));
  mayEnd.send();
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(other.tryLock(LockKind::exclusive));
}

TEST_CASE("the lock of a killed process is free") {
  const TemporaryDirectory directory;
  const std::string path = directory.path("a");
  File file = File::createNew(path, ownerOnly);
  const Pipe locked;

  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    File own = File::open(path, Access::readWrite);
    if (!own.tryLock(LockKind::exclusive)) _exit(1);
    locked.send();
    pause();
    _exit(0);
  }
  locked.receive();
  CHECK_FALSE(file.tryLock(LockKind::exclusive));
  REQUIRE(kill(child, SIGKILL) == 0);
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(file.tryLock(LockKind::exclusive));
}

TEST_CASE("two names of one file are the same file") {
  const TemporaryDirectory directory;
  const File first = File::createNew(directory.path("a"), ownerOnly);
  REQUIRE(link(directory.path("a").c_str(), directory.path("b").c_str()) == 0);
  CHECK(File::open(directory.path("b"), Access::read).identity() == first.identity());
  CHECK_FALSE(File::createNew(directory.path("c"), ownerOnly).identity() == first.identity());
}

}  // namespace
}  // namespace vgpu::os
