// What JavaScript passes. The TypeScript side has checked it for the user; these checks keep a mistake there
// from becoming a wild address here.
#pragma once

#include <napi.h>

#include <cstddef>
#include <cstdint>
#include <string>

namespace vgpu::addon {

bool booleanArgument(const Napi::CallbackInfo& info, std::size_t index);
/** An integer from 0 to 2^53 - 1. */
std::uint64_t integerArgument(const Napi::CallbackInfo& info, std::size_t index);
std::string stringArgument(const Napi::CallbackInfo& info, std::size_t index);
Napi::Uint8Array bytesArgument(const Napi::CallbackInfo& info, std::size_t index);

}  // namespace vgpu::addon
