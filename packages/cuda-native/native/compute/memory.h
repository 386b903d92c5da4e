// Memory for as long as an operation runs.
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <type_traits>

namespace vgpu::compute {

/** Large memory in large pages, where the system has them: random accesses to it otherwise spend most of
 * their time on the processor's page table. Without values in it.
 * @throws std::bad_alloc */
std::byte* takeMemory(std::size_t bytes);
void giveBack(std::byte* memory, std::size_t bytes);

/** A wish for memory of somebody else's, as far as nobody has touched it yet. */
void preferLargePages(std::byte* memory, std::size_t bytes);

struct GiveBack {
  std::size_t bytes = 0;
  template <typename T>
  void operator()(T* memory) const {
    giveBack(reinterpret_cast<std::byte*>(memory), bytes);
  }
};

template <typename T>
using Memory = std::unique_ptr<T[], GiveBack>;

template <typename T>
Memory<T> makeMemory(std::size_t count) {
  static_assert(std::is_trivially_default_constructible_v<T> && std::is_trivially_destructible_v<T>);
  const std::size_t bytes = count * sizeof(T);
  return Memory<T>(reinterpret_cast<T*>(takeMemory(bytes)), GiveBack{bytes});
}

}  // namespace vgpu::compute
