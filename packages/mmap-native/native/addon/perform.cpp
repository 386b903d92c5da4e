#include "perform.h"

#include <exception>

#include "arguments.h"

namespace vgpu::addon {
namespace {

class PromiseWorker final : public Napi::AsyncWorker {
 public:
  PromiseWorker(Napi::Env env, Operation operation)
      : Napi::AsyncWorker(env, "vgpu_mmap"),
        deferred_(Napi::Promise::Deferred::New(env)),
        operation_(std::move(operation)) {}

  [[nodiscard]] Napi::Promise promise() const { return deferred_.Promise(); }

 protected:
  void Execute() override {
    try {
      finish_ = operation_();
    } catch (...) {
      exception_ = std::current_exception();
    }
  }

  void OnOK() override {
    const Napi::HandleScope scope(Env());
    if (exception_) {
      deferred_.Reject(toError(Env(), exception_).Value());
      return;
    }
    try {
      deferred_.Resolve(finish_(Env()));
    } catch (const Napi::Error& error) {
      deferred_.Reject(error.Value());
    }
  }

 private:
  Napi::Promise::Deferred deferred_;
  Operation operation_;
  Finish finish_;
  std::exception_ptr exception_;
};

}  // namespace

Napi::Value performOperation(const Napi::CallbackInfo& info, Operation operation) {
  if (!booleanArgument(info, 0)) return quickly(info, operation)(info.Env());
  // Node deletes it once the promise is settled.
  auto worker = std::make_unique<PromiseWorker>(info.Env(), std::move(operation));
  const Napi::Promise promise = worker->promise();
  worker.release()->Queue();
  return promise;
}

}  // namespace vgpu::addon
