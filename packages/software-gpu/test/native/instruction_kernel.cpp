#include "instruction_kernel.h"

#include <algorithm>
#include <sstream>

#include "instruction_values.h"

namespace vgpu::software::test {

std::size_t active_slot(const Row& row) {
  return row.sources.size() + row.destinations.size();
}

namespace {

std::string replace_all(std::string text, std::string_view what, std::string_view with) {
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size())) {
    text.replace(at, what.size(), with);
  }
  return text;
}

std::string register_type(Type type) {
  return type == Type::pred ? ".pred" : ".b" + std::to_string(register_bits(type));
}

std::string source_name(std::size_t k) {
  return "%s" + std::to_string(k);
}
std::string destination_name(std::size_t k) {
  return "%d" + std::to_string(k);
}

/// The members of a warp instruction: every lane, or those that are active.
constexpr std::string_view kAllLanes = "%all";
constexpr std::string_view kActiveLanes = "%group";

/// Scratch and records are aligned for 16-byte accesses.
std::size_t scratch_slot(const Row& row) {
  return (active_slot(row) + 2) / 2 * 2;
}

std::string instructions(const Row& row, std::string_view guard, std::string_view lanes) {
  std::string text = replace_all(replace_all(row.body, "$@", guard), "$mask", lanes);
  for (std::size_t k = 0; k < row.destinations.size(); ++k) {
    text = replace_all(text, "$d" + std::to_string(k), destination_name(k));
  }
  return text;
}

std::string with_sources(const Row& row, std::string text) {
  text = replace_all(text, "$offset", std::to_string(scratch_slot(row) * 8));
  for (std::size_t k = 0; k < row.sources.size(); ++k) {
    text = replace_all(text, "$s" + std::to_string(k), source_name(k));
  }
  return text;
}

void emit_load(std::ostringstream& out, Type type, const std::string& name, std::size_t slot) {
  if (type == Type::pred) {
    out << "  ld.global.u32 %word, [%in+" << slot * 8 << "];\n  and.b32 %word, %word, 1;\n  setp.ne.u32 "
        << name << ", %word, 0;\n";
  } else {
    out << "  ld.global" << register_type(type) << " " << name << ", [%in+" << slot * 8 << "];\n";
  }
}

void emit_store(std::ostringstream& out, Type type, const std::string& name, std::size_t slot) {
  if (type == Type::pred) {
    out << "  selp.u32 %word, 1, 0, " << name << ";\n  st.global.u32 [%out+" << slot * 8 << "], %word;\n";
  } else {
    out << "  st.global" << register_type(type) << " [%out+" << slot * 8 << "], " << name << ";\n";
  }
}

void emit_prologue(std::ostringstream& out, const Row& row, std::size_t output_slots) {
  out << kPtxHeader << row.module_declarations
      << ".visible .entry test(.param .u64 inputs, .param .u64 outputs, .param .u32 count)\n{\n"
      << "  .reg .pred %outside, %active;\n  .reg .b32 %word, %index, %count;\n  .reg .b64 %in, %out;\n";
  for (std::size_t k = 0; k < row.sources.size(); ++k) {
    out << "  .reg " << register_type(row.sources[k]) << " " << source_name(k) << ";\n";
  }
  for (std::size_t k = 0; k < row.destinations.size(); ++k) {
    out << "  .reg " << register_type(row.destinations[k]) << " " << destination_name(k) << ";\n";
  }
  out << "  .reg .b32 %block, %threads, %thread;\n  mov.u32 %block, %ctaid.x;\n  mov.u32 %threads, %ntid.x;\n"
      << "  mov.u32 %thread, %tid.x;\n  mad.lo.u32 %index, %block, %threads, %thread;\n"
      << "  ld.param.u32 %count, [count];\n  setp.ge.u32 %outside, %index, %count;\n  @%outside ret;\n"
      << "  ld.param.u64 %in, [inputs];\n  ld.param.u64 %out, [outputs];\n"
      << "  mad.wide.u32 %in, %index, " << record_slots(row) * 8 << ", %in;\n"
      << "  mad.wide.u32 %out, %index, " << output_slots * 8 << ", %out;\n";
  for (std::size_t k = 0; k < row.sources.size(); ++k) emit_load(out, row.sources[k], source_name(k), k);
  emit_load(out, Type::pred, "%active", active_slot(row));
  // The upper half of the active lane's slot holds the warp's active lanes.
  out << "  .reg .b32 " << kAllLanes << ", " << kActiveLanes << ";\n  mov.u32 " << kAllLanes
      << ", 0xffffffff;\n  ld.global.u32 " << kActiveLanes << ", [%in+" << active_slot(row) * 8 + 4 << "];\n"
      << row.kernel_declarations;
}

