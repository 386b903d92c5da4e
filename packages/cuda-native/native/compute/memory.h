// Memory for as long as an operation runs.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

namespace vgpu::compute {

/** From so many bytes on, memory is in large pages, where the system has them: random accesses to it
 * otherwise spend most of their time on the processor's page table. */
constexpr std::size_t kInLargePages = std::size_t{1} << 20;

/** Without values in it, and at a multiple of 64 bytes.
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

/** Something that is used all over at random, in a large page of its own. */
template <typename T>
class LargeObject {
 public:
  template <typename... Arguments>
  explicit LargeObject(Arguments&&... arguments)
      : object_(new (memory_.get()) T(std::forward<Arguments>(arguments)...)) {}

  T* operator->() const { return object_; }

 private:
  static_assert(std::is_trivially_destructible_v<T>);

  Memory<std::byte> memory_ = makeMemory<std::byte>(std::max(sizeof(T), kInLargePages));
  T* object_;
};

}  // namespace vgpu::compute
