#include "gpu/driver.h"

#include <dlfcn.h>

#include "gpu/symbol.h"

namespace vgpu::gpu {
namespace {

std::string lastError() {
  const char* message = dlerror();
  return message != nullptr ? message : "unknown error";
}

template <typename Function>
void find(void* library, const char* name, Function& function) {
  if (!findSymbol(library, name, function)) throw DriverError(0, name, lastError());
}

}  // namespace

Driver::Driver(const std::string& library) {
  void* handle = dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) throw DriverError(0, "dlopen", lastError());
#define VGPU_DRIVER_FIND(name, ...) find(handle, #name, name);
  VGPU_DRIVER_CALLS(VGPU_DRIVER_FIND)
#undef VGPU_DRIVER_FIND
}

void Driver::fail(Result result, const std::string& call) const {
  const char* name = nullptr;
  const bool known = cuGetErrorName(result, &name) == 0 && name != nullptr;
  throw DriverError(result, call, call + " gives " + (known ? name : "CUresult " + std::to_string(result)));
}

}  // namespace vgpu::gpu
