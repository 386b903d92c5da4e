#include "module.h"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace vgpu::software {
namespace {

// The PTX ISA version that this library was written against.
constexpr std::uint32_t kNewestPtxMajor = 9;

/// "sm_75" → 75, "sm_90a" → 90; 0 when it is something else.
int target_number(std::string_view target) {
  if (!target.starts_with("sm_")) return 0;
  int number = 0;
  std::from_chars(target.data() + 3, target.data() + target.size(), number);
  return number;
}

bool is_variable_in_memory(const ptx::Variable& variable) {
  const bool placed =
      variable.space == ptx::StateSpace::global || variable.space == ptx::StateSpace::constant;
  return placed && variable.linkage != ptx::Linkage::external && variable.bytes() != 0;
}

}  // namespace

LoadedKernel::LoadedKernel(DecodedKernel decoded, std::string_view module_text, const ptx::Function& function,
                           const DeviceLimits& limits, int ptx_version, int constant_bytes)
    : decoded_(std::move(decoded)), module_text_(module_text) {
  std::size_t total = 0;
  for (const ParameterPlace& place : place_parameters(function.parameters, total)) {
    parameters_.push_back({place.offset, place.bytes});
  }
  attributes_.max_threads_per_block = limits.max_threads_per_block;
  const auto product = [](const std::uint32_t(&size)[3]) {
    return static_cast<int>(size[0] * std::max(size[1], 1U) * std::max(size[2], 1U));
  };
  if (function.max_threads[0] != 0) {
    attributes_.max_threads_per_block =
        std::min(attributes_.max_threads_per_block, product(function.max_threads));
  }
  if (function.required_threads[0] != 0) {
    attributes_.max_threads_per_block =
        std::min(attributes_.max_threads_per_block, product(function.required_threads));
    required_block_ = {function.required_threads[0], std::max(function.required_threads[1], 1U),
                       std::max(function.required_threads[2], 1U)};
  }
  attributes_.static_shared_bytes = static_cast<int>(decoded_.static_shared_bytes);
  attributes_.constant_bytes = constant_bytes;
  attributes_.local_bytes = static_cast<int>(decoded_.functions.front().local_bytes);
  // There is no register file to run out of. Programs compute from the number how many blocks a
  // multiprocessor holds, and do not launch what it does not: as from a compiler, the largest allowed block
  // must fit.
  const auto largest =
      static_cast<std::uint32_t>(limits.registers_per_block / attributes_.max_threads_per_block);
  attributes_.registers =
      static_cast<int>(std::clamp(decoded_.register_count, 1U, std::min(largest / 8 * 8, 255U)));
  attributes_.ptx_version = ptx_version;
  attributes_.binary_version = 10 * limits.compute_capability_major + limits.compute_capability_minor;
}

TextModule::TextModule(std::string ptx, DeviceMemory& memory, ManagedMemory* managed,
                       const DeviceLimits& limits, Invariants invariants)
    : text_(std::move(ptx)), memory_(memory), managed_(managed), limits_(limits), invariants_(invariants) {
  module_.syntax = ptx::parse_module(text_);
  check_target();
  index_functions();
  try {
    allocate_variables();
    initialize_variables();
  } catch (...) {
    free_variables();
    throw;
  }
}

TextModule::~TextModule() {
  free_variables();
}

void TextModule::check_target() const {
  if (module_.syntax.version_major > kNewestPtxMajor) {
    throw Error(Status::unsupported_ptx_version, "PTX version " +
                                                     std::to_string(module_.syntax.version_major) + "." +
                                                     std::to_string(module_.syntax.version_minor) +
                                                     " is newer than " + std::to_string(kNewestPtxMajor));
  }
  const int capability = 10 * limits_.compute_capability_major + limits_.compute_capability_minor;
  if (target_number(module_.syntax.target) > capability) {
    throw Error(Status::no_binary_for_gpu,
                "PTX for " + std::string(module_.syntax.target) + " does not run on compute capability " +
                    std::to_string(capability / 10) + "." + std::to_string(capability % 10));
  }
  if (module_.syntax.address_size != 64) {
    throw Error(Status::not_supported,
                "PTX with .address_size " + std::to_string(module_.syntax.address_size));
  }
}

void TextModule::index_functions() {
  const auto& functions = module_.syntax.functions;
  module_.body_is_parsed.assign(functions.size(), false);
  for (std::uint32_t number = 0; number < functions.size(); ++number) {
    const ptx::Function& function = functions[number];
    if (function.is_entry && !function.is_declaration) kernels_[function.name] = number;
    const auto known = module_.functions.find(function.name);
    if (known == module_.functions.end() || functions[known->second].is_declaration) {
      module_.functions[function.name] = number;
    }
  }
  for (const ptx::Alias& alias : module_.syntax.aliases) {
    const auto target = module_.functions.find(alias.target);
    if (target != module_.functions.end()) module_.functions[alias.name] = target->second;
  }
}

