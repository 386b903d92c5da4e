#include "worker/channel.h"

#include <algorithm>

namespace vgpu::executor {
namespace {

// More than a socket holds, and little enough to stay in a core's cache.
constexpr std::size_t kBorrowedBytes = 256UL * 1024;

}  // namespace

std::span<const std::byte> ByteSource::borrow(std::size_t most) {
  if (!borrowed_) borrowed_ = std::make_unique_for_overwrite<std::byte[]>(kBorrowedBytes);
  return {borrowed_.get(), read({borrowed_.get(), std::min(most, kBorrowedBytes)})};
}

}  // namespace vgpu::executor
