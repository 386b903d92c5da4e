// Decoding of calls of the functions that CUDA gives to kernels and no module defines.
#include <algorithm>
#include <array>

#include "execution/function_decoder.h"

namespace vgpu::software {
namespace {

struct RuntimeFunction {
  std::string_view name;
  Operation operation;
  std::vector<std::uint32_t> argument_bytes;
  std::uint32_t result_bytes;  // 0: none
};

const std::array<RuntimeFunction, 5>& runtime_functions() {
  static const std::array<RuntimeFunction, 5> functions{{
      {"__assertfail", Operation::assert_fail, {8, 8, 4, 8, 8}, 0},
      {"vprintf", Operation::device_printf, {8, 8}, 4},
      {"malloc", Operation::heap_allocate, {8}, 8},
      {"__nv_aligned_device_malloc", Operation::heap_allocate_aligned, {8, 8}, 8},
      {"free", Operation::heap_free, {8}, 0},
  }};
  return functions;
}

}  // namespace

void FunctionDecoder::decode_runtime_call(std::string_view name, const DraftCallSite& site) {
  const auto* const found = std::ranges::find(runtime_functions(), name, &RuntimeFunction::name);
  if (found == runtime_functions().end()) {
    fail(Status::not_supported, "call of '" + std::string(name) + "', which this module does not define");
  }
  const auto bytes_of = [this](std::uint32_t value) {
    return static_cast<std::uint32_t>(draft_.values[value].bits);
  };
  const bool has_result = !site.return_values.empty();
  const bool fits = std::ranges::equal(site.arguments, found->argument_bytes, {}, bytes_of) &&
                    (!has_result || (site.return_values.size() == 1 &&
                                     bytes_of(site.return_values.front()) == found->result_bytes));
  if (!fits) fail(Status::invalid_ptx, "the parameters do not fit the function '" + std::string(name) + "'");

  const bool on_heap =
      found->operation != Operation::assert_fail && found->operation != Operation::device_printf;
  (on_heap ? context_.allocates : context_.prints) = true;
  static constexpr std::array kFields{Field::a, Field::b, Field::c, Field::d};
  Emitter emitter = emit(found->operation);
  // The size of a character, the last argument of __assertfail, is always 1.
  const std::size_t count = std::min(site.arguments.size(), kFields.size());
  for (std::size_t i = 0; i < count; ++i) emitter.reads(kFields.at(i), site.arguments[i]);
  emitter->destination = kNoRegion;
  if (has_result) emitter.writes(Field::destination, site.return_values.front());
  emitter->immediate = static_cast<std::int64_t>(std::uint64_t{context_.access_sites++} << 32);
}

}  // namespace vgpu::software
