// Distances between points, which are the rows of matrices of f32 or f64.
#pragma once

#include "compute/context.h"
#include "compute/matrix.h"

namespace vgpu::compute {

/** The less the nearer. l2: Euclidean. cosine: 1 - x y / (|x| |y|), and 1 where one of them is 0. dot: -x y.
 */
enum class Metric { l2, cosine, dot };

// What the two operations check before they touch memory.
void checkPairwise(const Matrix& x, const Matrix& y, const Matrix& distances);
void checkNearest(const Matrix& queries, const Matrix& points, const Matrix& distances,
                  const Matrix& indices);

/** distances[i, j] is that of x[i] and y[j], by a product of matrices. Euclidean ones of points that are near
 * each other beside their length are computed one by one, because differences of large numbers would be left
 * of them. */
void pairwiseDistance(Context& context, Metric metric, const Matrix& x, const Matrix& y,
                      const Matrix& distances);

/** For each query the nearest points, nearest first, with their indices (u32); of equally near ones those
 * that come first, NaN last. Which ones they are is decided by distances in double, whatever computes the
 * products: these only tell which points cannot be among them. There are as many points at least as `indices`
 * has columns. */
void nearestNeighbours(Context& context, Metric metric, const Matrix& queries, const Matrix& points,
                       const Matrix& distances, const Matrix& indices);

}  // namespace vgpu::compute
