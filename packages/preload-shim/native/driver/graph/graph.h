// Graphs: recorded calls, and which come before which. Like the originals they are not for several threads at
// once; only the list of what exists is.

#ifndef VGPU_DRIVER_GRAPH_GRAPH_H
#define VGPU_DRIVER_GRAPH_GRAPH_H

#include <stdbool.h>

#include "driver/graph/work.h"

// A list of nodes that owns none of them.
struct vgpu_nodes {
  CUgraphNode* items;
  size_t count;
  size_t capacity;
};

bool vgpu_nodes_contain(const struct vgpu_nodes* nodes, CUgraphNode node);
// Adds what is not there yet. False when there is no memory; the list is then as it was.
bool vgpu_nodes_add(struct vgpu_nodes* nodes, const CUgraphNode* added, size_t count);
void vgpu_nodes_clear(struct vgpu_nodes* nodes);

struct CUgraphNode_st {
  CUgraph graph;
  struct vgpu_work work;
  struct vgpu_nodes dependencies;
  CUgraphNode origin;  // the node that this one was cloned from; NULL when from none
  size_t place;        // in the graph's list
};

struct CUgraph_st {
  struct vgpu_nodes nodes;  // in the order in which they were added
  bool owned;               // by a node, an executable graph or a capture: the program may not destroy it
  bool has_memory;          // some allocate or free: then there is one executable graph of it at most
  CUgraphExec instance;     // that one, as long as both exist
};

struct CUgraphExec_st {
  CUgraph graph;   // its nodes are sorted: each behind its dependencies
  CUgraph source;  // whose only instance it is; NULL when there may be more, or it has ended
  unsigned long long flags;
};

enum vgpu_graph_kind { VGPU_GRAPH = 1, VGPU_GRAPH_NODE = 2, VGPU_GRAPH_EXEC = 3 };

// Whether such a thing exists. Programs keep handles of what they destroyed.
bool vgpu_graph_exists(const void* handle, enum vgpu_graph_kind kind);
// False when there is no memory.
bool vgpu_graph_announce(const void* handle, enum vgpu_graph_kind kind);
void vgpu_graph_retract(const void* handle);

CUresult vgpu_graph_create(CUgraph* graph);
void vgpu_graph_free(CUgraph graph);
CUresult vgpu_graph_clone(CUgraph* clone, CUgraph graph);
// Puts each node behind its dependencies, and keeps the order otherwise. CUDA_ERROR_INVALID_VALUE for a
// cycle.
CUresult vgpu_graph_sort(CUgraph graph);
// With a copy of the work; nodes that allocate or free get what they are about. `dependencies` must be nodes
// of the graph.
CUresult vgpu_graph_add(CUgraphNode* node, CUgraph graph, const CUgraphNode* dependencies, size_t count,
                        const struct vgpu_work* work);
// The same for programs, which pass anything.
CUresult vgpu_graph_add_by_hand(CUgraphNode* node, CUgraph graph, const CUgraphNode* dependencies,
                                size_t count, const struct vgpu_work* work);
// True, with a line in the log, for what CUDA does not do with graphs that allocate or free.
bool vgpu_graph_refuse_memory(CUgraph graph);
// By place in the graph's list: what is in the set, or something in the set depends on. NULL when there is no
// memory.
bool* vgpu_graph_before(CUgraph graph, const struct vgpu_nodes* set);
// Whether `node` is in the set, or something in the set depends on it.
bool vgpu_graph_leads_to(CUgraphNode node, const struct vgpu_nodes* set);

// In a forked child: see process.h.
void vgpu_graphs_forget(void);

#endif
