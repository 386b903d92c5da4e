// What a connection over a network needs beyond that of a unix socket.
#pragma once

namespace vgpu::executor {

/// Sends small frames at once, and notices within half a minute that the client's machine is gone. Does
/// nothing to a socket of another kind than TCP. Throws std::system_error.
void notice_silence(int socket);

}  // namespace vgpu::executor
