#include "driver/graph/graph.h"

#include <stdlib.h>
#include <string.h>

#include "driver/graph/memory.h"
#include "guest_api.h"
#include "pointer_map.h"
#include "transport/lock.h"

static struct vgpu_lock lock;
static struct vgpu_pointer_map existing;  // handle to kind

bool vgpu_graph_exists(const void* handle, enum vgpu_graph_kind kind) {
  vgpu_lock(&lock);
  const bool found = (uintptr_t)vgpu_pointer_map_find(&existing, handle) == (uintptr_t)kind;
  vgpu_unlock(&lock);
  return found;
}

bool vgpu_graph_announce(const void* handle, enum vgpu_graph_kind kind) {
  vgpu_lock(&lock);
  const bool stored = vgpu_pointer_map_insert(&existing, handle, (void*)(uintptr_t)kind);
  vgpu_unlock(&lock);
  return stored;
}

void vgpu_graph_retract(const void* handle) {
  vgpu_lock(&lock);
  vgpu_pointer_map_remove(&existing, handle);
  vgpu_unlock(&lock);
}

static void keep(void* value) {
  (void)value;  // a kind, not memory
}

void vgpu_graphs_forget(void) {
  // Graphs name kernels and streams of the parent: none of them exists here.
  if (vgpu_lock_is_held(&lock)) {
    existing = (struct vgpu_pointer_map){.capacity = 0};
  } else {
    vgpu_pointer_map_clear(&existing, keep);
  }
  vgpu_lock_forget(&lock);
}

bool vgpu_nodes_contain(const struct vgpu_nodes* nodes, CUgraphNode node) {
  for (size_t i = 0; i < nodes->count; ++i) {
    if (nodes->items[i] == node) return true;
  }
  return false;
}

static bool reserve(struct vgpu_nodes* nodes, size_t more) {
  if (nodes->capacity - nodes->count >= more) return true;
  size_t capacity = nodes->capacity == 0 ? 4 : nodes->capacity * 2;
  if (capacity < nodes->count + more) capacity = nodes->count + more;
  CUgraphNode* larger = realloc(nodes->items, capacity * sizeof(CUgraphNode));
  if (larger == NULL) return false;
  nodes->items = larger;
  nodes->capacity = capacity;
  return true;
}

bool vgpu_nodes_add(struct vgpu_nodes* nodes, const CUgraphNode* added, size_t count) {
  if (!reserve(nodes, count)) return false;
  for (size_t i = 0; i < count; ++i) {
    if (!vgpu_nodes_contain(nodes, added[i])) nodes->items[nodes->count++] = added[i];
  }
  return true;
}

void vgpu_nodes_clear(struct vgpu_nodes* nodes) {
  free(nodes->items);
  *nodes = (struct vgpu_nodes){.count = 0};
}

CUresult vgpu_graph_create(CUgraph* graph) {
  CUgraph made = calloc(1, sizeof(*made));
  if (made == NULL || !vgpu_graph_announce(made, VGPU_GRAPH)) {
    free(made);
    return CUDA_ERROR_OUT_OF_MEMORY;
  }
  *graph = made;
  return CUDA_SUCCESS;
}

static void free_node(CUgraphNode node) {
  vgpu_graph_retract(node);
  vgpu_work_clear(&node->work);
  vgpu_nodes_clear(&node->dependencies);
  free(node);
}

void vgpu_graph_free(CUgraph graph) {
  vgpu_graph_retract(graph);
  if (graph->instance != NULL) graph->instance->source = NULL;
  for (size_t i = 0; i < graph->nodes.count; ++i) {
    CUgraphNode node = graph->nodes.items[i];
    if (vgpu_work_is_memory(&node->work)) vgpu_graph_memory_disown(node->work.memory.allocation, graph);
    free_node(node);
  }
  vgpu_nodes_clear(&graph->nodes);
  free(graph);
}

