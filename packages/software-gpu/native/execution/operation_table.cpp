#include "execution/operation_table.h"

#include <unordered_map>
#include <vector>

#include "execution/lane_types.h"

namespace vgpu::software {
namespace {

template <class T>
constexpr Width width_of() {
  return static_cast<Width>(sizeof(T));
}

template <class... T>
constexpr OperationRow typed_row(Operation operation, std::string_view forms) {
  OperationRow row{operation, forms};
  ((row.widths[row.operands++] = width_of<T>()), ...);
  return row;
}

/// `sources` operands of type T after a destination of the given width.
template <class T>
constexpr OperationRow uniform_row(Operation operation, std::string_view forms, Width destination,
                                   int sources) {
  OperationRow row{operation, forms};
  row.widths[row.operands++] = destination;
  for (int i = 0; i < sources; ++i) row.widths[row.operands++] = width_of<T>();
  return row;
}

constexpr OperationRow predicate_row(Operation operation, std::string_view forms, int sources) {
  return {operation, forms, {}, static_cast<std::uint8_t>(sources + 1)};  // Width{} is predicate
}

template <class T>
constexpr OperationRow carry_row(Operation operation, std::string_view forms, int sources, bool reads,
                                 bool writes) {
  OperationRow row = uniform_row<T>(operation, forms, width_of<T>(), sources);
  row.reads_carry = reads;
  row.writes_carry = writes;
  return row;
}

constexpr OperationRow lettered_row(Operation operation, std::string_view forms, std::string_view letters) {
  OperationRow row{operation, forms};
  for (const char letter : letters) {
    row.widths[row.operands++] = letter == 'p'   ? Width::predicate
                                 : letter == 'h' ? Width::half
                                 : letter == 'w' ? Width::word
                                                 : Width::doubleword;
  }
  return row;
}

constexpr OperationRow kRows[] = {
#define UNARY(id, forms, D, A, ...) typed_row<D, A>(Operation::id, forms),
#define BINARY(id, forms, D, A, B, ...) typed_row<D, A, B>(Operation::id, forms),
#define TERNARY(id, forms, D, A, B, C, ...) typed_row<D, A, B, C>(Operation::id, forms),
#define QUATERNARY(id, forms, D, A, B, C, E, ...) typed_row<D, A, B, C, E>(Operation::id, forms),
#define COMPARE(id, forms, T, sources, ...) uniform_row<T>(Operation::id, forms, Width::predicate, sources),
#define PREDICATE(id, forms, sources, ...) predicate_row(Operation::id, forms, sources),
#define CARRY(id, forms, T, sources, reads, writes, ...) \
  carry_row<T>(Operation::id, forms, sources, (reads) != 0, (writes) != 0),
#define ROUNDED(id, forms, T, sources, ...) uniform_row<T>(Operation::id, forms, width_of<T>(), sources),
#define CONVERT(id, forms) lettered_row(Operation::id, forms, ""),
#define VECTOR(id, forms, letters) lettered_row(Operation::id, forms, letters),
#define CONTROL(id, forms, letters) lettered_row(Operation::id, forms, letters),
#include "execution/operations.def"
};

constexpr std::string_view kNames[] = {
#define UNARY(id, ...) #id,
#define BINARY(id, ...) #id,
#define TERNARY(id, ...) #id,
#define QUATERNARY(id, ...) #id,
#define COMPARE(id, ...) #id,
#define PREDICATE(id, ...) #id,
#define CARRY(id, ...) #id,
#define ROUNDED(id, ...) #id,
#define CONVERT(id, ...) #id,
#define VECTOR(id, ...) #id,
#define CONTROL(id, ...) #id,
#include "execution/operations.def"
};

using Index = std::unordered_map<std::string_view, std::vector<const OperationRow*>>;

Index make_index() {
  Index index;
  for (const OperationRow& row : kRows) {
    std::string_view rest = row.forms;
    while (!rest.empty()) {
      const std::string_view form = rest.substr(0, rest.find(' '));
      index[form].push_back(&row);
      rest.remove_prefix(form.size() < rest.size() ? form.size() + 1 : rest.size());
    }
  }
  return index;
}

}  // namespace

std::span<const OperationRow* const> find_operations(std::string_view form) {
  static const Index index = make_index();
  const auto found = index.find(form);
  if (found == index.end()) return {};
  return found->second;
}

const OperationRow& operation_row(Operation operation) {
  return kRows[static_cast<std::size_t>(operation)];
}

std::string_view operation_name(Operation operation) {
  return kNames[static_cast<std::size_t>(operation)];
}

}  // namespace vgpu::software
