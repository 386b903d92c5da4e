// Opening the connection: the socket, and the handshake that brings the device snapshot.

#ifndef VGPU_TRANSPORT_CONNECTION_H
#define VGPU_TRANSPORT_CONNECTION_H

#include "cuda_abi.h"
#include "transport/stream.h"
#include "vgpu_protocol.h"

// What the executor says about itself and its devices; constant for as long as the connection lasts.
struct vgpu_snapshot {
  struct vgpu_welcome welcome;
  struct vgpu_device devices[VGPU_MAXIMUM_DEVICES];
};

// CUDA_ERROR_NO_DEVICE without an executor (the cause is logged), CUDA_ERROR_SYSTEM_DRIVER_MISMATCH with one
// of another version, otherwise what the executor answers. On failure no descriptor stays open.
CUresult vgpu_connection_open(struct vgpu_stream* stream, struct vgpu_snapshot* snapshot);

#endif
