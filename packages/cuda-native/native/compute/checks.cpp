#include "compute/checks.h"

#include <functional>

#include "compute/error.h"

namespace vgpu::compute {
namespace {

bool overlap(const Array& one, const Array& other) {
  if (one.count == 0 || other.count == 0) return false;
  // The built-in comparison of unrelated pointers says nothing.
  const std::less<const std::byte*> before;
  return before(one.data, other.data + other.bytes()) && before(other.data, one.data + one.bytes());
}

}  // namespace

void checkCount(std::size_t count, const Array& array) {
  if (count <= array.count) return;
  throw Error(ErrorKind::capacity,
              std::to_string(count) + " elements of an array that has " + std::to_string(array.count), count,
              array.count);
}

void checkType(const Array& array, ElementType type) {
  if (array.type != type) throw Error(ErrorKind::argument, "arrays of different types");
}

void checkSameOrApart(const Array& input, const Array& output) {
  if (input.data == output.data && input.type == output.type) return;
  checkApart(input, output);
}

void checkApart(const Array& one, const Array& other) {
  if (overlap(one, other)) throw Error(ErrorKind::overlap, "an array that is written overlaps another");
}

}  // namespace vgpu::compute
