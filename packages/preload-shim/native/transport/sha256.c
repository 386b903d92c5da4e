#include "transport/sha256.h"

#include <string.h>

// The first 32 bits of the fractional parts of the cube roots of the first 64 primes (FIPS 180-4, 4.2.2).
static const uint32_t ROUND[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static uint32_t rotate(uint32_t value, unsigned int bits) {
  return value >> bits | value << (32 - bits);
}

static void expand(const uint8_t* block, uint32_t schedule[64]) {
  for (size_t i = 0; i < 16; ++i) {
    schedule[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 |
                  (uint32_t)block[4 * i + 2] << 8 | block[4 * i + 3];
  }
  for (size_t i = 16; i < 64; ++i) {
    const uint32_t near = schedule[i - 2];
    const uint32_t far = schedule[i - 15];
    schedule[i] = schedule[i - 16] + (rotate(far, 7) ^ rotate(far, 18) ^ far >> 3) + schedule[i - 7] +
                  (rotate(near, 17) ^ rotate(near, 19) ^ near >> 10);
  }
}

static void absorb(uint32_t state[8], const uint8_t* block) {
  uint32_t schedule[64];
  expand(block, schedule);
  uint32_t v[8];  // a to h of the standard
  memcpy(v, state, sizeof(v));
  for (size_t i = 0; i < 64; ++i) {
    const uint32_t choice = (v[4] & v[5]) ^ (~v[4] & v[6]);
    const uint32_t majority = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]);
    const uint32_t first =
        v[7] + (rotate(v[4], 6) ^ rotate(v[4], 11) ^ rotate(v[4], 25)) + choice + ROUND[i] + schedule[i];
    const uint32_t second = (rotate(v[0], 2) ^ rotate(v[0], 13) ^ rotate(v[0], 22)) + majority;
    memmove(v + 1, v, 7 * sizeof(*v));
    v[4] += first;
    v[0] = first + second;
  }
  for (size_t i = 0; i < 8; ++i) state[i] += v[i];
}

void vgpu_sha256_begin(struct vgpu_sha256* hash) {
  *hash = (struct vgpu_sha256){.state = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f,
                                         0x9b05688c, 0x1f83d9ab, 0x5be0cd19}};
}

void vgpu_sha256_add(struct vgpu_sha256* hash, const void* bytes, size_t length) {
  const uint8_t* from = bytes;
  while (length > 0) {
    const size_t filled = hash->length % VGPU_SHA256_BLOCK;
    const size_t room = VGPU_SHA256_BLOCK - filled;
    const size_t taken = length < room ? length : room;
    memcpy(hash->block + filled, from, taken);
    hash->length += taken;
    from += taken;
    length -= taken;
    if (taken == room) absorb(hash->state, hash->block);
  }
}

void vgpu_sha256_end(struct vgpu_sha256* hash, uint8_t digest[VGPU_SHA256_BYTES]) {
  static const uint8_t padding[VGPU_SHA256_BLOCK] = {0x80};
  const uint64_t bits = hash->length * 8;
  const size_t filled = hash->length % VGPU_SHA256_BLOCK;
  vgpu_sha256_add(hash, padding, filled < 56 ? 56 - filled : 120 - filled);
  uint8_t count[8];
  for (size_t i = 0; i < 8; ++i) count[i] = (uint8_t)(bits >> (56 - 8 * i));
  vgpu_sha256_add(hash, count, sizeof(count));
  for (size_t i = 0; i < VGPU_SHA256_BYTES; ++i) {
    digest[i] = (uint8_t)(hash->state[i / 4] >> (24 - i % 4 * 8));
  }
}

void vgpu_hmac_sha256(const void* key, size_t key_length, const void* message, size_t message_length,
                      uint8_t digest[VGPU_SHA256_BYTES]) {
  struct vgpu_sha256 hash;
  uint8_t block[VGPU_SHA256_BLOCK] = {0};
  if (key_length > sizeof(block)) {
    vgpu_sha256_begin(&hash);
    vgpu_sha256_add(&hash, key, key_length);
    vgpu_sha256_end(&hash, block);
  } else {
    memcpy(block, key, key_length);
  }
  for (size_t i = 0; i < sizeof(block); ++i) block[i] ^= 0x36;
  vgpu_sha256_begin(&hash);
  vgpu_sha256_add(&hash, block, sizeof(block));
  vgpu_sha256_add(&hash, message, message_length);
  vgpu_sha256_end(&hash, digest);
  for (size_t i = 0; i < sizeof(block); ++i) block[i] ^= 0x36 ^ 0x5c;
  vgpu_sha256_begin(&hash);
  vgpu_sha256_add(&hash, block, sizeof(block));
  vgpu_sha256_add(&hash, digest, VGPU_SHA256_BYTES);
  vgpu_sha256_end(&hash, digest);
}
