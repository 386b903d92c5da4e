#include "driver/graph/capture.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "driver/graph/graph.h"
#include "guest_api.h"
#include "transport/lock.h"
#include "transport/session.h"
#include "transport/system.h"

// cudaStreamLegacy, and the flags of cuEventRecordWithFlags and cuStreamWaitEvent that make a node of the
// call.
enum { LEGACY_STREAM = 1, EXTERNAL = 1 };

// A stream that takes part in a capture, or an event that was recorded there: the nodes that the next call,
// or whoever waits for the event, comes after.
struct member {
  struct member* next;
  void* handle;
  struct vgpu_nodes after;
};

struct capture {
  struct capture* next;
  uint64_t id;
  CUgraph graph;
  CUstream origin;
  bool waits_for_legacy;  // the stream was not created with CU_STREAM_NON_BLOCKING
  bool spoiled;
  CUstreamCaptureMode mode;
  const void* thread;
  struct member* streams;
  struct member* events;
};

static struct vgpu_lock lock;
static struct capture* captures;
static _Atomic size_t capture_count;
static uint64_t last_id;

static const void* this_thread(void) {
  static _Thread_local char thread;
  return &thread;
}

static bool is_legacy(CUstream stream) {
  return (uintptr_t)stream <= LEGACY_STREAM;
}

static struct member* find_member(struct member* list, const void* handle) {
  while (list != NULL && list->handle != handle) list = list->next;
  return list;
}

static struct member* add_member(struct member** list, void* handle) {
  struct member* found = find_member(*list, handle);
  if (found != NULL) return found;
  found = calloc(1, sizeof(*found));
  if (found == NULL) return NULL;
  *found = (struct member){.next = *list, .handle = handle};
  *list = found;
  return found;
}

static void free_members(struct member* list) {
  while (list != NULL) {
    struct member* next = list->next;
    vgpu_nodes_clear(&list->after);
    free(list);
    list = next;
  }
}

// The capture that the stream or the event takes part in.
static struct capture* find_by_stream(CUstream stream, struct member** member) {
  for (struct capture* capture = captures; capture != NULL; capture = capture->next) {
    *member = find_member(capture->streams, stream);
    if (*member != NULL) return capture;
  }
  return NULL;
}

static struct capture* find_by_event(CUevent event, struct member** member) {
  for (struct capture* capture = captures; capture != NULL; capture = capture->next) {
    *member = find_member(capture->events, event);
    if (*member != NULL) return capture;
  }
  return NULL;
}

// The legacy stream waits for all streams that are not created as non-blocking.
static struct capture* find_blocking(void) {
  struct capture* capture = captures;
  while (capture != NULL && !capture->waits_for_legacy) capture = capture->next;
  return capture;
}

static CUresult spoil(struct capture* capture, CUresult result) {
  capture->spoiled = true;
  return result;
}

static CUresult route_locked(CUstream stream, bool* captured) {
  struct member* member = NULL;
  struct capture* capture = is_legacy(stream) ? find_blocking() : find_by_stream(stream, &member);
  if (capture == NULL) return CUDA_SUCCESS;
  if (is_legacy(stream)) return spoil(capture, CUDA_ERROR_STREAM_CAPTURE_IMPLICIT);
  *captured = true;
  return capture->spoiled ? CUDA_ERROR_STREAM_CAPTURE_INVALIDATED : CUDA_SUCCESS;
}

CUresult vgpu_capture_route(CUstream stream, bool* captured) {
  if (atomic_load_explicit(&capture_count, memory_order_acquire) == 0) return CUDA_SUCCESS;
  vgpu_lock(&lock);
  const CUresult result = route_locked(stream, captured);
  vgpu_unlock(&lock);
  return result;
}

CUresult vgpu_capture_add_node(CUstream stream, const struct vgpu_work* work, CUgraphNode* node) {
  struct member* member = NULL;
  vgpu_lock(&lock);
  struct capture* capture = find_by_stream(stream, &member);
  // Another thread may have ended it since it was looked at.
  CUresult result =
      capture == NULL || capture->spoiled ? CUDA_ERROR_STREAM_CAPTURE_INVALIDATED : CUDA_SUCCESS;
  if (result == CUDA_SUCCESS)
    result = vgpu_graph_add(node, capture->graph, member->after.items, member->after.count, work);
  if (result == CUDA_SUCCESS) {
    member->after.count = 0;
    if (!vgpu_nodes_add(&member->after, node, 1)) result = spoil(capture, CUDA_ERROR_OUT_OF_MEMORY);
  }
  vgpu_unlock(&lock);
  return result;
}

