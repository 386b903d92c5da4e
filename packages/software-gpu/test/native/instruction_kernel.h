// The kernels that the harness makes of a row.
#pragma once

#include <string>
#include <vector>

#include "instruction_types.h"

namespace vgpu::software::test {

inline constexpr std::string_view kPtxHeader = ".version 9.0\n.target sm_80\n.address_size 64\n\n";

/// How the instruction is executed: in all lanes, under a guard predicate, in a branch that only some lanes
/// take, or in all lanes with the destination in the same register as a source.
struct Variant {
  enum class Kind { plain, guarded, branched, in_place };
  Kind kind = Kind::plain;
  std::size_t source = 0;
};
std::vector<Variant> variants(const Row& row);

/// A record of the kernel's input, in 64-bit slots: the sources, what the destinations hold before, whether
/// the lane is active (with the active lanes of its warp in the upper half), and scratch memory. An output
/// record has the destinations of each variant.
std::size_t record_slots(const Row& row);
std::size_t active_slot(const Row& row);

/// The kernel "test" with one section for each of the row's variants.
std::string row_ptx(const Row& row);

/// The same form with a constant in place of one source, a section for each of immediate_values().
std::string immediate_ptx(const Row& row, std::size_t operand);
std::vector<std::uint64_t> immediate_values(Type type);

}  // namespace vgpu::software::test
