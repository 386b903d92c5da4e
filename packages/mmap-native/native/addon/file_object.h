// os::File for JavaScript.
#pragma once

#include <napi.h>

#include <memory>

#include "os/file.h"

namespace vgpu::addon {

/**
 * Operations share ownership of the file, so that close() during one takes effect when it ends. Methods are
 * described in src/native.ts.
 */
class FileObject final : public Napi::ObjectWrap<FileObject> {
 public:
  static Napi::Function define(Napi::Env env);
  static Napi::Object create(Napi::Env env, const std::shared_ptr<os::File>& file);

  /** Takes an External of a shared_ptr<os::File>: only create() calls it. */
  explicit FileObject(const Napi::CallbackInfo& info);

 private:
  /** The file, unless it is closed. */
  [[nodiscard]] std::shared_ptr<os::File> file(const Napi::CallbackInfo& info) const;

  Napi::Value size(const Napi::CallbackInfo& info);
  Napi::Value isRegular(const Napi::CallbackInfo& info);
  Napi::Value resize(const Napi::CallbackInfo& info);
  Napi::Value reserve(const Napi::CallbackInfo& info);
  Napi::Value punchHole(const Napi::CallbackInfo& info);
  Napi::Value read(const Napi::CallbackInfo& info);
  Napi::Value write(const Napi::CallbackInfo& info);
  Napi::Value copyWithin(const Napi::CallbackInfo& info);
  Napi::Value flush(const Napi::CallbackInfo& info);
  Napi::Value dropCache(const Napi::CallbackInfo& info);
  Napi::Value prefetch(const Napi::CallbackInfo& info);
  Napi::Value load(const Napi::CallbackInfo& info);
  Napi::Value residentBytes(const Napi::CallbackInfo& info);
  Napi::Value tryLock(const Napi::CallbackInfo& info);
  Napi::Value unlock(const Napi::CallbackInfo& info);
  Napi::Value isAt(const Napi::CallbackInfo& info);
  Napi::Value setMode(const Napi::CallbackInfo& info);
  Napi::Value map(const Napi::CallbackInfo& info);
  Napi::Value close(const Napi::CallbackInfo& info);

  std::shared_ptr<os::File> file_;
};

}  // namespace vgpu::addon
