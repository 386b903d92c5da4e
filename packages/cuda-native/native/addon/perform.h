// Runs an operation on libuv's thread pool, from where it spreads over the threads of the compute pool.
#pragma once

#include <napi.h>

#include <functional>
#include <type_traits>
#include <utility>
#include <variant>

#include "compute/context.h"
#include "compute/reduce.h"

namespace vgpu::addon {

/** Nothing, or a number: a bigint for exact ones. */
using Value = std::variant<std::monostate, double, compute::Wide>;
using Operation = std::function<Value(compute::Context&)>;

/** A promise of { value, memoryBytes, arrayBytes }. The first two arguments of the call are an Int32Array
 * whose first element becomes other than 0 to stop it, and the most memory it may take for itself. All
 * arguments stay alive until it has ended. */
Napi::Value performOperation(const Napi::CallbackInfo& info, Operation operation);

/** `work` takes a Context and returns void or a number. Exceptions of this function are those of JavaScript.
 */
template <typename Work>
Napi::Value perform(const Napi::CallbackInfo& info, Work work) {
  return performOperation(info, [work = std::move(work)](compute::Context& context) -> Value {
    if constexpr (std::is_void_v<decltype(work(context))>) {
      work(context);
      return {};
    } else if constexpr (std::is_same_v<decltype(work(context)), compute::Number>) {
      return std::visit([](auto number) { return Value(number); }, work(context));
    } else {
      return work(context);
    }
  });
}

/** The first argument of the call, whose first element stops it. */
std::int32_t* stopArgument(const Napi::CallbackInfo& info);
struct Sizes {
  /** The most that the operation had for itself. */
  std::size_t memoryBytes;
  /** Of all arrays that it was given. */
  std::size_t arrayBytes;
};
/** { value, memoryBytes, arrayBytes } */
Napi::Object toResult(Napi::Env env, const Value& value, const Sizes& sizes);
/** An Error with `kind`, `first` and `second`; src/native.ts describes it. */
Napi::Error toError(Napi::Env env, const std::exception_ptr& exception);

}  // namespace vgpu::addon