CUresult vgpu_capture_add(CUstream stream, const struct vgpu_work* work) {
  CUgraphNode node = NULL;
  return vgpu_capture_add_node(stream, work, &node);
}

CUresult vgpu_capture_forbid(CUstream stream) {
  bool captured = false;
  struct member* member = NULL;
  const CUresult result = vgpu_capture_route(stream, &captured);
  if (!captured) return result;
  vgpu_lock(&lock);
  struct capture* capture = find_by_stream(stream, &member);
  if (capture != NULL) capture->spoiled = true;
  vgpu_unlock(&lock);
  return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
}

CUresult vgpu_capture_forbid_event(CUevent event) {
  struct member* member = NULL;
  CUresult result = CUDA_SUCCESS;
  if (atomic_load_explicit(&capture_count, memory_order_acquire) == 0) return CUDA_SUCCESS;
  vgpu_lock(&lock);
  struct capture* capture = find_by_event(event, &member);
  if (capture != NULL) result = spoil(capture, CUDA_ERROR_CAPTURED_EVENT);
  vgpu_unlock(&lock);
  return result;
}

CUresult vgpu_capture_forbid_all(void) {
  if (atomic_load_explicit(&capture_count, memory_order_acquire) == 0) return CUDA_SUCCESS;
  vgpu_lock(&lock);
  for (struct capture* capture = captures; capture != NULL; capture = capture->next) capture->spoiled = true;
  vgpu_unlock(&lock);
  return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
}

void vgpu_captures_forget(void) {
  captures = NULL;  // the parent's; a few bytes are lost
  atomic_store(&capture_count, 0);
  vgpu_lock_forget(&lock);
}

static CUresult begin_locked(CUstream stream, CUstreamCaptureMode mode, unsigned int stream_flags) {
  struct member* member = NULL;
  if (find_by_stream(stream, &member) != NULL) return CUDA_ERROR_ILLEGAL_STATE;
  struct capture* capture = calloc(1, sizeof(*capture));
  if (capture == NULL) return CUDA_ERROR_OUT_OF_MEMORY;
  *capture = (struct capture){
      .origin = stream,
      .mode = mode,
      .thread = this_thread(),
      .waits_for_legacy = (stream_flags & CU_STREAM_NON_BLOCKING) == 0,
  };
  const CUresult result = vgpu_graph_create(&capture->graph);
  if (result != CUDA_SUCCESS || add_member(&capture->streams, stream) == NULL) {
    if (capture->graph != NULL) vgpu_graph_free(capture->graph);
    free(capture);
    return CUDA_ERROR_OUT_OF_MEMORY;
  }
  capture->graph->owned = true;
  capture->id = ++last_id;
  capture->next = captures;
  captures = capture;
  atomic_fetch_add(&capture_count, 1);
  return CUDA_SUCCESS;
}

CUresult cuStreamBeginCapture_v2(CUstream hStream, CUstreamCaptureMode mode) {
  unsigned int flags = 0;
  if ((int)mode < CU_STREAM_CAPTURE_MODE_GLOBAL || mode > CU_STREAM_CAPTURE_MODE_RELAXED)
    return CUDA_ERROR_INVALID_VALUE;
  CUresult result = cuStreamGetFlags(hStream, &flags);
  if (result != CUDA_SUCCESS) return result;
  if (is_legacy(hStream)) return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
  vgpu_lock(&lock);
  result = begin_locked(hStream, mode, flags);
  vgpu_unlock(&lock);
  return result;
}

// Every node must come before the end of the stream that the capture began in.
static bool is_joined(const struct capture* capture) {
  const struct member* origin = find_member(capture->streams, capture->origin);
  for (const struct member* member = capture->streams; member != NULL; member = member->next) {
    for (size_t i = 0; i < member->after.count; ++i) {
      if (!vgpu_graph_leads_to(member->after.items[i], &origin->after)) return false;
    }
  }
  return true;
}

static void remove_capture(struct capture* capture) {
  struct capture** link = &captures;
  while (*link != capture) link = &(*link)->next;
  *link = capture->next;
  free_members(capture->streams);
  free_members(capture->events);
  free(capture);
  atomic_fetch_sub(&capture_count, 1);
}

