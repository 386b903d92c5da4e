// How each operation that can be compiled becomes machine code. A recipe gives the code for one part of a
// row, which is what fits into a vector register: 16 words or 8 doublewords.
#pragma once

#include <cstdint>
#include <span>

#include "execution/decoded_kernel.h"

namespace Xbyak {
class Opmask;
}

namespace vgpu::software {

class Part;
class RunCode;

struct Recipe {
  /// Floating-point instructions treat all NaN alike, so a result need not be made the one NaN that PTX
  /// programs see until something looks at its bits.
  enum class Values : std::uint8_t { bits, floats };

  Values sources = Values::bits;
  Values result = Values::bits;
  // One of these:
  void (*compute)(Part& part) = nullptr;
  void (*compare)(Part& part, const Xbyak::Opmask& result) = nullptr;
  void (*combine)(RunCode& code, const Xbyak::Opmask& result, const Xbyak::Opmask& a,
                  const Xbyak::Opmask& b) = nullptr;

  bool accesses = false;  // a load or store, see access_code.h

  [[nodiscard]] bool exists() const {
    return compute != nullptr || compare != nullptr || combine != nullptr || accesses;
  }
};

/// nullptr when the instruction cannot be compiled.
const Recipe* recipe_for(const Instruction& instruction);

/// The widths of its operands, destination first; not of loads and stores.
std::span<const Width> operand_widths(const Instruction& instruction);

// Each file adds its operations to the table, which has an entry per Operation.
void add_integer_recipes(Recipe* table);
void add_float_recipes(Recipe* table);
void add_conversion_recipes(Recipe* table);
void add_predicate_recipes(Recipe* table);

}  // namespace vgpu::software
