#include "transport/connection.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/un.h>

#include "log.h"
#include "transport/rings.h"
#include "transport/settings.h"

// Shells, select() and daemons that close "all" descriptors up to some number stay below this.
enum { LOWEST_DESCRIPTOR = 512, RETRY_PAUSE = 5 };

static const char UNIX_SCHEME[] = "unix:";

static int parse_url(const char* url, struct sockaddr_un* address) {
  *address = (struct sockaddr_un){.sun_family = AF_UNIX};
  if (strncmp(url, UNIX_SCHEME, sizeof(UNIX_SCHEME) - 1) != 0) return -EINVAL;
  const char* path = url + sizeof(UNIX_SCHEME) - 1;
  const size_t length = strnlen(path, sizeof(address->sun_path));
  if (path[0] != '/') return -EINVAL;
  if (length == sizeof(address->sun_path)) return -ENAMETOOLONG;
  memcpy(address->sun_path, path, length);
  return 0;
}

// Returns the descriptor or a negative errno.
static int open_socket(const struct sockaddr_un* address, int64_t deadline) {
  int descriptor = vgpu_socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (descriptor < 0) return descriptor;
  int status;
  // A unix socket whose queue is full says EAGAIN, and poll cannot tell when there is room.
  while ((status = vgpu_connect(descriptor, (const struct sockaddr*)address, sizeof(*address))) == -EAGAIN ||
         status == -EINTR) {
    if (vgpu_now() >= deadline) {
      status = -ETIMEDOUT;
      break;
    }
    vgpu_poll(NULL, 0, RETRY_PAUSE);
  }
  if (status < 0) {
    vgpu_close(descriptor);
    return status;
  }
  const int high = vgpu_duplicate_above(descriptor, LOWEST_DESCRIPTOR);
  // With a low limit on descriptors there is nothing that high; the identity check still protects the
  // program.
  if (high < 0) return descriptor;
  vgpu_close(descriptor);
  return high;
}

static const char* describe(int status) {
  switch (-status) {
    case ENOENT:
      return "there is no such socket";
    case ECONNREFUSED:
      return "nobody listens there";
    case EACCES:
    case EPERM:
      return "permission denied";
    case EINVAL:
      return "not an address of the form unix:/path";
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

static int send_hello(struct vgpu_stream* stream, struct vgpu_patience* patience) {
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
  struct iovec part = {.iov_base = &hello, .iov_len = sizeof(hello)};
  return vgpu_stream_send(stream, &part, 1, patience);
}

// Texts end up in strings that programs read: whatever came, they end.
static void terminate_texts(struct vgpu_snapshot* snapshot) {
  struct vgpu_welcome* welcome = &snapshot->welcome;
  welcome->backend[sizeof(welcome->backend) - 1] = '\0';
  welcome->driver_release[sizeof(welcome->driver_release) - 1] = '\0';
  for (uint32_t i = 0; i < welcome->device_count; ++i) {
    struct vgpu_device* device = &snapshot->devices[i];
    device->name[sizeof(device->name) - 1] = '\0';
    device->pci_bus_id[sizeof(device->pci_bus_id) - 1] = '\0';
  }
}

// 0, a negative errno, or the executor's own refusal in *refusal.
static int shake_hands(struct vgpu_stream* stream, struct vgpu_snapshot* snapshot, int64_t deadline,
                       CUresult* refusal) {
  static const uint8_t schema_hash[] = VGPU_SCHEMA_HASH;
  struct vgpu_patience patience = vgpu_patience_until(deadline);
  struct vgpu_welcome* welcome = &snapshot->welcome;
  int status = send_hello(stream, &patience);
  if (status == 0) status = vgpu_stream_receive(stream, welcome, sizeof(*welcome), &patience);
  if (status != 0) return status;
  if (welcome->magic != VGPU_MAGIC) return -EPROTO;
  welcome->message[sizeof(welcome->message) - 1] = '\0';
  if (welcome->protocol_version != VGPU_PROTOCOL_VERSION ||
      memcmp(welcome->schema_hash, schema_hash, sizeof(schema_hash)) != 0) {
    *refusal = CUDA_ERROR_SYSTEM_DRIVER_MISMATCH;
    return 0;
  }
  if (welcome->status != CUDA_SUCCESS) {
    *refusal = (CUresult)welcome->status;
    return 0;
  }
  if (welcome->device_count > VGPU_MAXIMUM_DEVICES) return -EPROTO;
  status = vgpu_stream_receive(stream, snapshot->devices, welcome->device_count * sizeof(struct vgpu_device),
                               &patience);
  if (status != 0) return status;
  terminate_texts(snapshot);
  return 0;
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

CUresult vgpu_connection_open(struct vgpu_stream* stream, struct vgpu_snapshot* snapshot) {
  const int64_t deadline = vgpu_now() + vgpu_connect_timeout();
  if (!vgpu_allowed()) return CUDA_ERROR_NO_DEVICE;
  const char* url = vgpu_executor_url();
  if (url == NULL) {
    vgpu_log("no executor: VGPU_EXECUTOR is not set");
    return CUDA_ERROR_NO_DEVICE;
  }
  struct sockaddr_un address;
  int status = parse_url(url, &address);
  if (status != 0) return no_executor(url, status);
  const int descriptor = open_socket(&address, deadline);
  if (descriptor < 0) return no_executor(url, descriptor);

  CUresult result = CUDA_SUCCESS;
  stream->descriptor = descriptor;
  stream->silence = vgpu_silence_timeout();
  stream->first = stream->end = 0;
  stream->passed = -1;
  stream->rings = NULL;
  status = vgpu_identify(descriptor, &stream->identity);
  if (status == 0) status = shake_hands(stream, snapshot, deadline, &result);
  if (status == 0 && result == CUDA_SUCCESS) status = use_features(stream, snapshot->welcome.features);
  if (status != 0) {
    result = no_executor(url, status);
  } else if (result == CUDA_ERROR_SYSTEM_DRIVER_MISMATCH) {
    vgpu_log("the executor at %s and this library are of different versions: %s", url,
             snapshot->welcome.message);
  } else if (result != CUDA_SUCCESS) {
    vgpu_log("the executor at %s refused: %s (%d)", url, snapshot->welcome.message, (int)result);
  } else if (snapshot->welcome.device_count == 0) {
    vgpu_log("the executor at %s has no device", url);
    result = CUDA_ERROR_NO_DEVICE;
  }
  if (result != CUDA_SUCCESS) vgpu_stream_close(stream);
  return result;
}
