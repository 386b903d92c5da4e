#include "os/file.h"

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <vector>

#include "support.h"

namespace vgpu::os {
namespace {

using test::errorName;
using test::TemporaryDirectory;

constexpr unsigned anyoneMayRead = 0644;

std::vector<std::byte> bytesOf(const std::string& text) {
  std::vector<std::byte> bytes;
  for (const char character : text) bytes.push_back(static_cast<std::byte>(character));
  return bytes;
}

std::uint64_t blocksOf(const std::string& path) {
  struct stat status {};
  REQUIRE(stat(path.c_str(), &status) == 0);
  return static_cast<std::uint64_t>(status.st_blocks);
}

TEST_CASE("a new file takes over neither a file nor a link") {
  const TemporaryDirectory directory;
  const std::string path = directory.path("a");
  const File file = File::createNew(path, anyoneMayRead);
  CHECK(file.isOpen());
  CHECK(errorName([&] { File::createNew(path, anyoneMayRead); }) == "EEXIST");
  REQUIRE(symlink(directory.path("nowhere").c_str(), directory.path("link").c_str()) == 0);
  CHECK(errorName([&] { File::createNew(directory.path("link"), anyoneMayRead); }) == "EEXIST");
}

TEST_CASE("open can refuse links, and never waits for a pipe") {
  const TemporaryDirectory directory;
  const std::string path = directory.path("a");
  File::createNew(path, anyoneMayRead);
  REQUIRE(symlink(path.c_str(), directory.path("link").c_str()) == 0);
  CHECK(File::open(directory.path("link"), Access::read).isRegular());
  CHECK(errorName([&] { File::open(directory.path("link"), Access::read, Links::refuse); }) == "ELOOP");

  REQUIRE(mkfifo(directory.path("pipe").c_str(), S_IRUSR | S_IWUSR) == 0);
  CHECK_FALSE(File::open(directory.path("pipe"), Access::read).isRegular());
}

TEST_CASE("errors say what failed, and of what kind they are") {
  const TemporaryDirectory directory;
  try {
    File::open(directory.path("missing"), Access::read);
    FAIL("opened what is not there");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::notFound);
    CHECK(error.call() == std::string("open"));
    CHECK(error.number() == ENOENT);
    CHECK(error.path() == directory.path("missing"));
    CHECK(std::string(error.what()).find("ENOENT") != std::string::npos);
  }
  CHECK(Error("call", EROFS, "").kind() == ErrorKind::access);
  CHECK(Error("call", EDQUOT, "").kind() == ErrorKind::noSpace);
  CHECK(Error("call", EOPNOTSUPP, "").kind() == ErrorKind::unsupported);
  CHECK(Error("call", EEXIST, "").kind() == ErrorKind::exists);
  CHECK(Error("call", EIO, "").kind() == ErrorKind::io);
  CHECK(Error("call", 9999, "").name() == "9999");
}

TEST_CASE("reserved space is taken, and a hole gives it back") {
  const TemporaryDirectory directory;
  const std::string path = directory.path("a");
  File file = File::createNew(path, anyoneMayRead);
  file.reserve(0, 1 << 20);
  CHECK(file.size() == 1 << 20);
  const std::uint64_t reserved = blocksOf(path);
  CHECK(reserved * 512 >= 1 << 20);
  file.punchHole(0, 1 << 19);
  CHECK(blocksOf(path) < reserved);
  CHECK(file.size() == 1 << 20);
  file.resize(10);
  CHECK(file.size() == 10);
}

TEST_CASE("a reservation that fails leaves the size as it was") {
  const TemporaryDirectory directory;
  const int status = test::inChild([&] {
    const struct rlimit limit { .rlim_cur = 1 << 20, .rlim_max = 1 << 20 };
    if (signal(SIGXFSZ, SIG_IGN) == SIG_ERR || setrlimit(RLIMIT_FSIZE, &limit) != 0) return 2;
    File file = File::createNew(directory.path("a"), anyoneMayRead);
    file.write(0, bytesOf("contents"));
    if (errorName([&] { file.reserve(0, 4 << 20); }) != "EFBIG") return 3;
    return file.size() == 8 ? 0 : 4;
  });
  CHECK(status == 0);
}

TEST_CASE("a file without a name is in no directory") {
  const TemporaryDirectory directory;
  File file = File::createUnnamed(directory.path());
  file.write(0, bytesOf("x"));
  CHECK(std::filesystem::is_empty(directory.path()));
  CHECK(errorName([&] { File::createUnnamed("/proc"); }) != "");
}

}  // namespace
}  // namespace vgpu::os
