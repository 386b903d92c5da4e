#include "gpu_session.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <utility>

#include "arguments.h"
#include "gpu_operations.h"

namespace vgpu::addon {
namespace {

/** What both threads know of an operation; the device's thread writes the result before it says so. */
struct Task {
  std::shared_ptr<GpuState> state;
  GpuOperation operation;
  const std::int32_t* stop = nullptr;
  /** Whether the device has to be open before. */
  bool opens = true;
  gpu::Gate gate;
  Value value;
  std::exception_ptr exception;
  Sizes sizes{};

  std::mutex mutex;
  /** Whom the device's thread tells; Node deletes it when an environment ends, whoever still wants to use it.
   */
  napi_threadsafe_function finished = nullptr;
};

/** On the device's thread. */
void tell(Task& task) {
  const std::lock_guard lock(task.mutex);
  // The environment has ended, and nobody waits.
  if (task.finished == nullptr) return;
  // It may be on its way out: then it has been released.
  if (napi_call_threadsafe_function(task.finished, nullptr, napi_tsfn_nonblocking) == napi_closing) return;
  static_cast<void>(napi_release_threadsafe_function(task.finished, napi_tsfn_release));
}

/** Copies under way may still use what the next operation will use. */
void settle(const gpu::Device& device) noexcept {
  for (std::size_t lane = 0; lane < gpu::Device::lanes; ++lane) {
    const gpu::StreamHandle stream = device.lane(lane).stream;
    // What it answers, the operation has been told already.
    if (stream != nullptr) static_cast<void>(device.driver().cuStreamSynchronize(stream));
  }
}

/** A full memory says nothing about the device. */
bool blamesDevice(const std::exception_ptr& exception) {
  try {
    std::rethrow_exception(exception);
  } catch (const gpu::DriverError& error) {
    return error.code() != gpu::kOutOfMemory;
  } catch (...) {
    return false;
  }
}

void run(Task& task) noexcept {
  GpuState& state = *task.state;
  if (!state.earlierXids) state.earlierXids = state.device.xids().size();
  try {
    if (task.opens) state.device.open();
    state.pool.beginOperation();
    const gpu::Context context(state.device, state.pool, task.gate, task.stop);
    context.throwIfStopped();
    task.value = task.operation(context);
  } catch (...) {
    task.exception = std::current_exception();
    settle(state.device);
    if (blamesDevice(task.exception)) state.device.collectXids();
  }
  task.sizes.memoryBytes = state.pool.counters().peakBytes;
  const std::lock_guard lock(state.mutex);
  state.counters = state.pool.counters();
  state.deviceName = state.device.name();
  const std::vector<unsigned>& xids = state.device.xids();
  state.xids.assign(xids.begin() + static_cast<std::ptrdiff_t>(*state.earlierXids), xids.end());
}

}  // namespace

/** JavaScript's side of an operation. It lives as long as its threadsafe function, which ends it. */
struct PendingGpuOperation {
  GpuSession* session;
  Napi::Promise::Deferred deferred;
  Napi::ObjectReference arguments;
  /** So that the session is not collected before its operations have ended. */
  Napi::ObjectReference owner;
  std::shared_ptr<Task> task;

  void settle(Napi::Env env) const {
    const Napi::HandleScope scope(env);
    if (task->exception) {
      deferred.Reject(toError(env, task->exception).Value());
    } else {
      deferred.Resolve(toResult(env, task->value, task->sizes));
    }
  }

  static void call(napi_env env, napi_value /*function*/, void* context, void* /*data*/) {
    if (env != nullptr) static_cast<PendingGpuOperation*>(context)->settle(env);
  }

