#include "environment.h"

#include <iterator>

namespace vgpu::addon {

Environment& Environment::of(Napi::Env env) {
  return *env.GetInstanceData<Environment>();
}

void Environment::remember(const std::shared_ptr<os::Mapping>& mapping) {
  std::erase_if(mappings_, [](const auto& entry) { return entry.second.expired(); });
  mappings_[mapping->bytes().data()] = mapping;
}

std::shared_ptr<os::Mapping> Environment::mappingAt(const std::byte* address) const {
  const auto after = mappings_.upper_bound(address);
  if (after == mappings_.begin()) return nullptr;
  std::shared_ptr<os::Mapping> mapping = std::prev(after)->second.lock();
  if (!mapping || address >= mapping->bytes().data() + mapping->bytes().size()) return nullptr;
  return mapping;
}

}  // namespace vgpu::addon
