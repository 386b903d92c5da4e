// Sending on a socket whose other end may go at any time.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <span>

namespace vgpu::executor {

/// Whether the error says that the other end has closed the connection.
bool is_gone(int error);

/// One part of a message, which sendmsg() only reads though its structure is shared with recvmsg().
iovec part(std::span<const std::byte> bytes);

/// Sends all of `parts`, and with the first byte a descriptor unless it is -1. Waits for room for as long as
/// it takes. False when the other end is gone. Throws std::system_error.
bool send_all(int socket, std::span<iovec> parts, int descriptor = -1);

/// Waits for bytes of a client that has begun a frame: a second on one machine, ten over a network. Throws
/// std::runtime_error when none come, unless somebody has stopped the client's process (SIGSTOP, a debugger).
void wait_for_rest(int socket);

}  // namespace vgpu::executor
