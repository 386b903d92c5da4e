// Calling the system.
#pragma once

#include <cerrno>

namespace vgpu::os {

/** Repeats a call that a signal interrupted. */
template <typename Call>
auto retry(Call call) {
  auto result = call();
  while (result == -1 && errno == EINTR) result = call();
  return result;
}

}  // namespace vgpu::os
