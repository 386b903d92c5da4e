// Writing one of the two fields of pairs to a column, in whole cache lines: the part that is compiled for
// several instruction sets.
#pragma once

#include <cstddef>
#include <cstdint>

namespace vgpu::compute {

/** So many numbers of 32 bits fill a cache line. */
constexpr std::size_t kLineNumbers = 16;

/** Writes one number of each of `lines` · kLineNumbers pairs, past the caches, to where a cache line begins.
 * Pairs are of two numbers of 32 bits. */
using StreamField = void (*)(const void* pairs, std::size_t lines, std::uint32_t* to);

struct StreamFields {
  StreamField first = nullptr;
  StreamField second = nullptr;
};

/** For this processor. Null where it has no such vectors. */
StreamFields streamFields();

namespace avx2 {
StreamFields streamFields();
}
namespace avx512 {
StreamFields streamFields();
}

}  // namespace vgpu::compute
