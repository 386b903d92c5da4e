#include "daemon/listening_socket.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace vgpu::executor {
namespace {

constexpr mode_t kSocketMask = 0117;  // leaves 0660
constexpr int kBacklog = 512;

[[noreturn]] void fail(const std::string& path, const std::string& what) {
  throw ListenError("cannot listen at " + path + ": " + what);
}

[[noreturn]] void fail_with_errno(const std::string& path, const char* what) {
  fail(path, std::string(what) + ": " + std::strerror(errno));
}

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof(address.sun_path)) {
    fail(path, "a socket's path has 1 to " + std::to_string(sizeof(address.sun_path) - 1) +
                   " bytes, this one " + std::to_string(path.size()));
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

FileDescriptor new_socket(const std::string& path) {
  FileDescriptor created(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!created) fail_with_errno(path, "socket");
  return created;
}

/// Held while the file is looked at and replaced, so that two daemons that start at once do not remove each
/// other's.
FileDescriptor lock_folder_of(const std::string& path) {
  std::string folder = std::filesystem::path(path).parent_path();
  if (folder.empty()) folder = ".";
  FileDescriptor lock(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!lock) fail_with_errno(path, "open its folder");
  if (flock(lock.get(), LOCK_EX) != 0) fail_with_errno(path, "lock its folder");
  return lock;
}

bool bind_with_mode(int socket, const sockaddr_un& address) {
  const mode_t previous = umask(kSocketMask);
  const int result = bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  const int error = errno;
  umask(previous);
  errno = error;
  return result == 0;
}

/// Removes the socket of a daemon that is gone: nobody accepts a connection to it.
void remove_stale(const std::string& path, const sockaddr_un& address) {
  struct stat status {};
  if (lstat(path.c_str(), &status) != 0) fail_with_errno(path, "lstat");
  if (!S_ISSOCK(status.st_mode)) fail(path, "there is a file of that name, and it is no socket");
  const FileDescriptor probe = new_socket(path);
  if (connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0 ||
      errno == EAGAIN) {
    fail(path, "another process listens there");
  }
  if (errno != ECONNREFUSED) fail_with_errno(path, "connect to what is there");
  if (unlink(path.c_str()) != 0) fail_with_errno(path, "remove what a dead process left");
}

}  // namespace

ListeningSocket::ListeningSocket(const std::string& path) : path_(path) {
  const sockaddr_un address = address_of(path);
  socket_ = new_socket(path);
  const FileDescriptor lock = lock_folder_of(path);
  if (!bind_with_mode(socket_.get(), address)) {
    if (errno != EADDRINUSE) fail_with_errno(path, "bind");
    remove_stale(path, address);
    if (!bind_with_mode(socket_.get(), address)) fail_with_errno(path, "bind");
  }
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) fail_with_errno(path, "stat");
  device_ = status.st_dev;
  inode_ = status.st_ino;
  if (listen(socket_.get(), kBacklog) != 0) {
    const int error = errno;
    static_cast<void>(unlink(path.c_str()));
    errno = error;
    fail_with_errno(path, "listen");
  }
}

ListeningSocket::~ListeningSocket() {
  if (!socket_) return;
  struct stat status {};
  const bool ours = lstat(path_.c_str(), &status) == 0 && status.st_dev == device_ && status.st_ino == inode_;
  // Nobody is left to tell when it fails; the next daemon removes it.
  if (ours) static_cast<void>(unlink(path_.c_str()));
}

void ListeningSocket::forget() {
  socket_.reset();
}

}  // namespace vgpu::executor
