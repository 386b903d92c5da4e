// The stream by way of shared memory, where guest and worker are on one machine (see shared_ring.h). The
// socket then carries no frames: a byte on it means "look again" or "still working", and its end is the
// worker's end.

#ifndef VGPU_TRANSPORT_RINGS_H
#define VGPU_TRANSPORT_RINGS_H

#include "transport/stream.h"

// Maps the file that came with the welcome; the descriptor stays the caller's. 0 or a negative errno.
int vgpu_rings_open(struct vgpu_stream* stream, int file);
void vgpu_rings_close(struct vgpu_stream* stream);

// As vgpu_stream_send and vgpu_stream_receive, which call them, but whoever calls has made sure that the
// memory can be read and written.
int vgpu_rings_send(struct vgpu_stream* stream, const struct iovec* parts, size_t count,
                    struct vgpu_patience* patience);
int vgpu_rings_receive(struct vgpu_stream* stream, void* bytes, size_t length,
                       struct vgpu_patience* patience);

#endif