  static void finalize(napi_env /*env*/, void* data, void* /*hint*/) {
    const std::unique_ptr<PendingGpuOperation> pending(static_cast<PendingGpuOperation*>(data));
    pending->session->pending_.erase(pending.get());
    // If it has not ended, its thread does: the arrays go with that.
    pending->task->gate.close();
    const std::lock_guard lock(pending->task->mutex);
    pending->task->finished = nullptr;
  }
};

GpuSession::GpuSession(const Napi::CallbackInfo& info) : Napi::ObjectWrap<GpuSession>(info) {
  if (!info[0].IsString()) throw Napi::TypeError::New(info.Env(), "argument 0 is not a string");
  const std::size_t memoryLimit = sizeArgument(info, 1);
  if (info[2].IsString()) {
    // The guest library looks there when it connects. Only where it differs: others may be reading the
    // environment.
    const std::string executor = info[2].As<Napi::String>().Utf8Value();
    const char* now = std::getenv("VGPU_EXECUTOR");  // NOLINT(concurrency-mt-unsafe)
    if ((now == nullptr || executor != now) && setenv("VGPU_EXECUTOR", executor.c_str(), 1) != 0) {
      throw Napi::Error::New(info.Env(), std::string("setenv fails: ") + std::strerror(errno));
    }
  }
  state_ = std::make_shared<GpuState>(gpu::Device::of(info[0].As<Napi::String>().Utf8Value()), memoryLimit);
}

GpuSession::~GpuSession() {
  state_->device.post([state = state_] { state->pool.trim(); });
}

Napi::Value GpuSession::performOnGpu(const Napi::CallbackInfo& info, GpuOperation operation, bool opens) {
  auto task = std::make_shared<Task>();
  task->state = state_;
  task->operation = std::move(operation);
  task->stop = stopArgument(info);
  task->sizes.arrayBytes = arrayBytes(info);
  task->opens = opens;
  const auto arguments = Napi::Array::New(info.Env(), info.Length());
  for (std::uint32_t i = 0; i < info.Length(); ++i) arguments.Set(i, info[i]);
  auto pending = std::make_unique<PendingGpuOperation>(
      PendingGpuOperation{.session = this,
                          .deferred = Napi::Promise::Deferred::New(info.Env()),
                          .arguments = Napi::Persistent(arguments.As<Napi::Object>()),
                          .owner = Napi::Persistent(info.This().As<Napi::Object>()),
                          .task = task});
  const auto name = Napi::String::New(info.Env(), "vgpu_compute");
  if (napi_create_threadsafe_function(info.Env(), nullptr, nullptr, name, 0, 1, pending.get(),
                                      PendingGpuOperation::finalize, pending.get(), PendingGpuOperation::call,
                                      &task->finished) != napi_ok) {
    throw Napi::Error::New(info.Env());
  }
  const Napi::Promise promise = pending->deferred.Promise();
  pending_.insert(pending.get());
  // Its own finalize() deletes it.
  static_cast<void>(pending.release());
  state_->device.post([task] {
    run(*task);
    tell(*task);
  });
  return promise;  // NOLINT(clang-analyzer-cplusplus.NewDeleteLeaks)
}

Napi::Value GpuSession::open(const Napi::CallbackInfo& info) {
  return performOnGpu(info, [](const gpu::Context& context) -> addon::Value {
    context.device().ping();
    return {};
  });
}

Napi::Value GpuSession::reopen(const Napi::CallbackInfo& info) {
  const auto reopen = [](const gpu::Context& context) -> addon::Value {
    context.device().reopen();
    // What happened while nobody could ask.
    context.device().collectXids();
    return {};
  };
  return performOnGpu(info, reopen, false);
}

Napi::Value GpuSession::freeMemory(const Napi::CallbackInfo& info) {
  const auto trim = [state = state_](const gpu::Context& /*context*/) -> addon::Value {
    state->pool.trim();
    return {};
  };
  return performOnGpu(info, trim, false);
}

/** Nothing that is under way writes anything any more, nor keeps the process alive. With an argument, what
 * was begun with that one. */
Napi::Value GpuSession::abandon(const Napi::CallbackInfo& info) {
  const std::int32_t* stop = info.Length() > 0 ? stopArgument(info) : nullptr;
  for (const PendingGpuOperation* pending : pending_) {
    if (stop != nullptr && pending->task->stop != stop) continue;
    pending->task->gate.close();
    napi_unref_threadsafe_function(info.Env(), pending->task->finished);
  }
  return info.Env().Undefined();
}

Napi::Value GpuSession::counters(const Napi::CallbackInfo& info) {
  const std::lock_guard lock(state_->mutex);
  const auto number = [&](std::size_t value) {
    return Napi::Number::New(info.Env(), static_cast<double>(value));
  };
  auto result = Napi::Object::New(info.Env());
  result.Set("usedBytes", number(state_->counters.usedBytes));
  result.Set("cachedBytes", number(state_->counters.cachedBytes));
  result.Set("failedFrees", number(state_->counters.failedFrees));
  return result;
}

Napi::Value GpuSession::deviceName(const Napi::CallbackInfo& info) {
  const std::lock_guard lock(state_->mutex);
  return Napi::String::New(info.Env(), state_->deviceName);
}

Napi::Value GpuSession::xids(const Napi::CallbackInfo& info) {
  const std::lock_guard lock(state_->mutex);
  const auto result = Napi::Array::New(info.Env(), state_->xids.size());
  for (std::uint32_t i = 0; i < result.Length(); ++i)
    result.Set(i, Napi::Number::New(info.Env(), state_->xids.at(i)));
  return result;
}

void GpuSession::define(Napi::Env env, Napi::Object exports) {
  const Napi::Function constructor = DefineClass(env, "Gpu",
                                                 {
                                                     InstanceMethod<&GpuSession::open>("open"),
                                                     InstanceMethod<&GpuSession::reopen>("reopen"),
                                                     InstanceMethod<&GpuSession::freeMemory>("freeMemory"),
                                                     InstanceMethod<&GpuSession::abandon>("abandon"),
                                                     InstanceMethod<&GpuSession::counters>("counters"),
                                                     InstanceMethod<&GpuSession::deviceName>("deviceName"),
                                                     InstanceMethod<&GpuSession::xids>("xids"),
                                                 });
  auto prototype = constructor.Get("prototype").As<Napi::Object>();
  for (const auto family : {gpuVectorOperations(), gpuMatrixOperations(), gpuPointOperations()}) {
    for (const GpuOperationEntry& entry : family) {
      const auto method = [perform = entry.perform](const Napi::CallbackInfo& info) {
        // Throws where `this` is no Gpu.
        GpuSession* session = Unwrap(info.This().As<Napi::Object>());
        try {
          return session->performOnGpu(info, perform(info));
        } catch (const Napi::Error&) {
          throw;
        } catch (...) {
          throw toError(info.Env(), std::current_exception());
        }
      };
      prototype.Set(entry.name, Napi::Function::New(env, method, entry.name));
    }
  }
  exports.Set("Gpu", constructor);
}

}  // namespace vgpu::addon
