// What the addon exports; src/native.ts describes it. The first two arguments of each operation are those of
// perform().
#include <napi.h>

#include "compute/kernels.h"
#include "compute/memory.h"
#include "compute/thread_pool.h"
#include "families.h"
#include "function.h"
#include "gpu_session.h"
#include "perform.h"

namespace vgpu::addon {
namespace {

Napi::Value preferLargePages(const Info& info) {
  if (!info[0].IsArrayBuffer()) throw Napi::TypeError::New(info.Env(), "argument 0 is not an ArrayBuffer");
  auto buffer = info[0].As<Napi::ArrayBuffer>();
  compute::preferLargePages(static_cast<std::byte*>(buffer.Data()), buffer.ByteLength());
  return info.Env().Undefined();
}

Napi::Object initialize(Napi::Env env, Napi::Object exports) {
  addReductions(exports);
  addElementwise(exports);
  addScans(exports);
  addSorts(exports);
  addMatrices(exports);
  addPoints(exports);
  GpuSession::define(env, exports);
  addFunction<preferLargePages>(exports, "preferLargePages");
  try {
    exports.Set("instructionSet", Napi::String::New(env, compute::kernelPath()));
  } catch (...) {
    throw toError(env, std::current_exception());
  }
  exports.Set("threads", Napi::Number::New(env, compute::ThreadPool::shared().threads()));
  return exports;
}

NODE_API_MODULE(vgpu_compute, initialize)

}  // namespace
}  // namespace vgpu::addon
