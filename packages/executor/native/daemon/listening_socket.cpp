#include "daemon/listening_socket.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>

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

FileDescriptor new_socket(const Address& address) {
  FileDescriptor created(socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!created) fail_with_errno(address.url(), "socket");
  return created;
}

/// Held while the file is looked at and replaced, so that two daemons that start at once do not remove each
/// other's.
FileDescriptor lock_folder_of(const std::string& path) {
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  FileDescriptor lock(open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!lock) fail_with_errno(path, "open its folder");
  if (flock(lock.get(), LOCK_EX) != 0) fail_with_errno(path, "lock its folder");
  return lock;
}

bool bind_with_mode(int socket, const Address& address) {
  const mode_t previous = umask(kSocketMask);
  const int result = bind(socket, address.get(), address.length());
  const int error = errno;
  umask(previous);
  errno = error;
  return result == 0;
}

/// Removes the socket of a daemon that is gone: nobody accepts a connection to it.
void remove_stale(const Address& address) {
  const std::string path = address.path();
  struct stat status {};
  if (lstat(path.c_str(), &status) != 0) fail_with_errno(path, "lstat");
  if (!S_ISSOCK(status.st_mode)) fail(path, "there is a file of that name, and it is no socket");
  const FileDescriptor probe = new_socket(address);
  if (connect(probe.get(), address.get(), address.length()) == 0 || errno == EAGAIN) {
    fail(path, "another process listens there");
  }
  if (errno != ECONNREFUSED) fail_with_errno(path, "connect to what is there");
  if (unlink(path.c_str()) != 0) fail_with_errno(path, "remove what a dead process left");
}

void set_option(const Address& address, int socket, int level, int option) {
  const int on = 1;
  if (setsockopt(socket, level, option, &on, sizeof(on)) != 0) fail_with_errno(address.url(), "setsockopt");
}

}  // namespace

ListeningSocket::ListeningSocket(const Address& address) : address_(address) {
  socket_ = new_socket(address);
  if (address.family() == AF_UNIX) {
    bind_file();
  } else {
    bind_network();
  }
  if (listen(socket_.get(), kBacklog) != 0) {
    const int error = errno;
    remove_file();
    errno = error;
    fail_with_errno(address.url(), "listen");
  }
  address_ = Address::of_socket(socket_.get());
}

void ListeningSocket::bind_file() {
  const std::string path = address_.path();
  const FileDescriptor lock = lock_folder_of(path);
  if (!bind_with_mode(socket_.get(), address_)) {
    if (errno != EADDRINUSE) fail_with_errno(path, "bind");
    remove_stale(address_);
    if (!bind_with_mode(socket_.get(), address_)) fail_with_errno(path, "bind");
  }
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) fail_with_errno(path, "stat");
  device_ = status.st_dev;
  inode_ = status.st_ino;
}

void ListeningSocket::bind_network() {
  const bool internet = address_.family() == AF_INET || address_.family() == AF_INET6;
  // Connections of an earlier daemon may still be fading away.
  if (internet) set_option(address_, socket_.get(), SOL_SOCKET, SO_REUSEADDR);
  if (address_.family() == AF_INET6) set_option(address_, socket_.get(), IPPROTO_IPV6, IPV6_V6ONLY);
  if (bind(socket_.get(), address_.get(), address_.length()) != 0) fail_with_errno(address_.url(), "bind");
}

ListeningSocket::~ListeningSocket() {
  if (socket_) remove_file();
}

void ListeningSocket::remove_file() {
  const std::string path = address_.path();
  if (path.empty()) return;
  struct stat status {};
  const bool ours = lstat(path.c_str(), &status) == 0 && status.st_dev == device_ && status.st_ino == inode_;
  // Nobody is left to tell when it fails; the next daemon removes it.
  if (ours) static_cast<void>(unlink(path.c_str()));
}

void ListeningSocket::forget() {
  socket_.reset();
}

}  // namespace vgpu::executor
