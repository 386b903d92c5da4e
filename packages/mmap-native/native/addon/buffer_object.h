// A range of a mapping as an ArrayBuffer.
#pragma once

#include <napi.h>

#include <cstddef>
#include <memory>
#include <span>

#include "os/mapping.h"

namespace vgpu::addon {

/**
 * Keeps the pages mapped for as long as JavaScript can reach them, and lets them go once, either
 *
 * - in close(), which first detaches the ArrayBuffer, so that all views of it have length 0; or
 * - in the finalizer of the ArrayBuffer, when nobody called close(), or when ArrayBuffer.prototype.transfer()
 * has moved the pages to another buffer, which close() cannot reach.
 *
 * All of it happens on the JavaScript thread.
 */
class BufferObject final : public Napi::ObjectWrap<BufferObject> {
 public:
  static Napi::Function define(Napi::Env env);
  /** Throws an error of the kind `unsupported` where JavaScript refuses memory that it has not allocated. */
  static Napi::Object create(Napi::Env env, std::shared_ptr<os::Mapping> mapping, std::span<std::byte> bytes);

  /** Takes an External of a Content: only create() calls it. */
  explicit BufferObject(const Napi::CallbackInfo& info);

 private:
  struct Lease;
  struct Content;

  static Napi::ArrayBuffer expose(Napi::Env env, const std::shared_ptr<Lease>& lease);
  static void finalize(napi_env env, void* data, void* hint);

  Napi::Value arrayBuffer(const Napi::CallbackInfo& info);
  Napi::Value close(const Napi::CallbackInfo& info);

  std::shared_ptr<Lease> lease_;
  Napi::Reference<Napi::ArrayBuffer> arrayBuffer_;
};

}  // namespace vgpu::addon
