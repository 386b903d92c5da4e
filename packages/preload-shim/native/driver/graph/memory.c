#include "driver/graph/memory.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "driver/context_stack.h"
#include "driver/graph/graph.h"
#include "driver/graph/pages.h"
#include "guest_api.h"
#include "transport/lock.h"
#include "transport/session.h"

struct vgpu_graph_memory {
  struct vgpu_graph_memory* next;
  CUgraph owner;  // the graph whose nodes allocate it; NULL when that has ended
  CUdeviceptr address;
  size_t bytes;  // whole pages
  size_t nodes;  // that name it, of all graphs, executable ones included
  // Nodes of the owner. When as many free it as allocate it, another may allocate it behind the last that
  // frees it.
  size_t allocating;
  size_t freeing;
  CUgraphNode last_freeing;
  bool freed_elsewhere;  // a node of another graph frees it
  struct vgpu_pages* pages;
};

// Taken after those of captures and of graphs, where these are held.
static struct vgpu_lock lock;
static struct vgpu_graph_memory* allocations;
// Keeps programs without such graphs from taking the lock whenever they free something.
static _Atomic bool any;

static bool is_live(const struct vgpu_graph_memory* allocation) {
  return allocation->pages != NULL && allocation->pages->used;
}

// Under the lock: ends it when no node names it any more and nobody uses it.
static void end_unused(struct vgpu_graph_memory* allocation) {
  struct vgpu_graph_memory** link = &allocations;
  if (allocation->nodes != 0 || is_live(allocation)) return;
  // Where that fails there is no executor any more, and no address either.
  if (allocation->pages != NULL && vgpu_pages_unmap(allocation->pages) != CUDA_SUCCESS) return;
  cuMemAddressFree(allocation->address, allocation->bytes);
  while (*link != allocation) link = &(*link)->next;
  *link = allocation->next;
  free(allocation);
}

static CUresult reserve(CUgraph owner, size_t bytes, struct vgpu_graph_memory** reserved) {
  if (bytes == 0 || bytes > SIZE_MAX - VGPU_PAGE_BYTES) return CUDA_ERROR_INVALID_VALUE;
  struct vgpu_graph_memory* made = calloc(1, sizeof(*made));
  if (made == NULL) return CUDA_ERROR_OUT_OF_MEMORY;
  made->owner = owner;
  made->bytes = (bytes + VGPU_PAGE_BYTES - 1) / VGPU_PAGE_BYTES * VGPU_PAGE_BYTES;
  const CUresult result = cuMemAddressReserve(&made->address, made->bytes, VGPU_PAGE_BYTES, 0, 0);
  if (result != CUDA_SUCCESS) {
    free(made);
    return result;
  }
  made->next = allocations;
  allocations = made;
  atomic_store(&any, true);
  *reserved = made;
  return CUDA_SUCCESS;
}

// An address of the same graph that is free whenever the new node runs.
static struct vgpu_graph_memory* find_reusable(CUgraph graph, const struct vgpu_nodes* dependencies,
                                               size_t bytes) {
  bool* before = vgpu_graph_before(graph, dependencies);
  struct vgpu_graph_memory* found = allocations;
  for (; before != NULL && found != NULL; found = found->next) {
    const bool fits =
        found->owner == graph && found->bytes >= bytes && found->bytes - bytes < VGPU_PAGE_BYTES;
    if (fits && found->freeing == found->allocating && before[found->last_freeing->place]) break;
  }
  found = before == NULL ? NULL : found;
  free(before);
  return found;
}

static CUresult attach_allocating(CUgraphNode node, const struct vgpu_nodes* dependencies) {
  struct vgpu_memory_work* work = &node->work.memory;
  struct vgpu_graph_memory* found = find_reusable(node->graph, dependencies, work->bytes);
  const CUresult result = found == NULL ? reserve(node->graph, work->bytes, &found) : CUDA_SUCCESS;
  if (result != CUDA_SUCCESS) return result;
  ++found->allocating;
  ++found->nodes;
  work->allocation = found;
  work->address = found->address;
  return CUDA_SUCCESS;
}

