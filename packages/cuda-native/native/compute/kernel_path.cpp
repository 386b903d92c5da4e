// Which of the instruction sets runs.
#include <cstdlib>
#include <string_view>

#include "compute/error.h"
#include "compute/kernels.h"
#include "compute/product_kernel.h"
#include "compute/stream_kernel.h"

namespace vgpu::compute {
namespace {

struct Path {
  const char* name;
  KernelTable table;
  ProductKernels products;
};

bool isThere([[maybe_unused]] std::string_view name) {
#ifdef VGPU_X86_PATHS
  if (name == "avx512") {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  }
  if (name == "avx2") return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#endif
  return name == "portable";
}

Path make([[maybe_unused]] std::string_view name) {
#ifdef VGPU_X86_PATHS
  if (name == "avx512") return {"avx512", avx512::kernelTable(), avx512::productKernels()};
  if (name == "avx2") return {"avx2", avx2::kernelTable(), avx2::productKernels()};
#endif
  return {"portable", portable::kernelTable(), portable::productKernels()};
}

Path choose() {
  // Read once, before any operation runs.
  const char* wanted = std::getenv("VGPU_COMPUTE_PATH");  // NOLINT(concurrency-mt-unsafe)
  if (wanted != nullptr && *wanted != '\0') {
    if (!isThere(wanted)) {
      throw Error(ErrorKind::argument, std::string("VGPU_COMPUTE_PATH=") + wanted +
                                           ": this processor or this build has no such path");
    }
    return make(wanted);
  }
  for (const char* name : {"avx512", "avx2"}) {
    if (isThere(name)) return make(name);
  }
  return make("portable");
}

const Path& path() {
  static const Path chosen = choose();
  return chosen;
}

}  // namespace

const KernelTable& kernelTable() {
  return path().table;
}

const char* kernelPath() {
  return path().name;
}

const ProductKernels& productKernels() {
  return path().products;
}

StreamFields streamFields() {
#ifdef VGPU_X86_PATHS
  const std::string_view name = kernelPath();
  if (name == "avx512") return avx512::streamFields();
  if (name == "avx2") return avx2::streamFields();
#endif
  return {};
}

}  // namespace vgpu::compute
