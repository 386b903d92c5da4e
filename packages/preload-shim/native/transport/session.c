#include "transport/session.h"

#include <errno.h>
#include <stdatomic.h>

#include "log.h"
#include "process.h"
#include "start/start.h"
#include "start/state.h"
#include "sticky_error.h"
#include "transport/lock.h"
#include "transport/settings.h"

// A program that probes for devices in a loop must not wait for the connect timeout each time.
enum { RETRY_AFTER = 1000 };

// What the connect timeout does not count, on a machine with much to do: how much longer than that a thread
// waits for another one that connects.
enum { WAIT_MARGIN = 500 };

static struct vgpu_lock lock;
// Inherited by a forked child: the program has called cuInit once.
static _Atomic int initialised;
static _Atomic int context_error;
static _Atomic bool shares_memory;
static _Atomic int last_failure;
static _Atomic int64_t retry_at;
// Written by who is CONNECTING. Then the stream is protected by the lock, and the snapshot is constant.
static struct vgpu_stream stream;
static struct vgpu_snapshot snapshot;

static void note_failure(CUresult result) {
  atomic_store(&last_failure, (int)result);
  atomic_store(&retry_at, vgpu_now() + RETRY_AFTER);
}

static CUresult connect_now(void) {
  const CUresult result = vgpu_connection_open(&stream, &snapshot);
  if (result == CUDA_SUCCESS) {
    atomic_store(&shares_memory, stream.rings != NULL);
  } else {
    note_failure(result);
  }
  vgpu_state_set(result == CUDA_SUCCESS ? VGPU_STATE_CONNECTED : VGPU_STATE_FAILED);
  return result;
}

static CUresult wait_for_other_thread(enum vgpu_state state, int64_t deadline) {
  if (vgpu_state_wait(state, deadline)) return CUDA_SUCCESS;
  vgpu_log("no device: another thread has been connecting for too long");
  return CUDA_ERROR_NO_DEVICE;
}

static CUresult ensure_connected(void) {
  vgpu_start();
  vgpu_process_check();
  const int64_t deadline = vgpu_now() + vgpu_connect_timeout() + WAIT_MARGIN;
  for (;;) {
    const enum vgpu_state state = vgpu_state_now();
    CUresult result = CUDA_SUCCESS;
    switch (state) {
      case VGPU_STATE_CONNECTED:
        return CUDA_SUCCESS;
      case VGPU_STATE_BROKEN:
        return CUDA_ERROR_MPS_RPC_FAILURE;
      case VGPU_STATE_REFUSED:
      case VGPU_STATE_REAL:
        return CUDA_ERROR_NO_DEVICE;
      case VGPU_STATE_FAILED:
        if (vgpu_now() < atomic_load(&retry_at)) return (CUresult)atomic_load(&last_failure);
        if (vgpu_state_change(state, VGPU_STATE_CONNECTING)) return connect_now();
        break;
      case VGPU_STATE_DEFERRED:
      case VGPU_STATE_READY:
        if (vgpu_state_change(state, VGPU_STATE_CONNECTING)) return connect_now();
        break;
      default:
        result = wait_for_other_thread(state, deadline);
    }
    if (result != CUDA_SUCCESS) return result;
  }
}

static CUresult connect_if_needed(void) {
  const int saved_errno = errno;
  const CUresult result = ensure_connected();
  errno = saved_errno;
  return result;
}

void vgpu_session_probe(void) {
  vgpu_process_check();
  vgpu_state_set(VGPU_STATE_CONNECTING);
  const CUresult result = vgpu_connection_open(&stream, &snapshot);
  // Not kept: a daemon that closes all descriptors would take it for one of its own.
  if (result == CUDA_SUCCESS) {
    vgpu_stream_close(&stream);
    vgpu_log("ready: %u device(s), the first is %s", snapshot.welcome.device_count, snapshot.devices[0].name);
  }
  vgpu_state_set(result == CUDA_SUCCESS ? VGPU_STATE_READY : VGPU_STATE_DEFERRED);
}

CUresult vgpu_session_connect(void) {
  return connect_if_needed();
}

CUresult vgpu_session_initialise(void) {
  const CUresult result = connect_if_needed();
  if (result == CUDA_SUCCESS) atomic_store(&initialised, 1);
  return result;
}

CUresult vgpu_session_check(void) {
  vgpu_process_check();
  if (!atomic_load_explicit(&initialised, memory_order_acquire)) return CUDA_ERROR_NOT_INITIALIZED;
  switch (vgpu_state_now()) {
    case VGPU_STATE_CONNECTED:
      return CUDA_SUCCESS;
    case VGPU_STATE_BROKEN:
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

bool vgpu_session_has_device(CUdevice number) {
  return number >= 0 && (uint32_t)number < snapshot.welcome.device_count;
}

CUresult vgpu_session_device(CUdevice number, const struct vgpu_device** device) {
  const CUresult result = vgpu_session_check();
  if (result != CUDA_SUCCESS) return result;
  if (!vgpu_session_has_device(number)) return CUDA_ERROR_INVALID_DEVICE;
  *device = &snapshot.devices[number];
  return CUDA_SUCCESS;
}

CUresult vgpu_session_acquire(struct vgpu_stream** acquired) {
  const CUresult result = vgpu_session_check();
  if (result != CUDA_SUCCESS) return result;
  vgpu_lock(&lock);
  // Another thread may have broken it since.
  if (vgpu_state_now() != VGPU_STATE_CONNECTED) {
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
  vgpu_state_set(VGPU_STATE_BROKEN);
  return CUDA_ERROR_MPS_RPC_FAILURE;
}

int vgpu_session_take_passed(void) {
  vgpu_lock(&lock);
  const int passed = vgpu_state_now() == VGPU_STATE_CONNECTED ? vgpu_stream_take_passed(&stream) : -1;
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

bool vgpu_session_is_over(void) {
  return vgpu_state_now() == VGPU_STATE_BROKEN || atomic_load(&context_error) != CUDA_SUCCESS;
}

void vgpu_session_end(void) {
  // A thread that is still in a call uses the stream.
  vgpu_lock(&lock);
  // A broken one has been closed.
  if (vgpu_state_change(VGPU_STATE_CONNECTED, VGPU_STATE_BROKEN)) vgpu_stream_close(&stream);
  vgpu_unlock(&lock);
}

void vgpu_session_forget(void) {
  // The parent's connection stays open in the parent; the executor must not wait for this process to end.
  // Of the shared memory the child has inherited nothing.
  switch (vgpu_state_now()) {
    case VGPU_STATE_CONNECTED:
      stream.rings = NULL;
      vgpu_stream_close(&stream);
      vgpu_state_set(VGPU_STATE_DEFERRED);
      break;
    case VGPU_STATE_CONNECTING:
    case VGPU_STATE_FAILED:
    case VGPU_STATE_BROKEN:
      vgpu_state_set(VGPU_STATE_DEFERRED);
      break;
    default:
      vgpu_start_forget();
  }
  atomic_store(&context_error, CUDA_SUCCESS);
  vgpu_lock_forget(&lock);
}
