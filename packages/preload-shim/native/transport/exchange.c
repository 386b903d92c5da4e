#include "transport/exchange.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "driver/context_stack.h"
#include "log.h"
#include "output.h"
#include "process.h"
#include "transport/session.h"

// The table's longest call has 11 parts.
enum { MAXIMUM_PARTS = 24 };

struct request {
  struct vgpu_frame frame;
  size_t count;
  struct iovec parts[MAXIMUM_PARTS];
};

// Counts up for as long as the connection lasts; protected by the session's lock.
static uint32_t sequence;

static CUresult gather(struct request* request, const struct vgpu_segment* segments, size_t count) {
  uint64_t total = 0;
  request->parts[0] = (struct iovec){.iov_base = &request->frame, .iov_len = sizeof(request->frame)};
  request->count = 1;
  for (size_t i = 0; i < count; ++i) {
    if (segments[i].length == 0) continue;
    if (request->count == MAXIMUM_PARTS) return CUDA_ERROR_NOT_SUPPORTED;
    if (segments[i].length > VGPU_FRAME_PAYLOAD_LIMIT) total = VGPU_FRAME_PAYLOAD_LIMIT;
    total += segments[i].length;
    // sendmsg only reads, but iovec has no const.
    request->parts[request->count++] =
        (struct iovec){.iov_base = (void*)(uintptr_t)segments[i].bytes, .iov_len = segments[i].length};
    if (total > VGPU_FRAME_PAYLOAD_LIMIT) {
      vgpu_log("call %u carries more than %u bytes", request->frame.call, VGPU_FRAME_PAYLOAD_LIMIT);
      return CUDA_ERROR_NOT_SUPPORTED;
    }
  }
  request->frame.payload_bytes = (uint32_t)total;
  return CUDA_SUCCESS;
}

// 0 with the call's own result in *result and in *output whether kernels have printed, or a negative errno as
// vgpu_stream_receive.
static int receive_response(struct vgpu_stream* stream, const struct vgpu_frame* request,
                            const struct vgpu_buffer* buffers, size_t count, struct vgpu_patience* patience,
                            CUresult* result, bool* output) {
  struct vgpu_frame frame;
  do {
    const int status = vgpu_stream_receive(stream, &frame, sizeof(frame), patience);
    if (status != 0) return status;
    if (frame.call == VGPU_CALL_ALIVE && frame.payload_bytes != 0) return -EPROTO;
  } while (frame.call == VGPU_CALL_ALIVE);

  uint64_t expected = 0;
  for (size_t i = 0; i < count; ++i) expected += buffers[i].length;
  if (frame.status != CUDA_SUCCESS) expected = 0;
  if (frame.call != request->call || frame.sequence != request->sequence) return -EPROTO;
  if (frame.payload_bytes != expected) return -EPROTO;
  *result = (CUresult)frame.status;
  *output = (frame.context & VGPU_RESPONSE_OUTPUT) != 0;
  if (frame.status != CUDA_SUCCESS) return 0;
  int fault = 0;
  for (size_t i = 0; i < count; ++i) {
    const int status = vgpu_stream_receive(stream, buffers[i].bytes, buffers[i].length, patience);
    if (status != 0 && status != -EFAULT) return status;
    if (status != 0) fault = status;
  }
  return fault;
}

// There is nothing left to reset. As after a real reset, the next context is a new one, here in a new worker.
static CUresult start_anew(const struct vgpu_segment* reset_device) {
  CUdevice device;
  memcpy(&device, reset_device->bytes, sizeof(device));
  if (!vgpu_session_has_device(device)) return CUDA_ERROR_INVALID_DEVICE;
  vgpu_process_restart();
  return CUDA_SUCCESS;
}

static CUresult exchange(uint32_t call, unsigned flags, const struct vgpu_segment* segments,
                         size_t segment_count, const struct vgpu_buffer* buffers, size_t buffer_count) {
  if (call == VGPU_CALL_cuDevicePrimaryCtxReset_v2 && vgpu_session_is_over()) return start_anew(&segments[0]);
  CUresult result = vgpu_session_check();
  if (result != CUDA_SUCCESS) return result;
  const CUcontext context = vgpu_context_current();
  if ((flags & VGPU_NEEDS_CONTEXT) != 0 && context == NULL) return CUDA_ERROR_INVALID_CONTEXT;

  // Such a call has no response that could say so.
  if ((flags & VGPU_DEFERRED) != 0 && vgpu_session_context_error() != CUDA_SUCCESS) {
    return vgpu_session_context_error();
  }

  struct request request = {.frame = {.call = call, .context = (uint64_t)(uintptr_t)context}};
  if ((flags & VGPU_DEFERRED) != 0) request.frame.status = VGPU_FRAME_DEFERRED;
  result = gather(&request, segments, segment_count);
  if (result != CUDA_SUCCESS) return result;

  struct vgpu_stream* stream;
  result = vgpu_session_acquire(&stream);
  if (result != CUDA_SUCCESS) return result;
  request.frame.sequence = ++sequence;
  struct vgpu_patience patience = vgpu_patience_for_silence(stream->silence);
  bool output = false;
  // Shared memory needs no descriptor until somebody sleeps.
  int status = stream->rings != NULL ? 0 : vgpu_stream_check(stream);
  if (status == 0) status = vgpu_stream_send(stream, request.parts, request.count, &patience);
  const bool unreadable = status == -EFAULT;
  if ((status == 0 || unreadable) && (flags & VGPU_DEFERRED) == 0) {
    status = receive_response(stream, &request.frame, buffers, buffer_count, &patience, &result, &output);
  }
  if (status != 0 && status != -EFAULT) {
    result = vgpu_session_break(call, status);
  } else if (result == CUDA_SUCCESS && (unreadable || status == -EFAULT)) {
    vgpu_log("call %u: the program's memory cannot be %s", call, unreadable ? "read" : "written");
    result = CUDA_ERROR_INVALID_VALUE;
  }
  vgpu_session_release();
  vgpu_session_note(result);
  if (output) vgpu_output_print();
  return result;
}

CUresult vgpu_exchange(uint32_t call, unsigned flags, const struct vgpu_segment* request,
                       size_t request_count, const struct vgpu_buffer* response, size_t response_count) {
  const int saved_errno = errno;
  const CUresult result = exchange(call, flags, request, request_count, response, response_count);
  errno = saved_errno;
  return result;
}
