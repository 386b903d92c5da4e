// os::Mapping for JavaScript.
#pragma once

#include <napi.h>

#include <memory>

#include "os/mapping.h"

namespace vgpu::addon {

/** Methods are described in src/native.ts. The pages go when close(), operations and buffers have all let go.
 */
class MappingObject final : public Napi::ObjectWrap<MappingObject> {
 public:
  static Napi::Function define(Napi::Env env);
  static Napi::Object create(Napi::Env env, std::shared_ptr<os::Mapping> mapping);

  /** Takes an External of a shared_ptr<os::Mapping>: only create() calls it. */
  explicit MappingObject(const Napi::CallbackInfo& info);

 private:
  /** The mapping, unless it is closed. */
  [[nodiscard]] std::shared_ptr<os::Mapping> mapping(const Napi::CallbackInfo& info) const;

  Napi::Value buffer(const Napi::CallbackInfo& info);
  Napi::Value writeBack(const Napi::CallbackInfo& info);
  Napi::Value discard(const Napi::CallbackInfo& info);
  Napi::Value prefetch(const Napi::CallbackInfo& info);
  Napi::Value advise(const Napi::CallbackInfo& info);
  Napi::Value residentBytes(const Napi::CallbackInfo& info);
  Napi::Value pin(const Napi::CallbackInfo& info);
  Napi::Value unpin(const Napi::CallbackInfo& info);
  Napi::Value faulted(const Napi::CallbackInfo& info);
  Napi::Value close(const Napi::CallbackInfo& info);

  std::shared_ptr<os::Mapping> mapping_;
};

}  // namespace vgpu::addon
