// The types of array elements, and arrays whose type is known only at run time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace vgpu::compute {

/** Exact sums of integers. */
__extension__ typedef __int128 Wide;

enum class ElementType : std::uint8_t { f32, f64, i32, u32, i64, u64 };

constexpr std::size_t elementTypes = 6;

template <typename T>
constexpr ElementType typeOf() {
  if constexpr (std::is_same_v<T, float>) return ElementType::f32;
  if constexpr (std::is_same_v<T, double>) return ElementType::f64;
  if constexpr (std::is_same_v<T, std::int32_t>) return ElementType::i32;
  if constexpr (std::is_same_v<T, std::uint32_t>) return ElementType::u32;
  if constexpr (std::is_same_v<T, std::int64_t>) return ElementType::i64;
  return ElementType::u64;
}

constexpr std::size_t elementBytes(ElementType type) {
  return type == ElementType::f32 || type == ElementType::i32 || type == ElementType::u32 ? 4 : 8;
}

/** Calls `work` with a zero of the type. */
template <typename Work>
auto withType(ElementType type, Work work) {
  switch (type) {
    case ElementType::f32:
      return work(float{});
    case ElementType::f64:
      return work(double{});
    case ElementType::i32:
      return work(std::int32_t{});
    case ElementType::u32:
      return work(std::uint32_t{});
    case ElementType::i64:
      return work(std::int64_t{});
    case ElementType::u64:
      break;
  }
  return work(std::uint64_t{});
}

constexpr bool isFloat(ElementType type) {
  return type == ElementType::f32 || type == ElementType::f64;
}

/** As withType(), for sums and products that wrap around: with the unsigned integers for the signed ones,
 * whose bits are the same. */
template <typename Work>
auto withWrappingType(ElementType type, Work work) {
  if (type == ElementType::f32) return work(float{});
  if (type == ElementType::f64) return work(double{});
  if (elementBytes(type) == 4) return work(std::uint32_t{});
  return work(std::uint64_t{});
}

/** Elements that somebody else owns. `data` is aligned to one element. */
struct Array {
  ElementType type = ElementType::f32;
  std::byte* data = nullptr;
  std::size_t count = 0;

  template <typename T>
  [[nodiscard]] T* as() const {
    return reinterpret_cast<T*>(data);
  }
  [[nodiscard]] std::size_t bytes() const { return count * elementBytes(type); }
};

}  // namespace vgpu::compute
