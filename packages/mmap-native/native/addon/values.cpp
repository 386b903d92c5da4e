#include "values.h"

#include "file_object.h"
#include "os/error.h"

namespace vgpu::addon {
namespace {

const char* nameOf(os::ErrorKind kind) {
  switch (kind) {
    case os::ErrorKind::exists:
      return "exists";
    case os::ErrorKind::notFound:
      return "notFound";
    case os::ErrorKind::access:
      return "access";
    case os::ErrorKind::noSpace:
      return "noSpace";
    case os::ErrorKind::locked:
      return "locked";
    case os::ErrorKind::unsupported:
      return "unsupported";
    case os::ErrorKind::io:
      break;
  }
  return "io";
}

}  // namespace

Napi::Value toValue(Napi::Env env, bool value) {
  return Napi::Boolean::New(env, value);
}

Napi::Value toValue(Napi::Env env, std::uint64_t value) {
  return Napi::Number::New(env, static_cast<double>(value));
}

Napi::Value toValue(Napi::Env env, const std::string& value) {
  return Napi::String::New(env, value);
}

Napi::Value toValue(Napi::Env env, const std::vector<std::string>& values) {
  const Napi::Array array = Napi::Array::New(env, values.size());
  for (std::uint32_t index = 0; index < values.size(); ++index) array.Set(index, values[index]);
  return array;
}

Napi::Value toValue(Napi::Env env, const std::shared_ptr<os::File>& file) {
  return FileObject::create(env, file);
}

Napi::Error toError(Napi::Env env, const std::exception_ptr& exception) {
  try {
    std::rethrow_exception(exception);
  } catch (const os::Error& error) {
    Napi::Error result = Napi::Error::New(env, error.what());
    result.Set("kind", nameOf(error.kind()));
    result.Set("call", error.call());
    result.Set("number", Napi::Number::New(env, static_cast<double>(error.number())));
    result.Set("errorName", error.name());
    result.Set("path", error.path());
    return result;
  } catch (const Napi::Error& error) {
    return error;
  } catch (const std::exception& error) {
    return Napi::Error::New(env, error.what());
  }
}

}  // namespace vgpu::addon
