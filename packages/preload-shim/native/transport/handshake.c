#include "transport/handshake.h"

#include <errno.h>
#include <string.h>

#include "transport/settings.h"

static const char NO_TOKEN[] = "it asks for a token: set VGPU_TOKEN_FILE";
static const char NOT_ASKED[] = "it does not ask for the token that VGPU_TOKEN_FILE names";
static const char NOT_PROVED[] = "it does not know the token itself";

static CUresult refuse(struct vgpu_welcome* welcome, const char* reason) {
  memcpy(welcome->message, reason, strlen(reason) + 1);
  return CUDA_ERROR_NOT_PERMITTED;
}

static int send_bytes(struct vgpu_stream* stream, void* bytes, size_t length,
                      struct vgpu_patience* patience) {
  struct iovec part = {.iov_base = bytes, .iov_len = length};
  return vgpu_stream_send(stream, &part, 1, patience);
}

static int send_hello(struct vgpu_stream* stream, const unsigned char nonce[VGPU_NONCE_BYTES],
                      struct vgpu_patience* patience) {
  struct vgpu_hello hello = {
      .magic = VGPU_MAGIC,
      .protocol_version = VGPU_PROTOCOL_VERSION,
      .schema_hash = VGPU_SCHEMA_HASH,
      .process_id = vgpu_process_id(),
      .purpose = VGPU_HELLO_SESSION,
  };
  if (vgpu_shared_memory_wanted() && vgpu_socket_is_local(stream->descriptor)) {
    hello.features |= VGPU_FEATURE_SHARED_MEMORY;
  }
  const char* name = program_invocation_short_name;
  memcpy(hello.program, name, strnlen(name, sizeof(hello.program) - 1));
  memcpy(hello.nonce, nonce, sizeof(hello.nonce));
  return send_bytes(stream, &hello, sizeof(hello), patience);
}

static int receive_welcome(struct vgpu_stream* stream, struct vgpu_welcome* welcome,
                           struct vgpu_patience* patience, CUresult* refusal) {
  static const uint8_t schema_hash[] = VGPU_SCHEMA_HASH;
  const int status = vgpu_stream_receive(stream, welcome, sizeof(*welcome), patience);
  if (status != 0) return status;
  if (welcome->magic != VGPU_MAGIC) return -EPROTO;
  // Texts end up in strings that programs read: whatever came, they end.
  welcome->message[sizeof(welcome->message) - 1] = '\0';
  welcome->backend[sizeof(welcome->backend) - 1] = '\0';
  welcome->driver_release[sizeof(welcome->driver_release) - 1] = '\0';
  if (welcome->protocol_version != VGPU_PROTOCOL_VERSION ||
      memcmp(welcome->schema_hash, schema_hash, sizeof(schema_hash)) != 0) {
    *refusal = CUDA_ERROR_SYSTEM_DRIVER_MISMATCH;
  } else if (welcome->status != VGPU_STATUS_PROVE) {
    *refusal = (CUresult)welcome->status;
  }
  return 0;
}

// The executor has asked for our proof: gives it, and checks the executor's own.
static int prove(struct vgpu_stream* stream, struct vgpu_welcome* welcome, const struct vgpu_token* token,
                 const unsigned char nonce[VGPU_NONCE_BYTES], struct vgpu_patience* patience,
                 CUresult* refusal) {
  struct vgpu_proof own;
  unsigned char expected[VGPU_PROOF_BYTES];
  if (token == NULL) {
    *refusal = refuse(welcome, NO_TOKEN);
    return 0;
  }
  vgpu_token_proof(token, VGPU_PROOF_LABEL_GUEST, nonce, welcome->nonce, own.proof);
  vgpu_token_proof(token, VGPU_PROOF_LABEL_EXECUTOR, nonce, welcome->nonce, expected);
  int status = send_bytes(stream, &own, sizeof(own), patience);
  if (status == 0) status = receive_welcome(stream, welcome, patience, refusal);
  if (status != 0 || *refusal != CUDA_SUCCESS) return status;
  if (welcome->status != CUDA_SUCCESS || !vgpu_same_proof(welcome->proof, expected)) {
    *refusal = refuse(welcome, NOT_PROVED);
  }
  return 0;
}

static int receive_devices(struct vgpu_stream* stream, struct vgpu_snapshot* snapshot,
                           struct vgpu_patience* patience) {
  const uint32_t count = snapshot->welcome.device_count;
  if (count > VGPU_MAXIMUM_DEVICES) return -EPROTO;
  const int status =
      vgpu_stream_receive(stream, snapshot->devices, count * sizeof(struct vgpu_device), patience);
  for (uint32_t i = 0; status == 0 && i < count; ++i) {
    struct vgpu_device* device = &snapshot->devices[i];
    device->name[sizeof(device->name) - 1] = '\0';
    device->pci_bus_id[sizeof(device->pci_bus_id) - 1] = '\0';
  }
  return status;
}

int vgpu_shake_hands(struct vgpu_stream* stream, struct vgpu_snapshot* snapshot,
                     const struct vgpu_token* token, int64_t deadline, CUresult* refusal) {
  struct vgpu_patience patience = vgpu_patience_until(deadline);
  struct vgpu_welcome* welcome = &snapshot->welcome;
  unsigned char nonce[VGPU_NONCE_BYTES] = {0};
  *refusal = CUDA_SUCCESS;
  int status = token == NULL ? 0 : vgpu_random(nonce, sizeof(nonce));
  if (status == 0) status = send_hello(stream, nonce, &patience);
  if (status == 0) status = receive_welcome(stream, welcome, &patience, refusal);
  if (status != 0 || *refusal != CUDA_SUCCESS) return status;
  if (welcome->status == VGPU_STATUS_PROVE) {
    status = prove(stream, welcome, token, nonce, &patience, refusal);
  } else if (token != NULL) {
    *refusal = refuse(welcome, NOT_ASKED);
  }
  if (status != 0 || *refusal != CUDA_SUCCESS) return status;
  return receive_devices(stream, snapshot, &patience);
}