static CUresult end_locked(CUstream stream, CUgraph* graph) {
  struct member* member = NULL;
  struct capture* capture = find_by_stream(stream, &member);
  if (capture == NULL) return CUDA_ERROR_ILLEGAL_STATE;
  if (stream != capture->origin) return spoil(capture, CUDA_ERROR_STREAM_CAPTURE_UNMATCHED);
  if (capture->mode != CU_STREAM_CAPTURE_MODE_RELAXED && capture->thread != this_thread())
    return CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD;
  CUresult result = capture->spoiled ? CUDA_ERROR_STREAM_CAPTURE_INVALIDATED : CUDA_SUCCESS;
  if (result == CUDA_SUCCESS && !is_joined(capture)) result = CUDA_ERROR_STREAM_CAPTURE_UNJOINED;
  if (result == CUDA_SUCCESS) {
    capture->graph->owned = false;
    *graph = capture->graph;
  } else {
    vgpu_graph_free(capture->graph);
  }
  remove_capture(capture);
  return result;
}

CUresult cuStreamEndCapture(CUstream hStream, CUgraph* phGraph) {
  if (phGraph == NULL) return CUDA_ERROR_INVALID_VALUE;
  CUresult result = vgpu_session_check();
  if (result != CUDA_SUCCESS) return result;
  *phGraph = NULL;
  vgpu_lock(&lock);
  result = end_locked(hStream, phGraph);
  vgpu_unlock(&lock);
  return result;
}

CUresult cuStreamGetCaptureInfo_v3(CUstream hStream, CUstreamCaptureStatus* captureStatus_out,
                                   cuuint64_t* id_out, CUgraph* graph_out,
                                   const CUgraphNode** dependencies_out, const CUgraphEdgeData** edgeData_out,
                                   size_t* numDependencies_out) {
  struct member* member = NULL;
  if (captureStatus_out == NULL) return CUDA_ERROR_INVALID_VALUE;
  CUresult result = vgpu_session_check();
  if (result != CUDA_SUCCESS) return result;
  vgpu_lock(&lock);
  const struct capture* capture = is_legacy(hStream) ? NULL : find_by_stream(hStream, &member);
  if (is_legacy(hStream) && find_blocking() != NULL) result = CUDA_ERROR_STREAM_CAPTURE_IMPLICIT;
  if (result == CUDA_SUCCESS) {
    *captureStatus_out = capture == NULL    ? CU_STREAM_CAPTURE_STATUS_NONE
                         : capture->spoiled ? CU_STREAM_CAPTURE_STATUS_INVALIDATED
                                            : CU_STREAM_CAPTURE_STATUS_ACTIVE;
  }
  if (result == CUDA_SUCCESS && capture != NULL && !capture->spoiled) {
    // All edges are of the plain kind.
    if (id_out != NULL) *id_out = capture->id;
    if (graph_out != NULL) *graph_out = capture->graph;
    if (dependencies_out != NULL) *dependencies_out = member->after.items;
    if (edgeData_out != NULL) *edgeData_out = NULL;
    if (numDependencies_out != NULL) *numDependencies_out = member->after.count;
  }
  vgpu_unlock(&lock);
  return result;
}

CUresult cuStreamGetCaptureInfo_v2(CUstream hStream, CUstreamCaptureStatus* captureStatus_out,
                                   cuuint64_t* id_out, CUgraph* graph_out,
                                   const CUgraphNode** dependencies_out, size_t* numDependencies_out) {
  return cuStreamGetCaptureInfo_v3(hStream, captureStatus_out, id_out, graph_out, dependencies_out, NULL,
                                   numDependencies_out);
}

CUresult cuStreamIsCapturing(CUstream hStream, CUstreamCaptureStatus* captureStatus) {
  return cuStreamGetCaptureInfo_v3(hStream, captureStatus, NULL, NULL, NULL, NULL, NULL);
}

CUresult cuThreadExchangeStreamCaptureMode(CUstreamCaptureMode* mode) {
  // The mode forbids calls that a driver could not make safely meanwhile. Ours are all safe; only the value
  // is kept.
  static _Thread_local CUstreamCaptureMode own = CU_STREAM_CAPTURE_MODE_GLOBAL;
  if (mode == NULL || (int)*mode < CU_STREAM_CAPTURE_MODE_GLOBAL || *mode > CU_STREAM_CAPTURE_MODE_RELAXED)
    return CUDA_ERROR_INVALID_VALUE;
  const CUstreamCaptureMode before = own;
  own = *mode;
  *mode = before;
  return CUDA_SUCCESS;
}

