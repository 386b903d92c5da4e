// Nodes only look at those in their cell and in the cells around it, as wide as the repulsion reaches
// (Fruchterman and Reingold, "Graph Drawing by Force-directed Placement", 1991, the grid variant).
#include "compute/force_layout.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <limits>
#include <string>

#include "compute/checks.h"
#include "compute/error.h"
#include "compute/grouping.h"
#include "compute/matrix_checks.h"
#include "compute/spatial_grid.h"

namespace vgpu::compute {
namespace {

constexpr std::size_t kNodes = 256;
constexpr std::size_t kBlock = std::size_t{1} << 16;

/** Cells are wider than the radius by more than rounding can move a node in them. */
constexpr double kWider = 1 + 0x1p-20;

using Vector = LayoutBounds::Vector;

double squareOf(const Vector& vector) {
  return vector[0] * vector[0] + vector[1] * vector[1] + vector[2] * vector[2];
}

/** The first index for which `wrong` holds, or `count`. */
template <typename Wrong>
std::size_t firstWrong(const Context& context, std::size_t count, Wrong wrong) {
  std::atomic<std::size_t> least{count};
  context.forBlocks(count, kBlock, [&](std::size_t first, std::size_t last) {
    std::size_t i = first;
    while (i < last && !wrong(i)) ++i;
    if (i == last) return;
    std::size_t before = least.load();
    while (i < before && !least.compare_exchange_weak(before, i)) {
    }
  });
  return least.load();
}

/** A copy of the edges whose nodes all exist: what others may write to meanwhile must not be read as an index
 * twice. */
Memory<std::uint32_t> checkedEdges(Context& context, const Array& edges, std::size_t nodes) {
  auto ends = context.allocate<std::uint32_t>(edges.count);
  const auto* given = edges.as<std::uint32_t>();
  const std::size_t wrong =
      firstWrong(context, edges.count, [&](std::size_t i) { return (ends[i] = given[i]) >= nodes; });
  if (wrong < edges.count) refuseEdge(wrong / 2, ends[wrong], nodes);
  return ends;
}

template <typename T>
class Step {
 public:
  Step(Context& context, const Matrix& positions, const Array& edges, const Forces& forces, const Matrix& out)
      : context_(context),
        positions_(positions),
        ends_(checkedEdges(context, edges, positions.rows)),
        halves_(edges.count),
        forces_(forces),
        out_(out),
        nodes_(positions.rows) {}

  void run() {
    if (nodes_ == 0) return;
    makeGrid();
    const std::size_t cells = grid_.count();
    cellStarts_ = context_.allocate<std::uint32_t>(cells + 1);
    cellNodes_ = context_.allocate<std::uint32_t>(nodes_);
    groupItems(
        context_, nodes_, cells, [&](std::size_t node) { return grid_.index(cellOf(node)); },
        cellStarts_.get(), cellNodes_.get());
    edgeStarts_ = context_.allocate<std::uint32_t>(nodes_ + 1);
    edgeEnds_ = context_.allocate<std::uint32_t>(halves_);
    groupItems(
        context_, halves_, nodes_, [&](std::size_t half) { return ends_[half]; }, edgeStarts_.get(),
        edgeEnds_.get());
    context_.forBlocks(nodes_, kNodes, [&](std::size_t first, std::size_t last) {
      for (std::size_t node = first; node < last; ++node) move(node);
    });
  }

 private:
  [[nodiscard]] Vector position(std::size_t node) const {
    const T* row = positions_.array.as<T>() + node * positions_.stride;
    Vector result{};
    for (std::size_t axis = 0; axis < positions_.columns; ++axis)
      result[axis] = static_cast<double>(row[axis]);
    return result;
  }

  void makeGrid() {
    LayoutBounds bounds{position(0), position(0)};
    for (std::size_t node = 1; node < nodes_; ++node) bounds.add(position(node));
    grid_ = layoutGrid(bounds, nodes_, positions_.columns, forces_.radius);
  }

  [[nodiscard]] std::array<std::uint32_t, 3> cellOf(std::size_t node) const {
    const Vector at = position(node);
    std::array<std::uint32_t, 3> cell{};
    for (std::size_t axis = 0; axis < grid_.axes; ++axis) cell[axis] = grid_.cellOn(axis, at[axis]);
    return cell;
  }

  void move(std::size_t node) {
    const Vector at = position(node);
    Vector force{};
    addRepulsion(node, at, force);
    addSprings(node, at, force);
    const double length = std::sqrt(squareOf(force)) * forces_.step;
    const double scale = length > forces_.most ? forces_.step * forces_.most / length : forces_.step;
    T* to = out_.array.as<T>() + node * out_.stride;
    for (std::size_t axis = 0; axis < out_.columns; ++axis)
      to[axis] = static_cast<T>(at[axis] + scale * force[axis]);
  }

  void addRepulsion(std::size_t node, const Vector& at, Vector& force) const {
    const auto cell = cellOf(node);
    const auto from = [&](std::size_t axis) { return cell[axis] == 0 ? 0 : cell[axis] - 1; };
    const auto to = [&](std::size_t axis) { return std::min(cell[axis] + 1, grid_.cells[axis] - 1); };
    for (std::uint32_t z = from(2); z <= to(2); ++z) {
      for (std::uint32_t y = from(1); y <= to(1); ++y) {
        // Cells beside each other on the first axis are one run of nodes.
        const std::uint32_t first = cellStarts_[grid_.index({from(0), y, z})];
        const std::uint32_t last = cellStarts_[grid_.index({to(0), y, z}) + 1];
        for (std::uint32_t i = first; i < last; ++i) repel(node, at, cellNodes_[i], force);
      }
    }
  }