void emit_initial_values(std::ostringstream& out, const Row& row) {
  for (std::size_t k = 0; k < row.destinations.size(); ++k) {
    emit_load(out, row.destinations[k], destination_name(k), row.sources.size() + k);
  }
}

void emit_variant(std::ostringstream& out, const Row& row, const Variant& variant, std::size_t number) {
  emit_initial_values(out, row);
  switch (variant.kind) {
    case Variant::Kind::plain:
      out << "  " << with_sources(row, instructions(row, "", kAllLanes)) << "\n";
      break;
    case Variant::Kind::guarded:
      out << "  " << with_sources(row, instructions(row, "@%active ", kActiveLanes)) << "\n";
      break;
    case Variant::Kind::branched:
      out << "  @!%active bra SKIP" << number << ";\n  "
          << with_sources(row, instructions(row, "", kActiveLanes)) << "\nSKIP" << number << ":\n";
      break;
    case Variant::Kind::in_place:
      out << "  mov" << register_type(row.destinations[0]) << " %d0, " << source_name(variant.source)
          << ";\n  "
          << with_sources(row, replace_all(instructions(row, "", kAllLanes),
                                           "$s" + std::to_string(variant.source), destination_name(0)))
          << "\n";
      break;
  }
  for (std::size_t k = 0; k < row.destinations.size(); ++k) {
    emit_store(out, row.destinations[k], destination_name(k), number * row.destinations.size() + k);
  }
}

}  // namespace

std::size_t record_slots(const Row& row) {
  return scratch_slot(row) + 2;
}

std::vector<Variant> variants(const Row& row) {
  std::vector<Variant> result = {{Variant::Kind::plain}, {Variant::Kind::guarded}, {Variant::Kind::branched}};
  if (row.destinations.size() != 1 || std::count(row.body.begin(), row.body.end(), ';') != 1) return result;
  for (std::size_t k = 0; k < row.sources.size(); ++k) {
    if (register_type(row.sources[k]) == register_type(row.destinations[0]) && row.sources[k] != Type::pred) {
      result.push_back({Variant::Kind::in_place, k});
    }
  }
  return result;
}

std::string row_ptx(const Row& row) {
  std::ostringstream out;
  const std::vector<Variant> list = variants(row);
  emit_prologue(out, row, list.size() * row.destinations.size());
  for (std::size_t v = 0; v < list.size(); ++v) emit_variant(out, row, list[v], v);
  out << "  ret;\n}\n";
  return out.str();
}

std::vector<std::uint64_t> immediate_values(Type type) {
  if (literal(type, 0).empty()) return {};
  std::vector<std::uint64_t> values = core_values(type);
  // Spread over the list rather than its head, which is all small numbers.
  std::vector<std::uint64_t> result;
  for (std::size_t i = 0; i < values.size(); i += 2) {
    // The assembler takes no constant above 255 as a bit position.
    if (type != Type::shift || values[i] <= 255) result.push_back(values[i]);
  }
  return result;
}

std::string immediate_ptx(const Row& row, std::size_t operand) {
  std::ostringstream out;
  const std::vector<std::uint64_t> values = immediate_values(row.sources[operand]);
  emit_prologue(out, row, values.size() * row.destinations.size());
  for (std::size_t v = 0; v < values.size(); ++v) {
    const std::string constant = literal(row.sources[operand], values[v]);
    emit_initial_values(out, row);
    out << "  "
        << with_sources(
               row, replace_all(instructions(row, "", kAllLanes), "$s" + std::to_string(operand), constant))
        << "\n";
    for (std::size_t k = 0; k < row.destinations.size(); ++k) {
      emit_store(out, row.destinations[k], destination_name(k), v * row.destinations.size() + k);
    }
  }
  out << "  ret;\n}\n";
  return out.str();
}

}  // namespace vgpu::software::test
