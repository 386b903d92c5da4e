// A socket that clients connect to and, where it is a unix socket, its file.
#pragma once

#include <sys/types.h>

#include <stdexcept>
#include <string>

#include "support/address.h"
#include "support/file_descriptor.h"

namespace vgpu::executor {

/// The socket cannot be had; what() names address and cause.
class ListenError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class ListeningSocket {
 public:
  /// The file of a unix socket has mode 0660. One that a dead daemon left there is replaced, one that
  /// somebody listens on is not, nor is anything else of that name. Throws ListenError.
  explicit ListeningSocket(const Address& address);
  /// Removes the file, unless it is no longer this socket's.
  ~ListeningSocket();
  ListeningSocket(const ListeningSocket&) = delete;
  ListeningSocket& operator=(const ListeningSocket&) = delete;

  [[nodiscard]] int get() const { return socket_.get(); }
  /// With the port that the system chose where it was asked to.
  [[nodiscard]] const Address& address() const { return address_; }
  /// Closes the socket and leaves the file: for a process that was forked.
  void forget();

 private:
  void bind_file();
  void bind_network();
  void remove_file();

  Address address_;
  FileDescriptor socket_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

}  // namespace vgpu::executor