  void repel(std::size_t node, const Vector& at, std::size_t other, Vector& force) const {
    if (other == node) return;
    const Vector there = position(other);
    Vector away{at[0] - there[0], at[1] - there[1], at[2] - there[2]};
    double square = squareOf(away);
    if (square > forces_.radius * forces_.radius) return;
    // Nodes at one place have to go somewhere: those with the lower numbers along the first axis, the others
    // against it.
    const double closest = forces_.radius * 0x1p-20;
    if (square < closest * closest) {
      away = {node < other ? closest : -closest, 0, 0};
      square = closest * closest;
    }
    for (std::size_t axis = 0; axis < 3; ++axis) force[axis] += forces_.repulsion * away[axis] / square;
  }

  void addSprings(std::size_t node, const Vector& at, Vector& force) const {
    for (std::uint32_t i = edgeStarts_[node]; i < edgeStarts_[node + 1]; ++i) {
      // The two ends of an edge lie side by side.
      const Vector there = position(ends_[edgeEnds_[i] ^ 1U]);
      const Vector towards{there[0] - at[0], there[1] - at[1], there[2] - at[2]};
      const double length = std::sqrt(squareOf(towards));
      if (length == 0) continue;
      const double pull = forces_.stiffness * (length - forces_.springLength) / length;
      for (std::size_t axis = 0; axis < 3; ++axis) force[axis] += pull * towards[axis];
    }
  }

  Context& context_;
  const Matrix& positions_;
  Memory<std::uint32_t> ends_;
  std::size_t halves_;
  const Forces& forces_;
  const Matrix& out_;
  std::size_t nodes_;
  Grid grid_;
  Memory<std::uint32_t> cellStarts_;
  Memory<std::uint32_t> cellNodes_;
  Memory<std::uint32_t> edgeStarts_;
  Memory<std::uint32_t> edgeEnds_;
};

void checkForces(const Forces& forces) {
  for (const double number : {forces.repulsion, forces.stiffness, forces.springLength, forces.step}) {
    if (!std::isfinite(number)) throw Error(ErrorKind::argument, "a force that is not finite");
  }
  if (!(forces.radius > 0) || !std::isfinite(forces.radius) || !(forces.most >= 0)) {
    throw Error(ErrorKind::argument, "a radius or a distance that is no length");
  }
}

template <typename T>
void stepOf(Context& context, const Matrix& positions, const Array& edges, const Forces& forces,
            const Matrix& out) {
  const std::size_t wrong = firstWrong(context, positions.rows, [&](std::size_t node) {
    const T* row = positions.array.as<T>() + node * positions.stride;
    return !std::all_of(row, row + positions.columns, [](T coordinate) { return std::isfinite(coordinate); });
  });
  if (wrong < positions.rows) refusePosition(wrong);
  Step<T>(context, positions, edges, forces, out).run();
}

}  // namespace

void LayoutBounds::add(const Vector& at) {
  for (std::size_t axis = 0; axis < 3; ++axis) {
    least[axis] = std::min(least[axis], at[axis]);
    most[axis] = std::max(most[axis], at[axis]);
  }
}

Grid layoutGrid(const LayoutBounds& bounds, std::size_t nodes, std::size_t axes, double radius) {
  double extent = 0;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    extent = std::max(extent, bounds.most[axis] - bounds.least[axis]);
  }
  const double perAxis = std::ceil(std::pow(static_cast<double>(nodes), 1.0 / static_cast<double>(axes)));
  Grid grid{.axes = axes, .origin = bounds.least, .cellSize = std::max(radius * kWider, extent / perAxis)};
  // Nodes that lie farther apart than a number can tell: no cell could be computed.
  checkGrid(grid);
  for (std::size_t axis = 0; axis < axes; ++axis) {
    grid.cells[axis] =
        static_cast<std::uint32_t>((bounds.most[axis] - bounds.least[axis]) / grid.cellSize) + 1;
  }
  checkGrid(grid);
  return grid;
}

void refuseEdge(std::size_t edge, std::uint32_t node, std::size_t nodes) {
  throw Error(ErrorKind::capacity,
              "edge " + std::to_string(edge) + " ends at node " + std::to_string(node) + ", and there are " +
                  std::to_string(nodes),
              std::size_t{node} + 1, nodes);
}

void refusePosition(std::size_t node) {
  throw Error(ErrorKind::argument, "the position of node " + std::to_string(node) + " is not finite", node);
}

void checkLayout(const Matrix& positions, const Array& edges, const Forces& forces, const Matrix& out) {
  checkMatrix(positions);
  checkMatrix(out);
  checkFloats(positions.array.type);
  checkType(out.array, positions.array.type);
  checkShape(out, positions.rows, positions.columns);
  if (positions.columns != 2 && positions.columns != 3) {
    throw Error(ErrorKind::argument, "positions of other than two or three coordinates");
  }
  checkType(edges, ElementType::u32);
  constexpr std::size_t kMost = std::numeric_limits<std::uint32_t>::max() - 1;
  if (edges.count % 2 != 0 || edges.count > kMost || positions.rows > kMost) {
    throw Error(ErrorKind::argument, "half an edge, or too many nodes or edges");
  }
  checkForces(forces);
  checkApart(positions.array, out.array);
  checkApart(edges, out.array);
}

void forceLayoutStep(Context& context, const Matrix& positions, const Array& edges, const Forces& forces,
                     const Matrix& out) {
  checkLayout(positions, edges, forces, out);
  if (positions.array.type == ElementType::f32) {
    stepOf<float>(context, positions, edges, forces, out);
  } else {
    stepOf<double>(context, positions, edges, forces, out);
  }
}

}  // namespace vgpu::compute