CUresult vgpu_graph_add(CUgraphNode* node, CUgraph graph, const CUgraphNode* dependencies, size_t count,
                        const struct vgpu_work* work) {
  // The list of all nodes has room first, so that nothing can fail once the node is made. Nodes are many: no
  // search.
  if (!reserve(&graph->nodes, 1)) return CUDA_ERROR_OUT_OF_MEMORY;
  CUgraphNode made = calloc(1, sizeof(*made));
  if (made == NULL) return CUDA_ERROR_OUT_OF_MEMORY;
  CUresult result = vgpu_work_copy(&made->work, work);
  if (result != CUDA_SUCCESS) {
    free(made);
    return result;
  }
  made->graph = graph;
  made->place = graph->nodes.count;
  if (!vgpu_nodes_add(&made->dependencies, dependencies, count) ||
      !vgpu_graph_announce(made, VGPU_GRAPH_NODE)) {
    free_node(made);
    return CUDA_ERROR_OUT_OF_MEMORY;
  }
  if (vgpu_work_is_memory(work)) {
    const struct vgpu_nodes given = {.items = (CUgraphNode*)(uintptr_t)dependencies, .count = count};
    if (work->memory.allocation == NULL) result = vgpu_graph_memory_attach(made, &given);
    if (result != CUDA_SUCCESS) {
      free_node(made);
      return result;
    }
    graph->has_memory = true;
  }
  graph->nodes.items[graph->nodes.count++] = made;
  *node = made;
  return CUDA_SUCCESS;
}

// Nodes may depend on later ones, so the dependencies are set when all are there.
static bool clone_dependencies(CUgraphNode node, CUgraph clone) {
  struct vgpu_nodes* copied = &clone->nodes.items[node->place]->dependencies;
  for (size_t i = 0; i < node->dependencies.count; ++i) {
    if (!vgpu_nodes_add(copied, &clone->nodes.items[node->dependencies.items[i]->place], 1)) return false;
  }
  return true;
}

CUresult vgpu_graph_clone(CUgraph* clone, CUgraph graph) {
  CUgraph made = NULL;
  CUresult result = vgpu_graph_create(&made);
  for (size_t i = 0; i < graph->nodes.count && result == CUDA_SUCCESS; ++i) {
    CUgraphNode node = NULL;
    result = vgpu_graph_add(&node, made, NULL, 0, &graph->nodes.items[i]->work);
    if (result == CUDA_SUCCESS) node->origin = graph->nodes.items[i];
  }
  for (size_t i = 0; i < graph->nodes.count && result == CUDA_SUCCESS; ++i) {
    if (!clone_dependencies(graph->nodes.items[i], made)) result = CUDA_ERROR_OUT_OF_MEMORY;
  }
  if (result == CUDA_SUCCESS) {
    *clone = made;
  } else if (made != NULL) {
    vgpu_graph_free(made);
  }
  return result;
}

static bool is_ready(CUgraphNode node, const bool* done) {
  for (size_t i = 0; i < node->dependencies.count; ++i) {
    if (!done[node->dependencies.items[i]->place]) return false;
  }
  return true;
}

CUresult vgpu_graph_sort(CUgraph graph) {
  const size_t count = graph->nodes.count;
  bool* done = calloc(count + 1, sizeof(*done));
  CUgraphNode* sorted = calloc(count + 1, sizeof(CUgraphNode));
  size_t placed = 0;
  CUresult result = done == NULL || sorted == NULL ? CUDA_ERROR_OUT_OF_MEMORY : CUDA_SUCCESS;
  // Captured nodes are in order already: one pass. Others need as many as there are steps against the order.
  for (size_t before = 1; result == CUDA_SUCCESS && placed < count; before = placed + 1) {
    for (size_t i = 0; i < count; ++i) {
      if (done[i] || !is_ready(graph->nodes.items[i], done)) continue;
      done[i] = true;
      sorted[placed++] = graph->nodes.items[i];
    }
    if (placed < before) result = CUDA_ERROR_INVALID_VALUE;  // what is left waits for itself
  }
  if (result == CUDA_SUCCESS) {
    for (size_t i = 0; i < count; ++i) {
      graph->nodes.items[i] = sorted[i];
      sorted[i]->place = i;
    }
  }
  free(done);
  free(sorted);
  return result;
}

bool* vgpu_graph_before(CUgraph graph, const struct vgpu_nodes* set) {
  // One pass back through the list. In a capture a node depends on earlier ones only, so that meets every
  // path; in graphs made by hand some may be missed.
  bool* before = calloc(graph->nodes.count + 1, sizeof(*before));
  if (before == NULL) return NULL;
  for (size_t i = 0; i < set->count; ++i) before[set->items[i]->place] = true;
  for (size_t i = graph->nodes.count; i-- > 0;) {
    if (!before[i]) continue;
    const struct vgpu_nodes* dependencies = &graph->nodes.items[i]->dependencies;
    for (size_t k = 0; k < dependencies->count; ++k) before[dependencies->items[k]->place] = true;
  }
  return before;
}

bool vgpu_graph_leads_to(CUgraphNode node, const struct vgpu_nodes* set) {
  if (vgpu_nodes_contain(set, node)) return true;
  bool* before = vgpu_graph_before(node->graph, set);
  const bool found = before != NULL && before[node->place];
  free(before);
  return found;
}