static bool frees_already(CUgraph graph, const struct vgpu_graph_memory* allocation) {
  for (size_t i = 0; i < graph->nodes.count; ++i) {
    const struct vgpu_work* work = &graph->nodes.items[i]->work;
    if (work->type == CU_GRAPH_NODE_TYPE_MEM_FREE && work->memory.allocation == allocation) return true;
  }
  return false;
}

static CUresult attach_freeing(CUgraphNode node) {
  struct vgpu_memory_work* work = &node->work.memory;
  struct vgpu_graph_memory* found = allocations;
  while (found != NULL && found->address != work->address) found = found->next;
  // Once for each allocation, in its own graph or in others and not in both.
  if (found == NULL || found->freeing == found->allocating) return CUDA_ERROR_INVALID_VALUE;
  if (found->owner == node->graph) {
    if (found->freed_elsewhere) return CUDA_ERROR_INVALID_VALUE;
    ++found->freeing;
    found->last_freeing = node;
  } else {
    if (frees_already(node->graph, found)) return CUDA_ERROR_INVALID_VALUE;
    found->freed_elsewhere = true;
  }
  ++found->nodes;
  work->allocation = found;
  return CUDA_SUCCESS;
}

CUresult vgpu_graph_memory_attach(CUgraphNode node, const struct vgpu_nodes* dependencies) {
  vgpu_lock(&lock);
  const CUresult result = node->work.type == CU_GRAPH_NODE_TYPE_MEM_ALLOC
                              ? attach_allocating(node, dependencies)
                              : attach_freeing(node);
  vgpu_unlock(&lock);
  return result;
}

void vgpu_graph_memory_retain(struct vgpu_graph_memory* allocation) {
  if (allocation == NULL) return;
  vgpu_lock(&lock);
  ++allocation->nodes;
  vgpu_unlock(&lock);
}

void vgpu_graph_memory_release(struct vgpu_graph_memory* allocation) {
  if (allocation == NULL) return;
  vgpu_lock(&lock);
  --allocation->nodes;
  end_unused(allocation);
  vgpu_unlock(&lock);
}

void vgpu_graph_memory_disown(struct vgpu_graph_memory* allocation, CUgraph graph) {
  vgpu_lock(&lock);
  if (allocation != NULL && allocation->owner == graph) allocation->owner = NULL;
  vgpu_unlock(&lock);
}

static bool allocates(CUgraph graph, size_t index) {
  return graph->nodes.items[index]->work.type == CU_GRAPH_NODE_TYPE_MEM_ALLOC;
}

static bool frees(CUgraph graph, size_t index) {
  return graph->nodes.items[index]->work.type == CU_GRAPH_NODE_TYPE_MEM_FREE;
}

static struct vgpu_graph_memory* allocation_of(CUgraph graph, size_t index) {
  return graph->nodes.items[index]->work.memory.allocation;
}

static bool has_live(CUgraph graph) {
  for (size_t i = 0; i < graph->nodes.count; ++i) {
    if (allocates(graph, i) && is_live(allocation_of(graph, i))) return true;
  }
  return false;
}

// Whether everything that the graph frees is there by then.
static bool frees_live(CUgraph graph) {
  for (size_t i = 0; i < graph->nodes.count; ++i) {
    if (frees(graph, i) && !is_live(allocation_of(graph, i))) return false;
  }
  return true;
}

// What is still allocated is as good as freed.
static void abandon(CUgraph graph) {
  for (size_t i = 0; i < graph->nodes.count; ++i) {
    if (allocates(graph, i) && is_live(allocation_of(graph, i))) allocation_of(graph, i)->pages->used = false;
  }
}

