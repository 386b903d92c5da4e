#include "compute/stream_kernel.h"

#include <immintrin.h>

#include <utility>

namespace vgpu::compute::VGPU_STREAM_PATH {
namespace {

#ifdef __AVX512F__
constexpr int kVectorBytes = 64;
#else
constexpr int kVectorBytes = 32;
#endif
constexpr int kLanes = kVectorBytes / sizeof(std::uint32_t);
typedef std::uint32_t Numbers __attribute__((vector_size(kVectorBytes)));
typedef std::uint32_t UnalignedNumbers __attribute__((vector_size(kVectorBytes), may_alias, aligned(4)));

void stream(std::uint32_t* to, Numbers numbers) {
#ifdef __AVX512F__
  _mm512_stream_si512(reinterpret_cast<__m512i*>(to), reinterpret_cast<__m512i>(numbers));
#else
  _mm256_stream_si256(reinterpret_cast<__m256i*>(to), reinterpret_cast<__m256i>(numbers));
#endif
}

template <int field, int... lane>
Numbers fieldsOf(const UnalignedNumbers* pairs, std::integer_sequence<int, lane...>) {
  const Numbers half = pairs[0];
  const Numbers other = pairs[1];
  return __builtin_shufflevector(half, other, (2 * lane + field)...);
}

template <int field>
void streamField(const void* pairs, std::size_t lines, std::uint32_t* to) {
  const auto* from = static_cast<const UnalignedNumbers*>(pairs);
  for (std::size_t i = 0; i < lines * kLineNumbers; i += kLanes, from += 2) {
    stream(to + i, fieldsOf<field>(from, std::make_integer_sequence<int, kLanes>()));
  }
}

}  // namespace

StreamFields streamFields() {
  return {streamField<0>, streamField<1>};
}

}  // namespace vgpu::compute::VGPU_STREAM_PATH
