#include "transport/connection.h"

#include <errno.h>

#include "log.h"
#include "start/start.h"
#include "transport/address.h"
#include "transport/dial.h"
#include "transport/handshake.h"
#include "transport/rings.h"
#include "transport/settings.h"
#include "transport/token.h"

static const char* describe(int status) {
  switch (-status) {
    case ENOENT:
      return "there is no such socket";
    case ECONNREFUSED:
      return "nobody listens there";
    case EHOSTUNREACH:
    case ENETUNREACH:
      return "there is no way to that machine";
    case ENODEV:
    case EAFNOSUPPORT:
      return "this machine has no sockets of that kind";
    case EACCES:
    case EPERM:
      return "permission denied";
    case EINVAL:
      return "not an address of the form unix:/path, tcp:host:port or vsock:cid:port";
    case EDESTADDRREQ:
      return "not a numeric address or localhost, and names are not looked up here";
    case ENAMETOOLONG:
      return "the path is too long for a socket";
    case ETIMEDOUT:
      return "no answer in time";
    case ECONNRESET:
      return "it closed the connection";
    case EPROTO:
      return "the answer is not vgpu's protocol";
    default:
      return "system call failed";
  }
}

static const char* describe_token_problem(int status) {
  switch (-status) {
    case EPERM:
      return "others have access to it (chmod o-rwx)";
    case EINVAL:
      return "a token is a file of 16 to 4096 bytes";
    case ENOENT:
      return "there is no such file";
    default:
      return "it cannot be read";
  }
}

// Takes up what the executor has agreed to.
static int use_features(struct vgpu_stream* stream, uint32_t features) {
  if ((features & VGPU_FEATURE_SHARED_MEMORY) == 0) return 0;
  const int file = vgpu_stream_take_passed(stream);
  if (file < 0) return -EPROTO;
  const int status = vgpu_rings_open(stream, file);
  vgpu_close(file);
  if (status != 0) vgpu_log("shared memory cannot be used (%d); VGPU_SHARED_MEMORY=0 does without", -status);
  return status;
}

static CUresult no_executor(const char* url, int status) {
  vgpu_log("no executor at %s: %s (%d)", url, describe(status), -status);
  return CUDA_ERROR_NO_DEVICE;
}

static CUresult refused(const char* url, const struct vgpu_welcome* welcome, CUresult result) {
  if (result == CUDA_ERROR_SYSTEM_DRIVER_MISMATCH) {
    vgpu_log("the executor at %s and this library are of different versions: %s", url, welcome->message);
  } else {
    vgpu_log("the executor at %s refused: %s (%d)", url, welcome->message, (int)result);
  }
  return result;
}

// To *token the secret for this address, or NULL where none is needed: the kernel vouches for who is at a
// unix socket.
static CUresult find_token(const struct vgpu_address* address, struct vgpu_token* room,
                           const struct vgpu_token** token) {
  const char* path = vgpu_address_is_local(address) ? NULL : vgpu_token_path();
  *token = NULL;
  if (path == NULL) return CUDA_SUCCESS;
  const int status = vgpu_token_read(path, room);
  if (status == 0) {
    *token = room;
    return CUDA_SUCCESS;
  }
  vgpu_log("token file %s: %s (%d)", path, describe_token_problem(status), -status);
  return CUDA_ERROR_NOT_PERMITTED;
}

static CUresult introduce(struct vgpu_stream* stream, struct vgpu_snapshot* snapshot,
                          const struct vgpu_token* token, const char* url, int64_t deadline) {
  CUresult refusal = CUDA_SUCCESS;
  int status = vgpu_identify(stream->descriptor, &stream->identity);
  if (status == 0) status = vgpu_shake_hands(stream, snapshot, token, deadline, &refusal);
  if (status == 0 && refusal == CUDA_SUCCESS) status = use_features(stream, snapshot->welcome.features);
  if (status != 0) return no_executor(url, status);
  if (refusal != CUDA_SUCCESS) return refused(url, &snapshot->welcome, refusal);
  if (snapshot->welcome.device_count != 0) return CUDA_SUCCESS;
  vgpu_log("the executor at %s has no device", url);
  return CUDA_ERROR_NO_DEVICE;
}

CUresult vgpu_connection_open(struct vgpu_stream* stream, struct vgpu_snapshot* snapshot) {
  const int64_t deadline = vgpu_now() + vgpu_connect_timeout();
  if (!vgpu_allowed()) return CUDA_ERROR_NO_DEVICE;
  const char* url = vgpu_executor_url();
  if (url == NULL) {
    if (vgpu_configuration()->configured.bad) vgpu_log_configuration_problem();
    vgpu_log("no executor: VGPU_EXECUTOR is not set, and " VGPU_CONFIGURATION_PATH " names none");
    return CUDA_ERROR_NO_DEVICE;
  }
  struct vgpu_address address;
  const int status = vgpu_address_parse(url, &address);
  if (status != 0) return no_executor(url, status);
  struct vgpu_token room;
  const struct vgpu_token* token;
  CUresult result = find_token(&address, &room, &token);
  if (result != CUDA_SUCCESS) return result;
  const int descriptor = vgpu_dial(&address, deadline);
  if (descriptor < 0) return no_executor(url, descriptor);

  stream->descriptor = descriptor;
  stream->silence = vgpu_silence_timeout();
  stream->first = stream->end = 0;
  stream->passed = -1;
  stream->rings = NULL;
  stream->spin = vgpu_spin_new(vgpu_processor_count() > 1);
  result = introduce(stream, snapshot, token, url, deadline);
  if (result != CUDA_SUCCESS) vgpu_stream_close(stream);
  return result;
}
