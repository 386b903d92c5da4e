#include "buffer_object.h"

#include <utility>

#include "environment.h"

namespace vgpu::addon {
namespace {

/** Electron, and whatever else keeps JavaScript's memory in one place. */
Napi::Error unsupported(Napi::Env env) {
  Napi::Error error = Napi::Error::New(env, "this JavaScript engine allows no buffers over foreign memory");
  error.Set("kind", "unsupported");
  error.Set("call", "napi_create_external_arraybuffer");
  error.Set("number", Napi::Number::New(env, napi_no_external_buffers_allowed));
  error.Set("errorName", "napi_no_external_buffers_allowed");
  error.Set("path", "");
  return error;
}

}  // namespace

struct BufferObject::Lease {
  // Empty once the pages are let go.
  std::shared_ptr<os::Mapping> mapping;
  std::span<std::byte> bytes;
  bool finalized = false;
};

struct BufferObject::Content {
  std::shared_ptr<Lease> lease;
  Napi::ArrayBuffer arrayBuffer;
};

Napi::Function BufferObject::define(Napi::Env env) {
  return DefineClass(env, "NativeBuffer",
                     {InstanceMethod<&BufferObject::arrayBuffer>("arrayBuffer"),
                      InstanceMethod<&BufferObject::close>("close")});
}

Napi::Object BufferObject::create(Napi::Env env, std::shared_ptr<os::Mapping> mapping,
                                  std::span<std::byte> bytes) {
  auto lease = std::make_shared<Lease>();
  lease->mapping = std::move(mapping);
  lease->bytes = bytes;
  Content content{.lease = lease, .arrayBuffer = expose(env, lease)};
  Environment::of(env).remember(lease->mapping);
  return Environment::of(env).bufferClass.New({Napi::External<Content>::New(env, &content)});
}

BufferObject::BufferObject(const Napi::CallbackInfo& info) : Napi::ObjectWrap<BufferObject>(info) {
  if (!info[0].IsExternal()) throw Napi::TypeError::New(info.Env(), "NativeBuffer is not for users");
  const Content& content = *info[0].As<Napi::External<Content>>().Data();
  lease_ = content.lease;
  arrayBuffer_ = Napi::Reference<Napi::ArrayBuffer>::New(content.arrayBuffer, 1);
}

Napi::ArrayBuffer BufferObject::expose(Napi::Env env, const std::shared_ptr<Lease>& lease) {
  auto hint = std::make_unique<std::shared_ptr<Lease>>(lease);
  napi_value value = nullptr;
  const napi_status status = napi_create_external_arraybuffer(env, lease->bytes.data(), lease->bytes.size(),
                                                              finalize, hint.get(), &value);
  // A length that is too large fails and still runs the finalizer, which then has deleted the hint.
  if (status == napi_ok || lease->finalized) static_cast<void>(hint.release());
  if (status == napi_ok) return {env, value};
  if (env.IsExceptionPending()) throw env.GetAndClearPendingException();
  if (status == napi_no_external_buffers_allowed) throw unsupported(env);
  throw Napi::Error::New(env, "cannot create an ArrayBuffer");
}

void BufferObject::finalize(napi_env /*env*/, void* /*data*/, void* hint) {
  const std::unique_ptr<std::shared_ptr<Lease>> lease(static_cast<std::shared_ptr<Lease>*>(hint));
  (*lease)->finalized = true;
  (*lease)->mapping.reset();
}

Napi::Value BufferObject::arrayBuffer(const Napi::CallbackInfo& info) {
  if (arrayBuffer_.IsEmpty()) throw Napi::Error::New(info.Env(), "the buffer is closed");
  return arrayBuffer_.Value();
}

Napi::Value BufferObject::close(const Napi::CallbackInfo& info) {
  if (arrayBuffer_.IsEmpty()) return info.Env().Undefined();
  Napi::ArrayBuffer buffer = arrayBuffer_.Value();
  const bool ours = buffer.Data() == lease_->bytes.data() && buffer.ByteLength() == lease_->bytes.size();
  if (ours) {
    buffer.Detach();
    lease_->mapping.reset();
  }
  arrayBuffer_.Reset();
  return info.Env().Undefined();
}

}  // namespace vgpu::addon
