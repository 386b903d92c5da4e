#include "transport/token.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "transport/sha256.h"
#include "transport/system.h"

static bool is_space(unsigned char character) {
  return character == ' ' || (character >= '\t' && character <= '\r');
}

static int read_all(int file, struct vgpu_token* token) {
  const int64_t size = vgpu_file_bytes(file);
  if (size < 0) return (int)size;
  if (size > VGPU_TOKEN_MOST) return -EINVAL;
  size_t length = 0;
  while (length < sizeof(token->bytes)) {
    const long count = vgpu_read(file, token->bytes + length, sizeof(token->bytes) - length);
    if (count == -EINTR) continue;
    if (count < 0) return (int)count;
    if (count == 0) break;
    length += (size_t)count;
  }
  while (length > 0 && is_space(token->bytes[length - 1])) --length;
  token->length = length;
  return length < VGPU_TOKEN_LEAST ? -EINVAL : 0;
}

int vgpu_token_read(const char* path, struct vgpu_token* token) {
  // Without O_NONBLOCK a named pipe would hold the program up.
  const int file = vgpu_open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0);
  if (file < 0) return file;
  const int mode = vgpu_file_mode(file);
  int status = mode < 0 ? mode : 0;
  if (status == 0 && (mode & 07) != 0) status = -EPERM;
  if (status == 0) status = read_all(file, token);
  vgpu_close(file);
  return status;
}

void vgpu_token_proof(const struct vgpu_token* token, const char* label,
                      const unsigned char guest_nonce[VGPU_NONCE_BYTES],
                      const unsigned char executor_nonce[VGPU_NONCE_BYTES],
                      unsigned char proof[VGPU_PROOF_BYTES]) {
  enum { LABEL = sizeof(VGPU_PROOF_LABEL_GUEST) - 1 };
  unsigned char message[LABEL + 2 * VGPU_NONCE_BYTES];
  memcpy(message, label, LABEL);
  memcpy(message + LABEL, guest_nonce, VGPU_NONCE_BYTES);
  memcpy(message + LABEL + VGPU_NONCE_BYTES, executor_nonce, VGPU_NONCE_BYTES);
  vgpu_hmac_sha256(token->bytes, token->length, message, sizeof(message), proof);
}

bool vgpu_same_proof(const unsigned char* one, const unsigned char* other) {
  unsigned int difference = 0;
  for (size_t i = 0; i < VGPU_PROOF_BYTES; ++i) difference |= (unsigned int)(one[i] ^ other[i]);
  return difference == 0;
}
