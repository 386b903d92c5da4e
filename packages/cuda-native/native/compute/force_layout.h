// Layouts of graphs by forces.
#pragma once

#include "compute/context.h"
#include "compute/matrix.h"
#include "compute/spatial_grid.h"

namespace vgpu::compute {

struct Forces {
  /** Nodes push each other away by repulsion / distance … */
  double repulsion = 1;
  /** … up to this distance. */
  double radius = 1;
  /** Edges pull by stiffness × (length - springLength). */
  double stiffness = 1;
  double springLength = 1;
  /** Of the force, how far a node moves … */
  double step = 0.1;
  /** … and at most so far. */
  double most = 1;
};

/** Where nodes lie. */
struct LayoutBounds {
  using Vector = std::array<double, 3>;
  Vector least;
  Vector most;

  void add(const Vector& at);
};

/** Cells are no narrower than the radius, and not many more than nodes.
 * @throws Error argument, where nodes are too far apart */
Grid layoutGrid(const LayoutBounds& bounds, std::size_t nodes, std::size_t axes, double radius);

/** What forceLayoutStep() checks of its arguments; then it looks at every edge and position. */
void checkLayout(const Matrix& positions, const Array& edges, const Forces& forces, const Matrix& out);
[[noreturn]] void refuseEdge(std::size_t edge, std::uint32_t node, std::size_t nodes);
[[noreturn]] void refusePosition(std::size_t node);

/** One step from `positions` (rows of two or three coordinates, of f32 or f64) to `out`, which overlaps
 * nothing. Edge e joins the nodes edges[2 e] and edges[2 e + 1] (u32); one that joins a node to itself does
 * nothing. The forces on a node are added in double, in the order of cells, nodes and edges: the result does
 * not depend on the number of threads.
 * @throws Error capacity, with the node plus 1 and the number of nodes, for an edge to a node that does not
 * exist; argument for a position that is not finite */
void forceLayoutStep(Context& context, const Matrix& positions, const Array& edges, const Forces& forces,
                     const Matrix& out);

}  // namespace vgpu::compute
