#include "backends/real/driver_library.h"

#include <dlfcn.h>

#include "backends/real/loader_cache.h"

namespace vgpu::executor {
namespace {

std::string loader_error() {
  const char* text = dlerror();
  return text == nullptr ? "unknown error of the loader" : text;
}

/// The guest library carries the runtime API as well, which no driver does.
bool is_guest_library(void* library) {
  return dlsym(library, "cudaRuntimeGetVersion") != nullptr;
}

}  // namespace

std::string installed_driver() {
  return find_in_loader_cache(read_loader_cache(), "libcuda.so.1");
}

DriverLibrary::DriverLibrary(const DriverChoice& choice) {
  // What the driver and cuBLAS open as libcuda.so.1 would be the guest library then, and ask this executor.
  if (is_guest_library(RTLD_DEFAULT) && !choice.allow_guest) {
    throw BackendUnavailable(
        "vgpu's guest library is preloaded into the executor: start it without LD_PRELOAD, and take the "
        "library out of "
        "/etc/ld.so.preload on a machine with a driver");
  }
  const std::string path = choice.path.empty() ? installed_driver() : choice.path;
  if (path.empty())
    throw BackendUnavailable("no NVIDIA driver is installed: the loader's cache has no libcuda.so.1");
  if (path.front() != '/') throw BackendUnavailable("the driver's path must be absolute: " + path);
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) throw BackendUnavailable("the driver cannot be opened: " + loader_error());
  if (is_guest_library(library) && !choice.allow_guest) {
    throw BackendUnavailable(path + " is vgpu's guest library, not a driver");
  }
  if (dlsym(library, "cuInit") == nullptr)
    throw BackendUnavailable(path + " is no CUDA driver: it has no cuInit");
  functions_.for_each([library](auto& function) { function.find(library); });
}

}  // namespace vgpu::executor
