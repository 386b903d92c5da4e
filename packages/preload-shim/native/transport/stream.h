// Bytes over the connection, never waiting longer than a deadline: through its socket, or through shared
// memory.

#ifndef VGPU_TRANSPORT_STREAM_H
#define VGPU_TRANSPORT_STREAM_H

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "adaptive_spin.h"
#include "shared_ring.h"
#include "transport/system.h"

enum { VGPU_STREAM_BUFFER = 4096 };

struct vgpu_stream {
  int descriptor;
  struct vgpu_file_identity identity;
  int64_t silence;  // milliseconds after which a peer that owes something is given up
  // Received and not yet taken: one recv fetches a small response with its header.
  size_t first;
  size_t end;
  int passed;  // a file that came with a response and nobody has taken yet; -1 for none
  unsigned char buffer[VGPU_STREAM_BUFFER];
  struct vgpu_shared_rings* rings;  // NULL: the bytes go through the socket
  struct vgpu_ring_writer requests;
  struct vgpu_ring_reader responses;
  struct vgpu_spin spin;
};

// How long to wait for the next byte.
struct vgpu_patience {
  int64_t deadline;  // 0: starts with the next wait
  int64_t silence;   // every byte starts a new deadline so far away; 0: the deadline is for everything
};

struct vgpu_patience vgpu_patience_until(int64_t deadline);
struct vgpu_patience vgpu_patience_for_silence(int64_t milliseconds);
// Something has moved.
void vgpu_patience_progressed(struct vgpu_patience* patience);

// All return 0, or a negative errno: -ETIMEDOUT, -ECONNRESET when the peer closed the connection, -EPROTO
// when it sent something that nobody asked for, -EBADF when the descriptor is no longer our socket.

int vgpu_stream_check(const struct vgpu_stream* stream);
// Waits at the socket for events of poll(); returns 0 also after a signal.
int vgpu_stream_wait(const struct vgpu_stream* stream, short events, struct vgpu_patience* patience);
// Closes what is still ours: a descriptor that is no longer our socket belongs to the program.
void vgpu_stream_close(struct vgpu_stream* stream);
// The file that came with the last response; -1 when none did.
int vgpu_stream_take_passed(struct vgpu_stream* stream);
// Uses up `parts`. Meanwhile "still working" frames of the peer count as a sign of life.
int vgpu_stream_send(struct vgpu_stream* stream, struct iovec* parts, size_t count,
                     struct vgpu_patience* patience);
int vgpu_stream_receive(struct vgpu_stream* stream, void* bytes, size_t length,
                        struct vgpu_patience* patience);

#endif
