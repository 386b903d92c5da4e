// A function on its way from PTX to the decoded form. Its instructions' operands are still numbers of values;
// which rows of the frame the values get is decided when all uses are known.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "execution/decoded_kernel.h"

namespace vgpu::software {

enum class Field : std::uint8_t {
  destination,
  a,
  b,
  c,
  d,
  immediate,
  listed,  // in Draft::operand_rows
};

struct Value {
  enum class Kind : std::uint8_t { variable, constant, special, invariant, region };
  Kind kind = Kind::variable;
  Width width = Width::word;
  std::uint64_t bits = 0;  // of a constant; the addend of a special; the bytes per lane of a region
  Special special = Special::zero;
  std::uint32_t offset = 0;  // in the frame, once known
};

/// An operand of an instruction.
struct Reference {
  std::uint32_t instruction;
  std::uint32_t value;
  Field field;
  bool writes;
  bool keeps_lanes;        // a guarded write leaves the other lanes as they were
  std::uint32_t slot = 0;  // in Draft::operand_rows, of a listed operand
};

struct Draft {
  std::vector<Instruction> code;
  std::vector<std::uint32_t> lines;
  std::vector<SourceLine> source_lines;  // as long as `lines`
  std::vector<Reference> references;     // in the order of their instructions
  std::vector<Value> values;
  std::vector<std::uint32_t> label_positions;             // by label number
  std::vector<std::vector<std::uint32_t>> branch_tables;  // label numbers, later positions
  std::vector<std::uint32_t> operand_rows;                // as in DecodedKernel
  std::vector<Instruction> preamble;                      // as in DecodedKernel
  std::vector<Reference> preamble_references;
  std::vector<std::uint32_t> last_reads;  // as in DecodedKernel, known with the rows
};

/// Moves what is the same in all blocks to the preamble. Before the control flow is arranged.
void hoist_invariants(Draft& draft);

/// Turns labels into positions, finds where diverging lanes meet again, and puts `join` instructions there.
/// Afterwards the branches' targets are positions in `code`, and their field c says where to meet.
void arrange_control_flow(Draft& draft);

/// Gives every value its place in the frame: values that are never alive at the same time may share a row.
/// Also finds `last_reads`. Returns the bytes of the frame; above 32 bits the places are meaningless.
std::uint64_t assign_rows(Draft& draft);

// --- Shared by both
// -----------------------------------------------------------------------------------------

/// A stretch of instructions that is entered at the first and left at the last.
struct BasicBlock {
  std::uint32_t begin;
  std::uint32_t end;
  std::vector<std::uint32_t> successors;  // numbers of blocks; empty when the function ends here
};

std::vector<BasicBlock> find_basic_blocks(const Draft& draft);

}  // namespace vgpu::software
