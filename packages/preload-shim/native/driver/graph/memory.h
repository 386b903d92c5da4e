// Memory that nodes of graphs allocate. An allocation has an address for as long as a node names it, and
// memory from the launch of its graph to whoever frees it: a later node, another graph, or the program.

#ifndef VGPU_DRIVER_GRAPH_MEMORY_H
#define VGPU_DRIVER_GRAPH_MEMORY_H

#include <stdbool.h>

#include "cuda_abi.h"

struct vgpu_graph_memory;
struct vgpu_nodes;

// What a node that allocates or frees is about.
struct vgpu_memory_work {
  size_t bytes;         // to allocate
  CUdeviceptr address;  // to free; where the allocation is
  // NULL until the node is part of a graph.
  struct vgpu_graph_memory* allocation;
};

// Gives the new node its allocation. What an earlier node has freed is given again, when all of
// `dependencies` come behind that. CUDA_ERROR_INVALID_VALUE for freeing what is none or is freed by another
// node.
CUresult vgpu_graph_memory_attach(CUgraphNode node, const struct vgpu_nodes* dependencies);
// For a copy of the node's work, and when a node ends.
void vgpu_graph_memory_retain(struct vgpu_graph_memory* allocation);
void vgpu_graph_memory_release(struct vgpu_graph_memory* allocation);
// The graph that the node was first added to ends.
void vgpu_graph_memory_disown(struct vgpu_graph_memory* allocation, CUgraph graph);

// Before and after a launch of a graph that has such nodes. Nothing has changed when beginning fails:
// CUDA_ERROR_INVALID_VALUE when something is still allocated, or to be freed and is not;
// CUDA_ERROR_OUT_OF_MEMORY.
CUresult vgpu_graph_memory_begin(CUgraph graph, bool free_what_is_left);
void vgpu_graph_memory_end(CUgraph graph);

// Whether the address is a graph's; *result is then what freeing it has come to. With `wait` everything that
// runs has ended by then: the graph's next launch uses the memory again, in whatever stream.
bool vgpu_graph_memory_free(CUdeviceptr address, bool wait, CUresult* result);

// In a forked child: see process.h.
void vgpu_graph_memory_forget(void);

#endif
