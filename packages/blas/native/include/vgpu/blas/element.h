// The types of matrix elements.
#pragma once

#include <cstddef>
#include <cstdint>

namespace vgpu::blas {

enum class Element : std::uint8_t { f16, bf16, f32, f64, i8, i32 };

constexpr std::size_t element_bytes(Element element) {
  switch (element) {
    case Element::i8:
      return 1;
    case Element::f16:
    case Element::bf16:
      return 2;
    case Element::f64:
      return 8;
    default:
      return 4;
  }
}

}  // namespace vgpu::blas
