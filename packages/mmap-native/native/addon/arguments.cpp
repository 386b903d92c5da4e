#include "arguments.h"

#include <cmath>

namespace vgpu::addon {
namespace {

constexpr double largestSafeInteger = 9007199254740991.0;

[[noreturn]] void refuse(const Napi::CallbackInfo& info, std::size_t index, const char* expected) {
  throw Napi::TypeError::New(info.Env(), "argument " + std::to_string(index) + " is not " + expected);
}

}  // namespace

bool booleanArgument(const Napi::CallbackInfo& info, std::size_t index) {
  if (!info[index].IsBoolean()) refuse(info, index, "a boolean");
  return info[index].As<Napi::Boolean>().Value();
}

std::uint64_t integerArgument(const Napi::CallbackInfo& info, std::size_t index) {
  const double value = info[index].IsNumber() ? info[index].As<Napi::Number>().DoubleValue() : -1;
  if (!(value >= 0 && value <= largestSafeInteger && std::trunc(value) == value)) {
    refuse(info, index, "a non-negative safe integer");
  }
  return static_cast<std::uint64_t>(value);
}

std::string stringArgument(const Napi::CallbackInfo& info, std::size_t index) {
  if (!info[index].IsString()) refuse(info, index, "a string");
  return info[index].As<Napi::String>().Utf8Value();
}

Napi::Uint8Array bytesArgument(const Napi::CallbackInfo& info, std::size_t index) {
  if (!info[index].IsTypedArray() ||
      info[index].As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array) {
    refuse(info, index, "a Uint8Array");
  }
  return info[index].As<Napi::Uint8Array>();
}

}  // namespace vgpu::addon
