// What goes back to JavaScript.
#pragma once

#include <napi.h>

#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <vector>

#include "os/file.h"

namespace vgpu::addon {

Napi::Value toValue(Napi::Env env, bool value);
Napi::Value toValue(Napi::Env env, std::uint64_t value);
Napi::Value toValue(Napi::Env env, const std::string& value);
Napi::Value toValue(Napi::Env env, const std::vector<std::string>& values);
/** A FileObject. */
Napi::Value toValue(Napi::Env env, const std::shared_ptr<os::File>& file);

/** An os::Error as an Error with `kind`, `call`, `number`, `errorName` and `path`; src/native.ts describes
 * it. */
Napi::Error toError(Napi::Env env, const std::exception_ptr& exception);

}  // namespace vgpu::addon
