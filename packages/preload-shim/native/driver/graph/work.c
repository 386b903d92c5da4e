#include "driver/graph/work.h"

#include <stdlib.h>
#include <string.h>

#include "driver/copy.h"
#include "driver/fill.h"
#include "driver/graph/capture.h"
#include "driver/graph/graph.h"
#include "guest_api.h"

CUresult vgpu_submit(const struct vgpu_work* work, CUstream stream) {
  bool captured = false;
  const CUresult result = vgpu_capture_route(stream, &captured);
  if (result != CUDA_SUCCESS) return result;
  return captured ? vgpu_capture_add(stream, work) : vgpu_work_run(work, stream);
}

static CUresult run_child(CUgraph graph, CUstream stream) {
  CUresult result = CUDA_SUCCESS;
  for (size_t i = 0; i < graph->nodes.count && result == CUDA_SUCCESS; ++i) {
    result = vgpu_work_run(&graph->nodes.items[i]->work, stream);
  }
  return result;
}

static bool is_kernel(const struct vgpu_work* work) {
  return work->type == CU_GRAPH_NODE_TYPE_KERNEL && work->blas_kind == VGPU_BLAS_NONE;
}

bool vgpu_work_is_memory(const struct vgpu_work* work) {
  return work->type == CU_GRAPH_NODE_TYPE_MEM_ALLOC || work->type == CU_GRAPH_NODE_TYPE_MEM_FREE;
}

CUresult vgpu_work_run(const struct vgpu_work* work, CUstream stream) {
  if (work->blas_kind != VGPU_BLAS_NONE) return vgpu_blas_run(work->blas_kind, &work->blas, stream);
  switch (work->type) {
    case CU_GRAPH_NODE_TYPE_KERNEL:
      return vgpu_launch_packed(&work->kernel.launch, work->kernel.packed, work->kernel.packed_bytes, stream);
    case CU_GRAPH_NODE_TYPE_MEMCPY:
      return vgpu_copy(&work->copy, stream);
    case CU_GRAPH_NODE_TYPE_MEMSET:
      return vgpu_fill(&work->fill, stream);
    case CU_GRAPH_NODE_TYPE_HOST: {
      // Not called at all when the work before it failed.
      const CUresult result = cuStreamSynchronize(stream);
      if (result == CUDA_SUCCESS) work->host.fn(work->host.userData);
      return result;
    }
    case CU_GRAPH_NODE_TYPE_GRAPH:
      return run_child(work->child, stream);
    case CU_GRAPH_NODE_TYPE_EVENT_RECORD:
      return vgpuEventRecord(work->event, stream);
    case CU_GRAPH_NODE_TYPE_WAIT_EVENT:
      return vgpuStreamWaitEvent(stream, work->event, 0);
    default:
      return CUDA_SUCCESS;  // an empty node; one that allocates or frees, which the launch of its graph does
  }
}

CUresult vgpu_work_copy(struct vgpu_work* copy, const struct vgpu_work* work) {
  struct vgpu_work made = *work;
  if (is_kernel(work)) {
    made.kernel.arguments = NULL;
    made.kernel.launch.parameters = NULL;
    made.kernel.launch.extra = NULL;
    made.kernel.packed = malloc(work->kernel.packed_bytes + 1);  // not 0 bytes, for which malloc may say NULL
    if (made.kernel.packed == NULL) return CUDA_ERROR_OUT_OF_MEMORY;
    if (work->kernel.packed_bytes != 0)
      memcpy(made.kernel.packed, work->kernel.packed, work->kernel.packed_bytes);
  } else if (work->type == CU_GRAPH_NODE_TYPE_GRAPH) {
    const CUresult result = vgpu_graph_clone(&made.child, work->child);
    if (result != CUDA_SUCCESS) return result;
    made.child->owned = true;
  } else if (vgpu_work_is_memory(work)) {
    vgpu_graph_memory_retain(work->memory.allocation);
  }
  *copy = made;
  return CUDA_SUCCESS;
}

void vgpu_work_clear(struct vgpu_work* work) {
  if (is_kernel(work)) {
    free(work->kernel.packed);
    free(work->kernel.arguments);
  } else if (work->type == CU_GRAPH_NODE_TYPE_GRAPH) {
    vgpu_graph_free(work->child);
  } else if (vgpu_work_is_memory(work)) {
    vgpu_graph_memory_release(work->memory.allocation);
  }
}
