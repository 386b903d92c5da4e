// Operations on points do not depend on the number of threads, and check what they are given.
#include <doctest/doctest.h>

#include <random>
#include <vector>

#include "compute/distance.h"
#include "compute/error.h"
#include "compute/force_layout.h"
#include "compute/grouping.h"
#include "compute/linear_system.h"

namespace {

using namespace vgpu::compute;

constexpr std::size_t kNoLimit = std::size_t{1} << 40;

template <typename T>
Array arrayOf(std::vector<T>& elements) {
  return {typeOf<T>(), reinterpret_cast<std::byte*>(elements.data()), elements.size()};
}

template <typename T>
Matrix matrixOf(std::vector<T>& elements, std::size_t columns) {
  return {arrayOf(elements), elements.size() / columns, columns, columns};
}

std::vector<float> coordinates(std::size_t count) {
  std::mt19937 generator(3);
  std::uniform_real_distribution<float> uniform(0, 20);
  std::vector<float> result(count);
  for (float& each : result) each = uniform(generator);
  return result;
}

std::vector<float> step(unsigned threads) {
  std::vector<float> positions = coordinates(6000);
  std::vector<float> out(positions.size());
  std::vector<std::uint32_t> edges;
  for (std::uint32_t node = 1; node < 2000; ++node) edges.insert(edges.end(), {node, node / 2});
  ThreadPool pool(threads);
  Context context(pool, kNoLimit, nullptr);
  forceLayoutStep(context, matrixOf(positions, 3), arrayOf(edges), {}, matrixOf(out, 3));
  return out;
}

TEST_CASE("a step of a layout has the same bits on any number of threads") {
  const std::vector<float> alone = step(1);
  CHECK(alone != coordinates(6000));
  CHECK(step(2) == alone);
  CHECK(step(5) == alone);
}

TEST_CASE("items of a group keep their order, and groups without items are there") {
  ThreadPool pool(3);
  Context context(pool, kNoLimit, nullptr);
  constexpr std::size_t kItems = 100'000;
  constexpr std::size_t kGroups = 1000;
  const auto groupOf = [](std::size_t item) {
    return static_cast<std::uint32_t>(item * 7919 % kGroups / 2 * 2);
  };
  std::vector<std::uint32_t> starts(kGroups + 1, 77);
  std::vector<std::uint32_t> items(kItems);
  groupItems(context, kItems, kGroups, groupOf, starts.data(), items.data());
  std::vector<std::uint32_t> expected;
  for (std::size_t group = 0; group < kGroups; ++group) {
    REQUIRE(starts[group] == expected.size());
    for (std::size_t item = 0; item < kItems; ++item) {
      if (groupOf(item) == group) expected.push_back(static_cast<std::uint32_t>(item));
    }
  }
  CHECK(starts[kGroups] == kItems);
  CHECK(items == expected);
}

TEST_CASE("memory beyond the limit is refused before anything is written") {
  ThreadPool pool(2);
  Context context(pool, 1000, nullptr);
  std::vector<float> x = coordinates(300);
  std::vector<float> distances(10'000, 7);
  std::vector<std::uint32_t> indices(10'000, 7);
  const std::vector<float> before = distances;
  CHECK_THROWS_AS(
      pairwiseDistance(context, Metric::l2, matrixOf(x, 3), matrixOf(x, 3), matrixOf(distances, 100)), Error);
  CHECK_THROWS_AS(nearestNeighbours(context, Metric::l2, matrixOf(x, 3), matrixOf(x, 3),
                                    matrixOf(distances, 100), matrixOf(indices, 100)),
                  Error);
  std::vector<float> square = coordinates(400);
  std::vector<float> inverse(400, 7);
  CHECK_THROWS_AS(invert(context, matrixOf(square, 20), matrixOf(inverse, 20)), Error);
  CHECK(distances == before);
  CHECK(inverse == std::vector<float>(400, 7));
}

}  // namespace
