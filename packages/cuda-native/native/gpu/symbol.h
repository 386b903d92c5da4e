// Functions of libraries that are there or not.
#pragma once

#include <dlfcn.h>

namespace vgpu::gpu {

/** Whether the library has it; `function` is null where not. */
template <typename Function>
bool findSymbol(void* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(dlsym(library, name));
  return function != nullptr;
}

}  // namespace vgpu::gpu
