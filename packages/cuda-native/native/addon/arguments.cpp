#include "arguments.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>

#include "compute/checks.h"
#include "compute/error.h"

namespace vgpu::addon {
namespace {

constexpr double largestSafeInteger = 9007199254740991.0;

[[noreturn]] void refuse(const Napi::CallbackInfo& info, std::size_t index, const char* expected) {
  throw Napi::TypeError::New(info.Env(), "argument " + std::to_string(index) + " is not " + expected);
}

std::optional<compute::ElementType> elementType(napi_typedarray_type type) {
  switch (type) {
    case napi_float32_array:
      return compute::ElementType::f32;
    case napi_float64_array:
      return compute::ElementType::f64;
    case napi_int32_array:
      return compute::ElementType::i32;
    case napi_uint32_array:
      return compute::ElementType::u32;
    case napi_bigint64_array:
      return compute::ElementType::i64;
    case napi_biguint64_array:
      return compute::ElementType::u64;
    default:
      return std::nullopt;
  }
}

struct TypedArray {
  napi_typedarray_type type = napi_int8_array;
  std::size_t length = 0;
  void* data = nullptr;
};

TypedArray typedArray(const Napi::CallbackInfo& info, std::size_t index) {
  bool isTypedArray = false;
  TypedArray array;
  // Of memory that is shared, the array is asked itself: there is no ArrayBuffer.
  if (napi_is_typedarray(info.Env(), info[index], &isTypedArray) != napi_ok || !isTypedArray ||
      napi_get_typedarray_info(info.Env(), info[index], &array.type, &array.length, &array.data, nullptr,
                               nullptr) != napi_ok) {
    refuse(info, index, "a typed array");
  }
  return array;
}

}  // namespace

bool booleanArgument(const Napi::CallbackInfo& info, std::size_t index) {
  if (!info[index].IsBoolean()) refuse(info, index, "a boolean");
  return info[index].As<Napi::Boolean>().Value();
}

compute::Order orderArgument(const Napi::CallbackInfo& info, std::size_t index) {
  return booleanArgument(info, index) ? compute::Order::descending : compute::Order::ascending;
}

double numberArgument(const Napi::CallbackInfo& info, std::size_t index) {
  if (!info[index].IsNumber()) refuse(info, index, "a number");
  return info[index].As<Napi::Number>().DoubleValue();
}

std::size_t sizeArgument(const Napi::CallbackInfo& info, std::size_t index) {
  const double value = info[index].IsNumber() ? numberArgument(info, index) : -1;
  if (!(value >= 0 && value <= largestSafeInteger && std::trunc(value) == value)) {
    refuse(info, index, "a non-negative safe integer");
  }
  return static_cast<std::size_t>(value);
}

compute::Number scalarArgument(const Napi::CallbackInfo& info, std::size_t index) {
  if (!info[index].IsBigInt()) return numberArgument(info, index);
  const auto value = info[index].As<Napi::BigInt>();
  bool lossless = false;
  const std::int64_t signedValue = value.Int64Value(&lossless);
  if (lossless) return compute::Wide{signedValue};
  const std::uint64_t unsignedValue = value.Uint64Value(&lossless);
  if (!lossless) refuse(info, index, "an integer of 64 bits");
  return compute::Wide{unsignedValue};
}

compute::Array arrayArgument(const Napi::CallbackInfo& info, std::size_t index) {
  const TypedArray array = typedArray(info, index);
  const auto element = elementType(array.type);
  if (!element) refuse(info, index, "a typed array of 32- or 64-bit elements");
  return {*element, static_cast<std::byte*>(array.data), array.length};
}

compute::Array arrayArgument(const Napi::CallbackInfo& info, std::size_t index, std::size_t count) {
  compute::Array array = arrayArgument(info, index);
  compute::checkCount(count, array);
  array.count = count;
  return array;
}

compute::Matrix matrixArgument(const Napi::CallbackInfo& info, std::size_t index) {
  return {.array = arrayArgument(info, index),
          .rows = sizeArgument(info, index + 1),
          .columns = sizeArgument(info, index + 2),
          .stride = sizeArgument(info, index + 3)};
}

compute::MatrixBatch batchArgument(const Napi::CallbackInfo& info, std::size_t index) {
  return {.first = matrixArgument(info, index),
          .count = sizeArgument(info, index + 4),
          .step = sizeArgument(info, index + 5)};
}

compute::BitMatrix bitMatrixArgument(const Napi::CallbackInfo& info, std::size_t index) {
  return {.words = arrayArgument(info, index),
          .rows = sizeArgument(info, index + 1),
          .columns = sizeArgument(info, index + 2),
          .stride = sizeArgument(info, index + 3)};
}

compute::HalfArray halfArgument(const Napi::CallbackInfo& info, std::size_t index, std::size_t count) {
  const TypedArray array = typedArray(info, index);
  if (array.type != napi_uint16_array) refuse(info, index, "a Uint16Array");
  if (count > array.length) {
    throw compute::Error(compute::ErrorKind::capacity, "more elements than an array of f16 has", count,
                         array.length);
  }
  return {static_cast<std::uint16_t*>(array.data), count};
}

std::size_t choiceArgument(const Napi::CallbackInfo& info, std::size_t index,
                           std::initializer_list<const char*> names) {
  if (!info[index].IsString()) refuse(info, index, "a name");
  const std::string given = info[index].As<Napi::String>().Utf8Value();
  const auto* const found = std::find(names.begin(), names.end(), given);
  if (found == names.end()) refuse(info, index, "one of the names that there are");
  return static_cast<std::size_t>(found - names.begin());
}

std::size_t arrayBytes(const Napi::CallbackInfo& info) {
  std::size_t bytes = 0;
  for (std::size_t i = 2; i < info.Length(); ++i) {
    if (info[i].IsTypedArray()) bytes += info[i].As<Napi::TypedArray>().ByteLength();
  }
  return bytes;
}

}  // namespace vgpu::addon
