// What the addon keeps for each JavaScript environment: the main thread and every worker thread has its own.
#pragma once

#include <napi.h>

#include <cstddef>
#include <map>
#include <memory>

#include "os/mapping.h"

namespace vgpu::addon {

class Environment {
 public:
  static Environment& of(Napi::Env env);

  /** Mappings whose pages JavaScript can see, for mappingAt(). */
  void remember(const std::shared_ptr<os::Mapping>& mapping);
  /** The mapping that holds the address, if any. */
  [[nodiscard]] std::shared_ptr<os::Mapping> mappingAt(const std::byte* address) const;

  Napi::FunctionReference fileClass;
  Napi::FunctionReference mappingClass;
  Napi::FunctionReference bufferClass;

 private:
  std::map<const std::byte*, std::weak_ptr<os::Mapping>> mappings_;
};

}  // namespace vgpu::addon
