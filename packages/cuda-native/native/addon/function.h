// A function that JavaScript can call.
#pragma once

#include <napi.h>

#include <exception>

#include "perform.h"

namespace vgpu::addon {

using Info = Napi::CallbackInfo;

/** Turns the exceptions of the checks into those of JavaScript. */
template <Napi::Value (*function)(const Info&)>
Napi::Value guarded(const Info& info) {
  try {
    return function(info);
  } catch (const Napi::Error&) {
    throw;
  } catch (...) {
    throw toError(info.Env(), std::current_exception());
  }
}

template <Napi::Value (*function)(const Info&)>
void addFunction(Napi::Object exports, const char* name) {
  exports.Set(name, Napi::Function::New<guarded<function>>(exports.Env(), name));
}

}  // namespace vgpu::addon
