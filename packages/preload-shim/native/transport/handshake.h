// The first words on a connection.

#ifndef VGPU_TRANSPORT_HANDSHAKE_H
#define VGPU_TRANSPORT_HANDSHAKE_H

#include "cuda_abi.h"
#include "transport/connection.h"
#include "transport/token.h"

// Returns 0 or a negative errno. With 0, *refusal is CUDA_SUCCESS or why there is no session, and the
// snapshot's message says so in words. `token` is NULL where none is to be proved.
int vgpu_shake_hands(struct vgpu_stream* stream, struct vgpu_snapshot* snapshot,
                     const struct vgpu_token* token, int64_t deadline, CUresult* refusal);

#endif
