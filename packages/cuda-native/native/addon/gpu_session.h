// A session's side of the GPU for JavaScript: its memory, and the operations that it has under way.
#pragma once

#include <napi.h>

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "gpu/context.h"
#include "perform.h"

namespace vgpu::addon {

/** What the device's thread works with. */
struct GpuState {
  GpuState(gpu::Device& which, std::size_t memoryLimit) : device(which), pool(which, memoryLimit) {}

  gpu::Device& device;
  /** On the device's thread only. */
  gpu::Pool pool;
  /** How many of the device's there were before this session began. */
  std::optional<std::size_t> earlierXids;
  /** For the rest, which is read from JavaScript at any time. */
  std::mutex mutex;
  gpu::PoolCounters counters;
  std::string deviceName;
  std::vector<unsigned> xids;
};

using GpuOperation = std::function<Value(const gpu::Context&)>;

struct PendingGpuOperation;

/** new Gpu(library, memoryLimit, executor). Methods take the same arguments as the functions of the CPU path,
 * and return the same promises; what the driver answers rejects them with kind "gpu". */
class GpuSession final : public Napi::ObjectWrap<GpuSession> {
 public:
  static void define(Napi::Env env, Napi::Object exports);
  explicit GpuSession(const Napi::CallbackInfo& info);
  ~GpuSession() override;

  /** A promise of { value, memoryBytes, arrayBytes }, see performOperation(). `opens`: the device, first. */
  Napi::Value performOnGpu(const Napi::CallbackInfo& info, GpuOperation operation, bool opens = true);

 private:
  friend struct PendingGpuOperation;

  Napi::Value open(const Napi::CallbackInfo& info);
  Napi::Value reopen(const Napi::CallbackInfo& info);
  Napi::Value freeMemory(const Napi::CallbackInfo& info);
  Napi::Value abandon(const Napi::CallbackInfo& info);
  Napi::Value counters(const Napi::CallbackInfo& info);
  Napi::Value deviceName(const Napi::CallbackInfo& info);
  Napi::Value xids(const Napi::CallbackInfo& info);

  std::shared_ptr<GpuState> state_;
  std::set<PendingGpuOperation*> pending_;
};

}  // namespace vgpu::addon
