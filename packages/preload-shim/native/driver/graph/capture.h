// Streams whose calls are recorded into a graph instead of being carried out.

#ifndef VGPU_DRIVER_GRAPH_CAPTURE_H
#define VGPU_DRIVER_GRAPH_CAPTURE_H

#include <stdbool.h>

#include "driver/graph/work.h"

// Whether a call on the stream is to be recorded. CUDA_ERROR_STREAM_CAPTURE_IMPLICIT when the stream is the
// legacy default one and would wait for a stream that is being captured; that spoils the capture.
CUresult vgpu_capture_route(CUstream stream, bool* captured);
// Only after vgpu_capture_route has said so.
CUresult vgpu_capture_add(CUstream stream, const struct vgpu_work* work);
// The same, and tells the node.
CUresult vgpu_capture_add_node(CUstream stream, const struct vgpu_work* work, CUgraphNode* node);

// For calls that cannot be recorded: an error that spoils the capture, where there is one.
CUresult vgpu_capture_forbid(CUstream stream);
CUresult vgpu_capture_forbid_event(CUevent event);
CUresult vgpu_capture_forbid_all(void);

// In a forked child: see process.h.
void vgpu_captures_forget(void);

#endif
