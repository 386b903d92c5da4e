#include "perform.h"

#include <exception>
#include <memory>
#include <new>

#include "arguments.h"
#include "compute/error.h"
#include "gpu/driver.h"

namespace vgpu::addon {
namespace {

const char* nameOf(compute::ErrorKind kind) {
  switch (kind) {
    case compute::ErrorKind::argument:
      return "argument";
    case compute::ErrorKind::capacity:
      return "capacity";
    case compute::ErrorKind::overlap:
      return "overlap";
    case compute::ErrorKind::memoryLimit:
      return "memoryLimit";
    case compute::ErrorKind::outOfMemory:
      return "outOfMemory";
    case compute::ErrorKind::divisionByZero:
      return "divisionByZero";
    case compute::ErrorKind::singular:
      return "singular";
    case compute::ErrorKind::aborted:
      break;
  }
  return "aborted";
}

Napi::Error makeError(Napi::Env env, compute::ErrorKind kind, const char* message, std::size_t first,
                      std::size_t second) {
  Napi::Error result = Napi::Error::New(env, message);
  result.Set("kind", nameOf(kind));
  result.Set("first", Napi::Number::New(env, static_cast<double>(first)));
  result.Set("second", Napi::Number::New(env, static_cast<double>(second)));
  return result;
}

struct ToJavaScript {
  Napi::Env env;

  Napi::Value operator()(std::monostate /*none*/) const { return env.Undefined(); }
  Napi::Value operator()(double number) const { return Napi::Number::New(env, number); }
  Napi::Value operator()(compute::Wide number) const {
    __extension__ typedef unsigned __int128 Magnitude;
    const bool negative = number < 0;
    const Magnitude magnitude =
        negative ? Magnitude{0} - static_cast<Magnitude>(number) : static_cast<Magnitude>(number);
    const std::uint64_t words[] = {static_cast<std::uint64_t>(magnitude),
                                   static_cast<std::uint64_t>(magnitude >> 64)};
    return Napi::BigInt::New(env, negative ? 1 : 0, 2, words);
  }
};

class Worker final : public Napi::AsyncWorker {
 public:
  Worker(const Napi::CallbackInfo& info, Operation operation)
      : Napi::AsyncWorker(info.Env(), "vgpu_compute"),
        deferred_(Napi::Promise::Deferred::New(info.Env())),
        context_(compute::ThreadPool::shared(), sizeArgument(info, 1), stopArgument(info)),
        operation_(std::move(operation)),
        arrayBytes_(arrayBytes(info)) {
    const Napi::Array arguments = Napi::Array::New(info.Env(), info.Length());
    for (std::uint32_t i = 0; i < info.Length(); ++i) arguments.Set(i, info[i]);
    arguments_ = Napi::Persistent(arguments.As<Napi::Object>());
  }

  [[nodiscard]] Napi::Promise promise() const { return deferred_.Promise(); }

 protected:
  void Execute() override {
    try {
      value_ = operation_(context_);
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
    deferred_.Resolve(toResult(Env(), value_, {context_.memoryUsed(), arrayBytes_}));
  }

 private:
  Napi::Promise::Deferred deferred_;
  compute::Context context_;
  Operation operation_;
  std::size_t arrayBytes_;
  Napi::ObjectReference arguments_;
  Value value_;
  std::exception_ptr exception_;
};

}  // namespace

Napi::Value performOperation(const Napi::CallbackInfo& info, Operation operation) {
  // Node deletes it once the promise is settled.
  auto worker = std::make_unique<Worker>(info, std::move(operation));
  const Napi::Promise promise = worker->promise();
  worker.release()->Queue();
  return promise;  // NOLINT(clang-analyzer-cplusplus.NewDeleteLeaks)
}

std::int32_t* stopArgument(const Napi::CallbackInfo& info) {
  const compute::Array flag = arrayArgument(info, 0, 1);
  if (flag.type != compute::ElementType::i32) {
    throw Napi::TypeError::New(info.Env(), "argument 0 is not an Int32Array");
  }
  return flag.as<std::int32_t>();
}

Napi::Object toResult(Napi::Env env, const Value& value, const Sizes& sizes) {
  const Napi::Object result = Napi::Object::New(env);
  result.Set("value", std::visit(ToJavaScript{env}, value));
  result.Set("memoryBytes", Napi::Number::New(env, static_cast<double>(sizes.memoryBytes)));
  result.Set("arrayBytes", Napi::Number::New(env, static_cast<double>(sizes.arrayBytes)));
  return result;
}

Napi::Error toError(Napi::Env env, const std::exception_ptr& exception) {
  try {
    std::rethrow_exception(exception);
  } catch (const compute::Error& error) {
    return makeError(env, error.kind(), error.what(), error.first(), error.second());
  } catch (const gpu::DriverError& error) {
    Napi::Error result = Napi::Error::New(env, error.what());
    result.Set("kind", "gpu");
    result.Set("first", Napi::Number::New(env, error.code()));
    result.Set("second", Napi::Number::New(env, 0));
    result.Set("call", Napi::String::New(env, error.call()));
    return result;
  } catch (const std::bad_alloc&) {
    return makeError(env, compute::ErrorKind::outOfMemory, "the system has no memory left", 0, 0);
  } catch (const Napi::Error& error) {
    return error;
  } catch (const std::exception& error) {
    return Napi::Error::New(env, error.what());
  }
}

}  // namespace vgpu::addon