Global TextModule::allocate(const ptx::Variable& variable) {
  const std::size_t bytes = variable.bytes();
  if (variable.managed && managed_ != nullptr) return {managed_->allocate(bytes), bytes, true};
  return {memory_.allocate(bytes), bytes};
}

void TextModule::allocate_variables() {
  for (const ptx::Variable& variable : module_.syntax.variables) {
    if (!is_variable_in_memory(variable)) continue;
    const Global placed = allocate(variable);
    const DeviceAddress address = placed.address;
    const std::size_t bytes = placed.bytes;
    module_.variables[variable.name] = address;
    globals_[variable.name] = placed;
    if (variable.space != ptx::StateSpace::constant) continue;
    constant_bytes_ += static_cast<int>(bytes);
    module_.constant_ranges.emplace_back(address, address + bytes);
  }
  if (constant_bytes_ > limits_.constant_bytes) {
    throw Error(Status::invalid_ptx, "the module's constant variables take " +
                                         std::to_string(constant_bytes_) + " bytes of " +
                                         std::to_string(limits_.constant_bytes));
  }
}

std::uint64_t TextModule::address_of(std::string_view symbol, const ptx::Variable& user) const {
  if (const auto variable = module_.variables.find(symbol); variable != module_.variables.end())
    return variable->second;
  if (const auto function = module_.functions.find(symbol); function != module_.functions.end()) {
    return function_address(function->second);
  }
  throw Error(Status::invalid_ptx, "PTX line " + std::to_string(user.line) + ": the initial value of '" +
                                       std::string(user.name) + "' names '" + std::string(symbol) +
                                       "', which this module does not define");
}

void TextModule::initialize_variables() {
  for (const ptx::Variable& variable : module_.syntax.variables) {
    if (!is_variable_in_memory(variable)) continue;
    const std::span<std::byte> memory = memory_.bytes(module_.variables.at(variable.name), variable.bytes());
    if (!variable.initial_bytes.empty()) {
      std::memcpy(memory.data(), variable.initial_bytes.data(),
                  std::min(memory.size(), variable.initial_bytes.size()));
    }
    for (const ptx::AddressInitializer& initializer : variable.initial_addresses) {
      const std::uint64_t address =
          address_of(initializer.symbol, variable) + static_cast<std::uint64_t>(initializer.addend);
      const std::uint64_t value =
          initializer.mask == 0 ? 0 : (address & initializer.mask) >> __builtin_ctzll(initializer.mask);
      if (initializer.position + initializer.size > memory.size() || initializer.size > sizeof value) {
        throw Error(Status::invalid_ptx, "PTX line " + std::to_string(variable.line) +
                                             ": the initial value of '" + std::string(variable.name) +
                                             "' is too long");
      }
      std::memcpy(memory.data() + initializer.position, &value, initializer.size);
    }
  }
}

void TextModule::free_variables() noexcept {
  for (const auto& [name, global] : globals_) {
    if (global.managed) {
      managed_->free(global.address);
    } else {
      memory_.free(global.address);
    }
  }
  globals_.clear();
}

std::vector<std::string> TextModule::kernel_names() const {
  std::vector<std::string> names;
  for (const auto& [name, number] : kernels_) names.emplace_back(name);
  return names;
}

bool TextModule::has_kernel(std::string_view name) const {
  return kernels_.contains(name);
}

const Kernel& TextModule::kernel(std::string_view name) {
  const auto found = kernels_.find(name);
  if (found == kernels_.end()) {
    throw Error(Status::not_found, "the module has no kernel '" + std::string(name) + "'");
  }
  const std::lock_guard lock(decoding_);
  const auto known = decoded_.find(found->second);
  if (known != decoded_.end()) return *known->second;
  auto kernel = std::make_unique<LoadedKernel>(decode_kernel(module_, found->second, invariants_), text_,
                                               module_.syntax.functions[found->second], limits_,
                                               target_number(module_.syntax.target), constant_bytes_);
  return *decoded_.emplace(found->second, std::move(kernel)).first->second;
}

std::size_t TextModule::decoded_kernels() const {
  const std::lock_guard lock(decoding_);
  return decoded_.size();
}

std::optional<Global> TextModule::global(std::string_view name) const {
  const auto found = globals_.find(name);
  if (found == globals_.end()) return std::nullopt;
  return found->second;
}

}  // namespace vgpu::software
