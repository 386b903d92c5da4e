// Single instructions of random kernels: the rows of the instruction tests with operands from the kernel's
// registers.
#include <algorithm>
#include <iterator>

#include "instruction_coverage.h"
#include "instruction_kernel.h"
#include "random_statements.h"

// PTX is put together once for each kernel; reading like PTX matters more than temporary strings.
// NOLINTBEGIN(performance-inefficient-string-concatenation)
namespace vgpu::software::test {

namespace {

enum class Kind { lane, member, whole_warp, unusable };

Kind kind_of(const Row& row) {
  // A shuffle that reads a lane outside of its mask is undefined; StatementWriter::shuffle knows how to avoid
  // it. The lanes that happen to run together are nobody's business.
  if (row.form.starts_with("shfl") || row.form == "activemask.b32" || is_expected_refusal(row.form)) {
    return Kind::unusable;
  }
  if (row.whole_warps) return Kind::whole_warp;
  return row.body.find("$mask") == std::string::npos ? Kind::lane : Kind::member;
}

std::vector<std::vector<Row>> families(Kind kind) {
  std::vector<std::vector<Row>> result;
  for (auto* family : {integer_rows, carry_rows, bit_rows, select_rows, compare_rows, float_rows,
                       approximation_rows, coarse_rows, half_rows, convert_rows, move_rows, memory_rows,
                       warp_rows, atomic_rows, video_rows, bfloat_rows, matrix_rows}) {
    std::vector<Row> rows;
    std::ranges::copy_if(family(), std::back_inserter(rows),
                         [kind](const Row& row) { return kind_of(row) == kind; });
    if (!rows.empty()) result.push_back(std::move(rows));
  }
  return result;
}

std::string replace_all(std::string text, std::string_view what, std::string_view with) {
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size())) {
    text.replace(at, what.size(), with);
  }
  return text;
}

char letter_of(Type type) {
  switch (type) {
    case Type::pred:
      return 'p';
    case Type::f16:
    case Type::bf16:
      return 'x';
    case Type::f32:
      return 'f';
    case Type::f64:
      return 'g';
    default:
      return register_bits(type) == 16 ? 'h' : register_bits(type) == 32 ? 'r' : 'd';
  }
}

const RegisterPool& pool_of(char letter) {
  return *std::ranges::find(kPools, letter, &RegisterPool::letter);
}

}  // namespace

const std::vector<std::vector<Row>>& lane_rows() {
  static const std::vector<std::vector<Row>> rows = families(Kind::lane);
  return rows;
}

const std::vector<std::vector<Row>>& member_rows() {
  static const std::vector<std::vector<Row>> rows = families(Kind::member);
  return rows;
}

const std::vector<std::vector<Row>>& whole_warp_rows() {
  static const std::vector<std::vector<Row>> rows = families(Kind::whole_warp);
  return rows;
}

std::string StatementWriter::any_of(char letter) {
  return std::string("%") + letter + std::to_string(below(pool_of(letter).count));
}

/// Mostly a register with values of the type, sometimes one with any bits.
std::string StatementWriter::operand(Type type) {
  const RegisterPool& own = pool_of(letter_of(type));
  const RegisterPool& any = kPools[below(kPools.size())];
  return any_of(chance(4) && any.bits == own.bits ? any.letter : own.letter);
}

std::string StatementWriter::source(const Row& row, Type type, bool& has_constant) {
  const std::vector<std::uint64_t> constants =
      row.immediates ? immediate_values(type) : std::vector<std::uint64_t>{};
  if (has_constant || constants.empty() || !chance(4)) return operand(type);
  has_constant = true;
  return literal(type, constants[below(constants.size())]);
}

std::string StatementWriter::guard() {
  return (chance(2) ? "@" : "@!") + any_of('p') + " ";
}

Statement StatementWriter::instruction(const std::vector<std::vector<Row>>& families, const Place& place,
                                       bool guarded) {
  const std::vector<Row>& family = families[below(families.size())];
  const Row& row = family[below(family.size())];
  std::string text = replace_all(row.body, "$@", guarded ? guard() : "");
  text = replace_all(text, "$mask", "%m" + std::to_string(place.depth));
  text = replace_all(text, "[%in]", "[%own_input]");
  text = replace_all(text, "$offset", std::to_string(below(MemoryLayout::kBoxBytes / 16) * 16));
  std::vector<std::string> destinations;
  for (const Type type : row.destinations) {
    std::string name = operand(type);
    while (std::ranges::count(destinations, name) != 0) name = operand(type);
    destinations.push_back(std::move(name));
  }
  // From the last to the first, because $d1 is the beginning of $d10.
  for (std::size_t k = destinations.size(); k-- > 0;) {
    text = replace_all(text, "$d" + std::to_string(k), destinations[k]);
  }
  bool has_constant = false;
  for (std::size_t k = row.sources.size(); k-- > 0;) {
    text = replace_all(text, "$s" + std::to_string(k), source(row, row.sources[k], has_constant));
  }
  if (row.kernel_declarations.empty()) return {"  " + text + "\n", {}};
  return {"  {\n" + row.kernel_declarations + "  " + text + "\n  }\n", {}};
}

}  // namespace vgpu::software::test
// NOLINTEND(performance-inefficient-string-concatenation)