static CUresult begin(CUgraph graph, CUcontext context, CUdevice device) {
  for (size_t i = 0; i < graph->nodes.count; ++i) {
    if (!allocates(graph, i)) continue;
    struct vgpu_graph_memory* allocation = allocation_of(graph, i);
    const CUresult result = vgpu_pages_provide(&allocation->pages, allocation->address, allocation->bytes);
    if (result != CUDA_SUCCESS) return result;
    // From here on no other allocation of this graph can take it.
    allocation->pages->used = true;
    allocation->pages->context = context;
    allocation->pages->device = device;
  }
  return frees_live(graph) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

CUresult vgpu_graph_memory_begin(CUgraph graph, bool free_what_is_left) {
  CUdevice device = 0;
  CUresult result = vgpu_context_current_device(&device);
  if (result != CUDA_SUCCESS) return result;
  vgpu_lock(&lock);
  if (!free_what_is_left && has_live(graph)) {
    result = CUDA_ERROR_INVALID_VALUE;
  } else {
    result = begin(graph, vgpu_context_current(), device);
    if (result != CUDA_SUCCESS) abandon(graph);
    vgpu_pages_count();
  }
  vgpu_unlock(&lock);
  return result;
}

void vgpu_graph_memory_end(CUgraph graph) {
  vgpu_lock(&lock);
  for (size_t i = 0; i < graph->nodes.count; ++i) {
    if (!allocates(graph, i) && !frees(graph, i)) continue;
    // Another thread may have freed it while the graph was launched.
    struct vgpu_pages* pages = allocation_of(graph, i)->pages;
    if (pages != NULL) pages->used = allocates(graph, i);
  }
  vgpu_unlock(&lock);
}

bool vgpu_graph_memory_free(CUdeviceptr address, bool wait, CUresult* result) {
  if (!atomic_load_explicit(&any, memory_order_acquire)) return false;
  vgpu_lock(&lock);
  struct vgpu_graph_memory* found = allocations;
  while (found != NULL && found->address != address) found = found->next;
  const bool known = found != NULL;
  if (known) *result = is_live(found) ? vgpu_session_check() : CUDA_ERROR_INVALID_VALUE;
  if (known && *result == CUDA_SUCCESS) {
    if (wait) vgpu_pages_wait(found->pages);
    found->pages->used = false;
    end_unused(found);
  }
  vgpu_unlock(&lock);
  return known;
}

void vgpu_graph_memory_forget(void) {
  allocations = NULL;  // the parent's; a few bytes are lost
  vgpu_pages_forget();
  atomic_store(&any, false);
  vgpu_lock_forget(&lock);
}

static CUresult check_device(CUdevice device) {
  const struct vgpu_device* known = NULL;
  return vgpu_session_device(device, &known);
}

CUresult cuDeviceGraphMemTrim(CUdevice device) {
  CUresult result = check_device(device);
  if (result != CUDA_SUCCESS) return result;
  vgpu_lock(&lock);
  result = vgpu_pages_trim();
  vgpu_unlock(&lock);
  return result;
}

CUresult cuDeviceGetGraphMemAttribute(CUdevice device, CUgraphMem_attribute attr, void* value) {
  if (value == NULL) return CUDA_ERROR_INVALID_VALUE;
  CUresult result = check_device(device);
  if (result != CUDA_SUCCESS) return result;
  vgpu_lock(&lock);
  result = vgpu_pages_attribute(attr, value);
  vgpu_unlock(&lock);
  return result;
}

CUresult cuDeviceSetGraphMemAttribute(CUdevice device, CUgraphMem_attribute attr, void* value) {
  // A high mark can be set back, to where it stands now.
  const bool high = attr == CU_GRAPH_MEM_ATTR_USED_MEM_HIGH || attr == CU_GRAPH_MEM_ATTR_RESERVED_MEM_HIGH;
  if (value == NULL || !high || *(const cuuint64_t*)value != 0) return CUDA_ERROR_INVALID_VALUE;
  const CUresult result = check_device(device);
  if (result != CUDA_SUCCESS) return result;
  vgpu_lock(&lock);
  vgpu_pages_lower_mark(attr);
  vgpu_unlock(&lock);
  return result;
}
