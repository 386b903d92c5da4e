#include "daemon/listening_socket.h"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>

#include "support/file_descriptor.h"

using namespace vgpu::executor;
namespace fs = std::filesystem;

namespace {

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (fs::temp_directory_path() / "vgpu-test-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp");
    path_ = pattern;
  }
  ~TemporaryFolder() { fs::remove_all(path_); }
  [[nodiscard]] std::string file(const std::string& name) const { return path_ / name; }

 private:
  fs::path path_;
};

bool can_connect(const std::string& path) {
  const FileDescriptor client(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
  return connect(client.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
}

std::string complaint(const std::string& path) {
  try {
    const ListeningSocket socket(Address::parse("unix:" + path));
  } catch (const ListenError& error) {
    return error.what();
  }
  return "";
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("it listens with mode 0660 and removes its file") {
  const TemporaryFolder folder;
  const std::string path = folder.file("s");
  {
    const ListeningSocket socket(Address::parse("unix:" + path));
    CHECK(can_connect(path));
    struct stat status {};
    REQUIRE(stat(path.c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0660);
  }
  CHECK_FALSE(fs::exists(path));
}

TEST_CASE("a dead daemon's socket is replaced") {
  const TemporaryFolder folder;
  const std::string path = folder.file("s");
  {
    ListeningSocket dead(Address::parse("unix:" + path));
    dead.forget();
  }
  REQUIRE(fs::exists(path));
  const ListeningSocket socket(Address::parse("unix:" + path));
  CHECK(can_connect(path));
}

TEST_CASE("a living daemon's socket is not") {
  const TemporaryFolder folder;
  const std::string path = folder.file("s");
  const ListeningSocket first(Address::parse("unix:" + path));
  CHECK(contains(complaint(path), "another process listens there"));
  CHECK(can_connect(path));
}

TEST_CASE("nor is any other file") {
  const TemporaryFolder folder;
  const std::string path = folder.file("s");
  std::ofstream(path) << "precious";
  CHECK(contains(complaint(path), "it is no socket"));
  CHECK(fs::file_size(path) == 8);
}

TEST_CASE("a file that somebody else has put there meanwhile stays") {
  const TemporaryFolder folder;
  const std::string path = folder.file("s");
  {
    const ListeningSocket socket(Address::parse("unix:" + path));
    fs::remove(path);
    std::ofstream(path) << "precious";
  }
  CHECK(fs::exists(path));
}

TEST_CASE("a folder that does not exist") {
  const TemporaryFolder folder;
  CHECK(contains(complaint(folder.file("missing/s")), "No such file or directory"));
}
