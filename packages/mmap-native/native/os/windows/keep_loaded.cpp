#include "keep_loaded.h"

#include <mutex>

#include "system.h"

namespace vgpu::os {
namespace {

void pinModule() {
  HMODULE self = nullptr;
  if (!GetModuleHandleExW(GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_PIN,
                          reinterpret_cast<LPCWSTR>(&pinModule), &self)) {
    throwLastError("GetModuleHandleExW", {});
  }
}

}  // namespace

void keepCodeLoaded() {
  static std::once_flag pinned;
  std::call_once(pinned, pinModule);
}

}  // namespace vgpu::os
