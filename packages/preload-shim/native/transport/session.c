#include "transport/session.h"

#include <errno.h>
#include <stdatomic.h>

#include "log.h"
#include "process.h"
#include "sticky_error.h"
#include "transport/lock.h"
#include "transport/settings.h"

// A program that probes for devices in a loop must not wait for the connect timeout each time.
enum { RETRY_AFTER = 1000 };

enum session_state { UNCONNECTED, CONNECTED, BROKEN };

static struct vgpu_lock lock;
static _Atomic int state;
// Inherited by a forked child: the program has called cuInit once.
static _Atomic int initialised;
static _Atomic int context_error;
static _Atomic bool shares_memory;
// The rest is protected by the lock; the snapshot is constant while CONNECTED.
static struct vgpu_stream stream;
static struct vgpu_snapshot snapshot;
static CUresult last_failure;
static int64_t retry_at;

static CUresult connect_locked(void) {
  switch (atomic_load(&state)) {
    case CONNECTED:
      return CUDA_SUCCESS;
    case BROKEN:
      return CUDA_ERROR_MPS_RPC_FAILURE;
    default:
      break;
  }
  if (last_failure != CUDA_SUCCESS && vgpu_now() < retry_at) return last_failure;
  last_failure = vgpu_connection_open(&stream, &snapshot);
  if (last_failure == CUDA_SUCCESS) {
    atomic_store(&shares_memory, stream.rings != NULL);
    atomic_store_explicit(&state, CONNECTED, memory_order_release);
  } else {
    retry_at = vgpu_now() + RETRY_AFTER;
  }
  return last_failure;
}

static CUresult connect_if_needed(void) {
  const int saved_errno = errno;
  vgpu_lock(&lock);
  const CUresult result = connect_locked();
  vgpu_unlock(&lock);
  errno = saved_errno;
  return result;
}

CUresult vgpu_session_initialise(void) {
  const CUresult result = connect_if_needed();
  if (result == CUDA_SUCCESS) atomic_store(&initialised, 1);
  return result;
}

CUresult vgpu_session_check(void) {
  vgpu_process_check();
  if (!atomic_load_explicit(&initialised, memory_order_acquire)) return CUDA_ERROR_NOT_INITIALIZED;
  switch (atomic_load_explicit(&state, memory_order_acquire)) {
    case CONNECTED:
      return CUDA_SUCCESS;
    case BROKEN:
      return CUDA_ERROR_MPS_RPC_FAILURE;
    default:
      return connect_if_needed();
  }
}

bool vgpu_session_shares_memory(void) {
  return atomic_load_explicit(&shares_memory, memory_order_relaxed);
}

const struct vgpu_snapshot* vgpu_session_snapshot(void) {
  return &snapshot;
}

CUresult vgpu_session_device(CUdevice number, const struct vgpu_device** device) {
  const CUresult result = vgpu_session_check();
  if (result != CUDA_SUCCESS) return result;
  if (number < 0 || (uint32_t)number >= snapshot.welcome.device_count) return CUDA_ERROR_INVALID_DEVICE;
  *device = &snapshot.devices[number];
  return CUDA_SUCCESS;
}

CUresult vgpu_session_acquire(struct vgpu_stream** acquired) {
  const CUresult result = vgpu_session_check();
  if (result != CUDA_SUCCESS) return result;
  vgpu_lock(&lock);
  // Another thread may have broken it since.
  if (atomic_load(&state) != CONNECTED) {
    vgpu_unlock(&lock);
    return CUDA_ERROR_MPS_RPC_FAILURE;
  }
  *acquired = &stream;
  return CUDA_SUCCESS;
}

void vgpu_session_release(void) {
  vgpu_unlock(&lock);
}

static const char* describe(int status) {
  switch (-status) {
    case ETIMEDOUT:
      return "the executor said nothing for too long";
    case ECONNRESET:
    case EPIPE:
      return "the executor closed the connection";
    case EPROTO:
      return "the executor's answer does not fit the request";
    case EBADF:
      return "the program closed the connection's descriptor";
    default:
      return "system call failed";
  }
}

CUresult vgpu_session_break(uint32_t call, int status) {
  vgpu_log("connection lost in call %u: %s (%d)", call, describe(status), -status);
  vgpu_stream_close(&stream);
  atomic_store_explicit(&state, BROKEN, memory_order_release);
  return CUDA_ERROR_MPS_RPC_FAILURE;
}

int vgpu_session_take_passed(void) {
  vgpu_lock(&lock);
  const int passed = atomic_load(&state) == CONNECTED ? vgpu_stream_take_passed(&stream) : -1;
  vgpu_unlock(&lock);
  return passed >= 0 ? passed : -ENOENT;
}

CUresult vgpu_session_context_error(void) {
  return (CUresult)atomic_load(&context_error);
}

void vgpu_session_note(CUresult result) {
  int none = CUDA_SUCCESS;
  // The first one is the cause.
  if (vgpu_is_sticky_error((int)result)) atomic_compare_exchange_strong(&context_error, &none, (int)result);
}

void vgpu_session_forget(void) {
  // The parent's connection stays open in the parent; the executor must not wait for this process to end.
  // Of the shared memory the child has inherited nothing.
  if (atomic_load(&state) == CONNECTED) {
    stream.rings = NULL;
    vgpu_stream_close(&stream);
  }
  atomic_store(&state, UNCONNECTED);
  atomic_store(&context_error, CUDA_SUCCESS);
  last_failure = CUDA_SUCCESS;
  vgpu_lock_forget(&lock);
}
