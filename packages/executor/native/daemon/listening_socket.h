// A unix socket that clients connect to, and its file.
#pragma once

#include <sys/types.h>

#include <stdexcept>
#include <string>

#include "support/file_descriptor.h"

namespace vgpu::executor {

/// The socket cannot be had; what() names path and cause.
class ListenError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class ListeningSocket {
 public:
  /// Listens at `path` with mode 0660. A socket that a dead daemon left there is replaced, one that somebody
  /// listens on is not, nor is anything else of that name. Throws ListenError.
  explicit ListeningSocket(const std::string& path);
  /// Removes the file, unless it is no longer this socket's.
  ~ListeningSocket();
  ListeningSocket(const ListeningSocket&) = delete;
  ListeningSocket& operator=(const ListeningSocket&) = delete;

  [[nodiscard]] int get() const { return socket_.get(); }
  /// Closes the socket and leaves the file: for a process that was forked.
  void forget();

 private:
  std::string path_;
  FileDescriptor socket_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

}  // namespace vgpu::executor
