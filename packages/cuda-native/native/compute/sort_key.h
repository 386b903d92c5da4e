// Numbers as unsigned integers that sort alike.
#pragma once

#include <bit>
#include <cstdint>
#include <limits>
#include <type_traits>

namespace vgpu::compute {

template <typename T>
using SortKey = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;

/** Ascending: −∞ … −0, +0 … +∞, then NaN, of which all are alike. */
template <typename T>
SortKey<T> toSortKey(T value) {
  using Key = SortKey<T>;
  constexpr Key sign = Key{1} << (8 * sizeof(T) - 1);
  const Key bits = std::bit_cast<Key>(value);
  if constexpr (std::is_floating_point_v<T>) {
    if (value != value) return ~Key{0};
    return bits & sign ? ~bits : bits | sign;
  } else {
    return std::is_signed_v<T> ? bits ^ sign : bits;
  }
}

/** The number again; for NaN, the quiet one. */
template <typename T>
T fromSortKey(SortKey<T> key) {
  using Key = SortKey<T>;
  constexpr Key sign = Key{1} << (8 * sizeof(T) - 1);
  if constexpr (std::is_floating_point_v<T>) {
    if (key == ~Key{0}) return std::numeric_limits<T>::quiet_NaN();
    return std::bit_cast<T>(key & sign ? key ^ sign : ~key);
  } else {
    return std::bit_cast<T>(std::is_signed_v<T> ? key ^ sign : key);
  }
}

}  // namespace vgpu::compute
