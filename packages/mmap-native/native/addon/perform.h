// Runs what may block: at once, or on libuv's thread pool.
#pragma once

#include <napi.h>

#include <functional>
#include <type_traits>
#include <utility>

#include "values.h"

namespace vgpu::addon {

/** Makes the JavaScript value of a result, on the JavaScript thread. */
using Finish = std::function<Napi::Value(Napi::Env)>;
/** The work itself, without JavaScript, on any thread. */
using Operation = std::function<Finish()>;

/** The result when the first argument, `async`, is false; else a promise of it. */
Napi::Value performOperation(const Napi::CallbackInfo& info, Operation operation);

/**
 * `work` returns void or what toValue() takes. It may not touch JavaScript, and keeps alive what it uses:
 * objects may be closed while it runs.
 */
template <typename Work>
Napi::Value perform(const Napi::CallbackInfo& info, Work work) {
  return performOperation(info, [work = std::move(work)]() mutable -> Finish {
    if constexpr (std::is_void_v<std::invoke_result_t<Work&>>) {
      work();
      return [](Napi::Env env) { return env.Undefined(); };
    } else {
      return [result = work()](Napi::Env env) { return toValue(env, result); };
    }
  });
}

/** Runs something quick, and turns its exceptions into those of JavaScript. */
template <typename Work>
auto quickly(const Napi::CallbackInfo& info, Work work) {
  try {
    return work();
  } catch (...) {
    throw toError(info.Env(), std::current_exception());
  }
}

}  // namespace vgpu::addon
