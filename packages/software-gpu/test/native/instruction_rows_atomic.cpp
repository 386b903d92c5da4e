// atom and red (PTX ISA 9.0, 9.7.13.5 and 9.7.13.7) on memory of one thread's own: the operation and the
// returned value. What happens when threads contend is tested in instruction_atomics.cpp.
#include <algorithm>
#include <cmath>

#include "instruction_coverage.h"
#include "instruction_reference.h"
#include "instruction_types.h"

// PTX is put together once for each form; reading like PTX matters more than temporary strings.
// NOLINTBEGIN(performance-inefficient-string-concatenation)
namespace vgpu::software::test {

namespace {

struct Place {
  std::string space;
  std::string address;
  std::string declarations;
};

std::vector<Place> places() {
  const std::string buffer = "  .shared .align 16 .b8 buffer[768];\n";
  return {
      {".global", "[%in+$offset]", ""},
      {".shared", "[%slot]",
       buffer + "  .reg .b32 %slot;\n  mov.u32 %slot, buffer;\n  mad.lo.u32 %slot, %thread, 8, %slot;\n"},
      {"", "[%generic]",
       buffer + "  .reg .b64 %generic, %window;\n  mov.u64 %window, buffer;\n  cvta.shared.u64 %generic, "
                "%window;\n"
                "  mad.wide.u32 %generic, %thread, 8, %generic;\n"},
  };
}

/// The memory's new value, from its old one and the operands.
template <class T>
using Operation = std::function<Expect<T>(T memory, T b, T c)>;

template <class T>
std::string bits_type() {
  return ".b" + std::to_string(register_bits(type_of<T>()));
}

/// atom: d0 is the returned old value, d1 the memory afterwards. red: d0 is the memory.
template <class T>
Row atomic_row(const Place& place, const std::string& form, bool returns, unsigned operands,
               Operation<T> operation) {
  Row row;
  row.form = form;
  row.kernel_declarations = place.declarations;
  row.sources.assign(operands + 1, type_of<T>());
  row.memory_source = operands;
  row.destinations.assign(returns ? 2 : 1, type_of<T>());
  row.immediates = false;
  const std::string memory = returns ? "$d1" : "$d0";
  row.body = "st" + place.space + bits_type<T>() + " " + place.address + ", " + memory + "; $@" + form + " " +
             (returns ? "$d0, " : "") + place.address + ", $s0" + (operands == 2 ? ", $s1" : "") + "; ld" +
             place.space + bits_type<T>() + " " + memory + ", " + place.address + ";";
  row.reference = [=](std::span<const std::uint64_t> values, std::span<Expected> destinations) {
    const T before = from_bits<T>(values[operands]);
    const T b = from_bits<T>(values[0]);
    const T c = from_bits<T>(values[operands == 2 ? 1 : 0]);
    if (returns) destinations[0] = exactly(before);
    destinations[returns ? 1 : 0] = operation(before, b, c);
  };
  return row;
}

/// The operation in each space, as atom and (where there is one) as red, with and without ordering and scope.
template <class T>
void add_operation(std::vector<Row>& rows, const std::string& name, const std::string& type,
                   Operation<T> operation, bool has_reduction = true, unsigned operands = 1) {
  for (const Place& place : places()) {
    const std::string end = "." + name + type;
    for (const std::string qualifier : {"", ".relaxed.gpu", ".acq_rel.sys"}) {
      rows.push_back(atomic_row<T>(place, "atom" + qualifier + place.space + end, true, operands, operation));
    }
    if (!place.space.empty()) {
      // The scope after the space: how compilers spell the functions for a whole system.
      rows.push_back(atomic_row<T>(place, "atom" + place.space + ".sys" + end, true, operands, operation));
    }
    if (!has_reduction) continue;
    for (const std::string qualifier : {"", ".relaxed.gpu"}) {
      rows.push_back(atomic_row<T>(place, "red" + qualifier + place.space + end, false, operands, operation));
    }
  }
}

template <class T>
void add_integer_operations(std::vector<Row>& rows, const std::string& type) {
  using U = std::make_unsigned_t<T>;
  if (type != ".s64") {
    add_operation<T>(rows, "add", type, [](T m, T b, T) {
      return exactly(static_cast<T>(static_cast<U>(m) + static_cast<U>(b)));
    });
  }
  add_operation<T>(rows, "min", type, [](T m, T b, T) { return exactly(std::min(m, b)); });
  add_operation<T>(rows, "max", type, [](T m, T b, T) { return exactly(std::max(m, b)); });
}

template <class T>
void add_bit_operations(std::vector<Row>& rows, const std::string& type) {
  add_operation<T>(rows, "and", type, [](T m, T b, T) { return exactly(static_cast<T>(m & b)); });
  add_operation<T>(rows, "or", type, [](T m, T b, T) { return exactly(static_cast<T>(m | b)); });
  add_operation<T>(rows, "xor", type, [](T m, T b, T) { return exactly(static_cast<T>(m ^ b)); });
  add_operation<T>(
      rows, "exch", type, [](T, T b, T) { return exactly(b); }, false);
  add_operation<T>(
      rows, "cas", type, [](T m, T b, T c) { return exactly(m == b ? c : m); }, false, 2);
}

void add_float_operations(std::vector<Row>& rows) {
  std::vector<Row> sums;
  add_operation<float>(sums, "add", ".f32",
                       [](float m, float b, float) { return number(add(m, b, Rounding::nearest_even)); });
  for (Row& row : sums) {
    // On global memory subnormals are flushed; on shared memory they are not.
    if (row.form.find(".global") != std::string::npos) {
      const Operation<float> flushing = [](float m, float b, float) {
        return flushed_result(add(flush(m), flush(b), Rounding::nearest_even));
      };
      const std::size_t memory = row.destinations.size() - 1;
      row.reference = [flushing, memory](std::span<const std::uint64_t> values,
                                         std::span<Expected> destinations) {
        destinations[0] = exactly(static_cast<std::uint32_t>(values[1]));
        destinations[memory] = flushing(from_bits<float>(values[1]), from_bits<float>(values[0]), 0);
      };
    }
    rows.push_back(std::move(row));
  }
  add_operation<double>(rows, "add", ".f64",
                        [](double m, double b, double) { return number(add(m, b, Rounding::nearest_even)); });
  add_operation<Half>(rows, "add.noftz", ".f16", [](Half m, Half b, Half) { return number(add(m, b)); });
  add_operation<HalfPair>(rows, "add.noftz", ".f16x2", [](HalfPair m, HalfPair b, HalfPair) {
    std::uint32_t bits = 0;
    for (const unsigned shift : {0U, 16U}) {
      const Half x{static_cast<std::uint16_t>(m.bits >> shift)};
      const Half y{static_cast<std::uint16_t>(b.bits >> shift)};
      bits |= std::uint32_t{add(x, y).bits} << shift;
    }
    return number(HalfPair{bits});
  });
}

}  // namespace

std::vector<Row> atomic_rows() {
  std::vector<Row> rows;
  add_integer_operations<std::uint32_t>(rows, ".u32");
  add_integer_operations<std::int32_t>(rows, ".s32");
  add_integer_operations<std::uint64_t>(rows, ".u64");
  add_integer_operations<std::int64_t>(rows, ".s64");
  add_bit_operations<std::uint32_t>(rows, ".b32");
  add_bit_operations<std::uint64_t>(rows, ".b64");
  add_operation<std::uint32_t>(rows, "inc", ".u32", [](std::uint32_t m, std::uint32_t b, std::uint32_t) {
    return exactly(m >= b ? 0 : m + 1);
  });
  add_operation<std::uint32_t>(rows, "dec", ".u32", [](std::uint32_t m, std::uint32_t b, std::uint32_t) {
    return exactly(m == 0 || m > b ? b : m - 1);
  });
  // The 16-bit form exists only as a compare-and-swap.
  add_operation<std::uint16_t>(
      rows, "cas", ".b16",
      [](std::uint16_t m, std::uint16_t b, std::uint16_t c) { return exactly(m == b ? c : m); }, false, 2);
  add_float_operations(rows);
  // Compilers also write the ordering after the operation.
  const Operation<std::uint32_t> sum = [](std::uint32_t m, std::uint32_t b, std::uint32_t) {
    return exactly(m + b);
  };
  for (const Place& place : places()) {
    rows.push_back(
        atomic_row<std::uint32_t>(place, "atom" + place.space + ".add.release.gpu.u32", true, 1, sum));
  }
  return rows;
}

}  // namespace vgpu::software::test
// NOLINTEND(performance-inefficient-string-concatenation)
