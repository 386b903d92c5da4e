#include "backends/real/cublas_library.h"

#include <dlfcn.h>

#include "backends/real/loader_cache.h"

namespace vgpu::executor {
namespace {

constexpr std::int32_t kVersions[] = {13, 12};
constexpr std::int32_t kDriverVersionUnit = 1000;
constexpr const char* kUsualFolder = "/usr/local/cuda/lib64/";

std::string loader_error() {
  const char* text = dlerror();
  return text == nullptr ? "unknown error of the loader" : text;
}

/// Empty when it is what is wanted, and then `library` is open.
std::string why_not(const std::string& path, bool allow_guest, void*& library) {
  library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return loader_error();
  if (dlsym(library, "cublasCreate_v2") == nullptr) return path + " is no cuBLAS";
  // cuBLAS carries no driver; the guest library is both.
  if (dlsym(library, "cuInit") != nullptr && !allow_guest) return path + " is vgpu's guest library";
  return {};
}

}  // namespace

std::vector<std::string> cublas_candidates(std::span<const std::byte> loader_cache,
                                           std::int32_t driver_version) {
  std::vector<std::string> found;
  for (const std::int32_t version : kVersions) {
    if (version > driver_version / kDriverVersionUnit) continue;
    const std::string name = "libcublas.so." + std::to_string(version);
    if (std::string path = find_in_loader_cache(loader_cache, name); !path.empty())
      found.push_back(std::move(path));
    found.push_back(kUsualFolder + name);
  }
  return found;
}

CublasLibrary::CublasLibrary(std::span<const std::string> paths, bool allow_guest) {
  std::string reasons;
  for (const std::string& path : paths) {
    void* library = nullptr;
    const std::string reason = why_not(path, allow_guest, library);
    if (reason.empty()) {
      path_ = path;
      functions_.for_each([library](auto& function) { function.find(library); });
      return;
    }
    reasons += "; " + reason;
  }
  throw CallError(CUDA_ERROR_NOT_INITIALIZED,
                  "no cuBLAS on the executor's machine: install libcublas of the driver's CUDA version "
                  "(NVIDIA's libcublas-13-0, Debian's libcublas12), or name it with --cublas" +
                      reasons);
}

}  // namespace vgpu::executor
