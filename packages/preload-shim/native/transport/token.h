// The secret that guest and executor prove to each other where the kernel does not vouch for them.

#ifndef VGPU_TRANSPORT_TOKEN_H
#define VGPU_TRANSPORT_TOKEN_H

#include <stdbool.h>
#include <stddef.h>

#include "vgpu_protocol.h"

enum { VGPU_TOKEN_LEAST = 16, VGPU_TOKEN_MOST = 4096 };

struct vgpu_token {
  size_t length;
  unsigned char bytes[VGPU_TOKEN_MOST];
};

// The file's content without white space at its end. Returns 0 or a negative errno: -EPERM for a file that
// others than its owner and group can read, -EINVAL for one that is no regular file, too short or too long.
int vgpu_token_read(const char* path, struct vgpu_token* token);

void vgpu_token_proof(const struct vgpu_token* token, const char* label,
                      const unsigned char guest_nonce[VGPU_NONCE_BYTES],
                      const unsigned char executor_nonce[VGPU_NONCE_BYTES],
                      unsigned char proof[VGPU_PROOF_BYTES]);

// In a time that does not depend on where they differ.
bool vgpu_same_proof(const unsigned char* one, const unsigned char* other);

#endif