// Under the lock: the event stands for what the stream has recorded so far. False when there is no memory.
static bool record_locked(CUevent event, CUstream stream) {
  struct member* member = NULL;
  struct capture* capture = find_by_stream(stream, &member);
  if (capture == NULL) return false;
  struct member* recorded = add_member(&capture->events, event);
  if (recorded == NULL) return false;
  recorded->after.count = 0;
  return vgpu_nodes_add(&recorded->after, member->after.items, member->after.count);
}

// A record outside any capture makes the event an ordinary one again.
static void forget_event(CUevent event) {
  if (atomic_load_explicit(&capture_count, memory_order_acquire) == 0) return;
  vgpu_lock(&lock);
  for (struct capture* capture = captures; capture != NULL; capture = capture->next) {
    struct member** link = &capture->events;
    while (*link != NULL && (*link)->handle != event) link = &(*link)->next;
    struct member* found = *link;
    if (found == NULL) continue;
    *link = found->next;
    vgpu_nodes_clear(&found->after);
    free(found);
  }
  vgpu_unlock(&lock);
}

CUresult cuEventRecordWithFlags(CUevent hEvent, CUstream hStream, unsigned int flags) {
  bool captured = false;
  if ((flags & ~(unsigned int)EXTERNAL) != 0) return CUDA_ERROR_INVALID_VALUE;
  CUresult result = vgpu_capture_route(hStream, &captured);
  if (result != CUDA_SUCCESS) return result;
  if (!captured) {
    forget_event(hEvent);
    return vgpuEventRecord(hEvent, hStream);
  }
  if (flags == EXTERNAL) {
    const struct vgpu_work work = {.type = CU_GRAPH_NODE_TYPE_EVENT_RECORD, .event = hEvent};
    return vgpu_capture_add(hStream, &work);
  }
  vgpu_lock(&lock);
  result = record_locked(hEvent, hStream) ? CUDA_SUCCESS : CUDA_ERROR_OUT_OF_MEMORY;
  vgpu_unlock(&lock);
  return result;
}

CUresult cuEventRecord(CUevent hEvent, CUstream hStream) {
  return cuEventRecordWithFlags(hEvent, hStream, 0);
}

// Under the lock; *plain when neither stream nor event has to do with a capture.
static CUresult wait_locked(CUstream stream, CUevent event, bool* plain) {
  struct member* recorded = NULL;
  struct member* waiting = NULL;
  struct capture* capture = find_by_event(event, &recorded);
  struct capture* own = is_legacy(stream) ? NULL : find_by_stream(stream, &waiting);
  *plain = capture == NULL && own == NULL;
  if (*plain) return CUDA_SUCCESS;
  if (capture == NULL) return spoil(own, CUDA_ERROR_STREAM_CAPTURE_ISOLATION);
  if (capture->spoiled) return CUDA_ERROR_STREAM_CAPTURE_INVALIDATED;
  if (is_legacy(stream)) return spoil(capture, CUDA_ERROR_STREAM_CAPTURE_IMPLICIT);
  if (own != NULL && own != capture) {
    own->spoiled = true;
    return spoil(capture, CUDA_ERROR_STREAM_CAPTURE_MERGE);
  }
  // A stream that waits for captured work is captured itself from then on.
  if (waiting == NULL) waiting = add_member(&capture->streams, stream);
  if (waiting == NULL || !vgpu_nodes_add(&waiting->after, recorded->after.items, recorded->after.count))
    return spoil(capture, CUDA_ERROR_OUT_OF_MEMORY);
  return CUDA_SUCCESS;
}

CUresult cuStreamWaitEvent(CUstream hStream, CUevent hEvent, unsigned int Flags) {
  bool plain = true;
  bool captured = false;
  CUresult result = CUDA_SUCCESS;
  if (atomic_load_explicit(&capture_count, memory_order_acquire) == 0)
    return vgpuStreamWaitEvent(hStream, hEvent, Flags);
  if (Flags == EXTERNAL) {
    result = vgpu_capture_route(hStream, &captured);
    if (result != CUDA_SUCCESS) return result;
    if (captured) {
      const struct vgpu_work work = {.type = CU_GRAPH_NODE_TYPE_WAIT_EVENT, .event = hEvent};
      return vgpu_capture_add(hStream, &work);
    }
  }
  vgpu_lock(&lock);
  result = wait_locked(hStream, hEvent, &plain);
  vgpu_unlock(&lock);
  return plain && result == CUDA_SUCCESS ? vgpuStreamWaitEvent(hStream, hEvent, Flags) : result;
}
