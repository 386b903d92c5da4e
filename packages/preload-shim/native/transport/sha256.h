// SHA-256 (FIPS 180-4) and HMAC with it (RFC 2104): the guest links nothing but libc.

#ifndef VGPU_TRANSPORT_SHA256_H
#define VGPU_TRANSPORT_SHA256_H

#include <stddef.h>
#include <stdint.h>

enum { VGPU_SHA256_BLOCK = 64, VGPU_SHA256_BYTES = 32 };

struct vgpu_sha256 {
  uint32_t state[8];
  uint64_t length;  // in bytes
  uint8_t block[VGPU_SHA256_BLOCK];
};

void vgpu_sha256_begin(struct vgpu_sha256* hash);
void vgpu_sha256_add(struct vgpu_sha256* hash, const void* bytes, size_t length);
void vgpu_sha256_end(struct vgpu_sha256* hash, uint8_t digest[VGPU_SHA256_BYTES]);

void vgpu_hmac_sha256(const void* key, size_t key_length, const void* message, size_t message_length,
                      uint8_t digest[VGPU_SHA256_BYTES]);

#endif
