// mma (PTX ISA 9.0, 9.7.14.5.8–14), ldmatrix (9.7.14.5.15) and movmatrix (9.7.14.5.17). Which element of a
// matrix is in which register of which lane is written down here from the tables of each shape.
#include <algorithm>
#include <cmath>

#include "instruction_coverage.h"
#include "instruction_reference.h"
#include "instruction_types.h"
#include "instruction_values.h"

// PTX is put together once for each form; reading like PTX matters more than temporary strings.
// NOLINTBEGIN(performance-inefficient-string-concatenation)
namespace vgpu::software::test {

namespace {

constexpr unsigned kLaneCount = 32;

struct Place {
  unsigned row;
  unsigned column;
};

/// Where element number i of a lane's fragment lies.
using Layout = Place (*)(unsigned group, unsigned thread, unsigned i);

struct Shape {
  std::string name;
  unsigned m, n, k;
  Layout a, b, c;
};

Place accumulator_of_eight(unsigned group, unsigned thread, unsigned i) {
  return {group, thread * 2 + i};
}
Place accumulator_of_sixteen(unsigned group, unsigned thread, unsigned i) {
  return {i < 2 ? group : group + 8, thread * 2 + (i & 1)};
}

Shape m8n8k16_bytes() {
  return {"m8n8k16",
          8,
          8,
          16,
          [](unsigned group, unsigned thread, unsigned i) {
            return Place{group, thread * 4 + i};
          },
          [](unsigned group, unsigned thread, unsigned i) {
            return Place{thread * 4 + i, group};
          },
          accumulator_of_eight};
}
Shape m16n8k16_bytes() {
  return {"m16n8k16",
          16,
          8,
          16,
          [](unsigned group, unsigned thread, unsigned i) {
            return Place{i < 4 ? group : group + 8, thread * 4 + (i & 3)};
          },
          [](unsigned group, unsigned thread, unsigned i) {
            return Place{thread * 4 + i, group};
          },
          accumulator_of_sixteen};
}
Shape m16n8k32_bytes() {
  return {"m16n8k32",
          16,
          8,
          32,
          [](unsigned group, unsigned thread, unsigned i) {
            const bool upper = i < 4 || (i >= 8 && i < 12);
            return Place{upper ? group : group + 8, thread * 4 + (i & 3) + (i < 8 ? 0 : 16)};
          },
          [](unsigned group, unsigned thread, unsigned i) {
            return Place{thread * 4 + (i & 3) + (i < 4 ? 0 : 16), group};
          },
          accumulator_of_sixteen};
}
Shape m16n8k8_halves() {
  return {"m16n8k8",
          16,
          8,
          8,
          [](unsigned group, unsigned thread, unsigned i) {
            return Place{i < 2 ? group : group + 8, thread * 2 + (i & 1)};
          },
          [](unsigned group, unsigned thread, unsigned i) {
            return Place{thread * 2 + i, group};
          },
          accumulator_of_sixteen};
}
Shape m16n8k16_halves() {
  return {"m16n8k16",
          16,
          8,
          16,
          [](unsigned group, unsigned thread, unsigned i) {
            const bool upper = i < 2 || (i >= 4 && i < 6);
            return Place{upper ? group : group + 8, thread * 2 + (i & 1) + (i < 4 ? 0 : 8)};
          },
          [](unsigned group, unsigned thread, unsigned i) {
            return Place{thread * 2 + (i & 1) + (i < 2 ? 0 : 8), group};
          },
          accumulator_of_sixteen};
}
Shape m16n8k4_words() {
  return {"m16n8k4",
          16,
          8,
          4,
          [](unsigned group, unsigned thread, unsigned i) {
            return Place{i == 0 ? group : group + 8, thread};
          },
          [](unsigned group, unsigned thread, unsigned) {
            return Place{thread, group};
          },
          accumulator_of_sixteen};
}
Shape m16n8k8_words() {
  return {"m16n8k8",
          16,
          8,
          8,
          [](unsigned group, unsigned thread, unsigned i) {
            return Place{i % 2 == 0 ? group : group + 8, i < 2 ? thread : thread + 4};
          },
          [](unsigned group, unsigned thread, unsigned i) {
            return Place{i == 0 ? thread : thread + 4, group};
          },
          accumulator_of_sixteen};
}
Shape m8n8k4_doubles() {
  return {"m8n8k4",
          8,
          8,
          4,
          [](unsigned group, unsigned thread, unsigned) {
            return Place{group, thread};
          },
          [](unsigned group, unsigned thread, unsigned) {
            return Place{thread, group};
          },
          accumulator_of_eight};
}

/// An element of a, b, c or d.
struct Element {
  std::string name;
  unsigned bits;
  long double (*value)(std::uint64_t bits);
  std::uint64_t (*number)(int value);  // the bits of a small integer
};

const Element kHalf = {
    "f16", 16, [](std::uint64_t bits) -> long double { return widen(from_bits<Half>(bits)); },
    [](int value) -> std::uint64_t { return narrow_to_half(value, Rounding::nearest_even).bits; }};
const Element kBfloat = {
    "bf16", 16, [](std::uint64_t bits) -> long double { return widen(from_bits<Bfloat>(bits)); },
    [](int value) -> std::uint64_t { return narrow_to_bfloat(value, Rounding::nearest_even).bits; }};
/// The lower thirteen bits do not count.
const Element kTf32 = {
    "tf32", 32,
    [](std::uint64_t bits) -> long double { return from_bits<float>(bits & ~std::uint64_t{0x1fff}); },
    [](int value) { return to_bits(static_cast<float>(value)); }};
const Element kFloat = {"f32", 32, [](std::uint64_t bits) -> long double { return from_bits<float>(bits); },
                        [](int value) { return to_bits(static_cast<float>(value)); }};
const Element kDouble = {"f64", 64, [](std::uint64_t bits) -> long double { return from_bits<double>(bits); },
                         [](int value) { return to_bits(static_cast<double>(value)); }};
const Element kSigned = {"s8", 8,
                         [](std::uint64_t bits) -> long double { return from_bits<std::int8_t>(bits); },
                         [](int value) -> std::uint64_t { return static_cast<std::uint8_t>(value); }};
const Element kUnsigned = {"u8", 8,
                           [](std::uint64_t bits) -> long double { return from_bits<std::uint8_t>(bits); },
                           [](int value) -> std::uint64_t { return static_cast<std::uint8_t>(value); }};
const Element kInteger = {"s32", 32,
                          [](std::uint64_t bits) -> long double { return from_bits<std::int32_t>(bits); },
                          [](int value) -> std::uint64_t { return static_cast<std::uint32_t>(value); }};

/// The operands are different in kind from warp to warp.
enum class Operands { small_integers, moderate, wide, special };

Operands operands_of(std::size_t warp) {
  return static_cast<Operands>(warp % 4);
}

bool is_integer(const Element& element) {
  return element.name[0] == 's' || element.name[0] == 'u';
}

std::uint64_t random_element(const Element& element, Operands kind, Random& random) {
  if (is_integer(element)) return random.next() & bits_mask(element.bits);
  if (kind == Operands::small_integers) return element.number(static_cast<int>(random.below(17)) - 8);
  const bool is_half = element.name == "f16";
  const FloatFormat format = is_half                  ? kHalfFormat
                             : element.name == "bf16" ? kBfloatFormat
                             : element.bits == 64     ? kDoubleFormat
                                                      : kFloatFormat;
  const auto fraction = static_cast<unsigned>(format.fraction_bits);
  const std::uint64_t bias = bits_mask(static_cast<unsigned>(format.exponent_bits) - 1);
  // Half of them as far apart as the type of the sums allows, f16 with its subnormals.
  const std::uint64_t range = kind == Operands::moderate ? 4 : is_half ? 15 : 30;
  std::uint64_t exponent = bias - range + random.below(2 * range + 1);
  std::uint64_t bits = random.next() & bits_mask(fraction);
  if (kind == Operands::special && random.below(64) == 0) {
    exponent = 2 * bias + 1;
    if (random.below(2) == 0) bits = 0;
  }
  const std::uint64_t sign = random.below(2) << (element.bits - 1);
  return sign | exponent << fraction | bits;
}

/// A form of mma: the types are those of d and c, of a, and of b.
struct Form {
  std::string text;
  Shape shape;
  Element accumulator;
  Element a;
  Element b;
  bool saturates = false;
};

Form form_of(const Shape& shape, const Element& accumulator, const Element& a, const Element& b,
             bool saturates = false) {
  return {"mma.sync.aligned." + shape.name + ".row.col." + (saturates ? "satfinite." : "") +
              accumulator.name + "." + a.name + "." + b.name + "." + accumulator.name,
          shape,
          accumulator,
          a,
          b,
          saturates};
}

std::vector<Form> forms() {
  std::vector<Form> result;
  for (const Element& a : {kSigned, kUnsigned}) {
    for (const Element& b : {kSigned, kUnsigned}) {
      for (const Shape& shape : {m8n8k16_bytes(), m16n8k16_bytes(), m16n8k32_bytes()}) {
        result.push_back(form_of(shape, kInteger, a, b));
        result.push_back(form_of(shape, kInteger, a, b, true));
      }
    }
  }
  for (const Shape& shape : {m16n8k8_halves(), m16n8k16_halves()}) {
    result.push_back(form_of(shape, kFloat, kHalf, kHalf));
    result.push_back(form_of(shape, kHalf, kHalf, kHalf));
    result.push_back(form_of(shape, kFloat, kBfloat, kBfloat));
  }
  result.push_back(form_of(m16n8k4_words(), kFloat, kTf32, kTf32));
  result.push_back(form_of(m16n8k8_words(), kFloat, kTf32, kTf32));
  result.push_back(form_of(m8n8k4_doubles(), kDouble, kDouble, kDouble));
  return result;
}

/// How many elements share a register, and how many registers of a lane hold `elements` of the warp.
unsigned per_register(const Element& element) {
  return element.bits >= 32 ? 1 : 32 / element.bits;
}
unsigned registers(const Element& element, unsigned elements) {
  return elements / kLaneCount / per_register(element);
}

std::string braces(const std::string& prefix, unsigned first, unsigned count) {
  std::string text = "{";
  for (unsigned i = 0; i < count; ++i) text += (i == 0 ? "" : ", ") + prefix + std::to_string(first + i);
  return text + "}";
}

/// The elements of a matrix, from the bits of each lane's registers.
std::vector<long double> gather(const Warp& warp, const Element& element, unsigned first, unsigned rows,
                                unsigned columns, Layout layout) {
  std::vector<long double> matrix(std::size_t{rows} * columns);
  const unsigned count = registers(element, rows * columns) * per_register(element);
  for (unsigned lane = 0; lane < kLaneCount; ++lane) {
    for (unsigned i = 0; i < count; ++i) {
      const std::uint64_t whole = warp.operands[lane][first + i / per_register(element)];
      const std::uint64_t bits =
          whole >> (i % per_register(element) * element.bits) & bits_mask(element.bits);
      const Place place = layout(lane >> 2, lane % 4, i);
      matrix[place.row * columns + place.column] = element.value(bits);
    }
  }
  return matrix;
}

/// What may become of a sum whose terms are known exactly. PTX leaves the order of the additions and their
/// rounding open but for the precision: no more than the last bit of a partial sum may be wrong with each
/// step.
Expected expected_sum(const Form& form, long double sum, long double magnitude) {
  if (is_integer(form.a)) {
    if (form.saturates) sum = std::clamp<long double>(sum, INT32_MIN, INT32_MAX);
    return exactly(static_cast<std::uint32_t>(static_cast<std::int64_t>(sum)));
  }
  if (std::isnan(sum)) return {Expected::Kind::nan, 0, std::nullopt, 0, 0};
  const int fraction_bits = form.accumulator.bits == 64 ? 52 : 23;
  const int smallest = form.accumulator.bits == 64 ? -1074 : -149;
  const auto steps = static_cast<long double>(2 * form.shape.k);
  const long double error =
      std::isinf(sum) ? 0 : steps * (std::ldexp(magnitude, -fraction_bits - 1) + std::ldexp(1.0L, smallest));
  const auto narrowed = [&form](long double value) -> long double {
    if (form.accumulator.bits != 16) return value;
    return widen(narrow_to_half(static_cast<double>(value), Rounding::nearest_even));
  };
  return {Expected::Kind::interval, 0, std::nullopt, narrowed(sum - error), narrowed(sum + error)};
}

void product_reference(const Form& form, Warp& warp) {
  const Shape& shape = form.shape;
  const unsigned first_b = registers(form.a, shape.m * shape.k);
  const unsigned first_c = first_b + registers(form.b, shape.k * shape.n);
  const auto a = gather(warp, form.a, 0, shape.m, shape.k, shape.a);
  const auto b = gather(warp, form.b, first_b, shape.k, shape.n, shape.b);
  const auto c = gather(warp, form.accumulator, first_c, shape.m, shape.n, shape.c);
  for (unsigned lane = 0; lane < kLaneCount; ++lane) {
    for (unsigned i = 0; i < shape.m * shape.n / kLaneCount; ++i) {
      const Place place = shape.c(lane >> 2, lane % 4, i);
      long double sum = c[place.row * shape.n + place.column];
      long double magnitude = std::fabs(sum);
      bool whole = sum == std::floor(sum) && magnitude < 1024;
      for (unsigned k = 0; k < shape.k; ++k) {
        const long double x = a[place.row * shape.k + k];
        const long double y = b[k * shape.n + place.column];
        sum += x * y;
        magnitude += std::fabs(x * y);
        whole = whole && x == std::floor(x) && y == std::floor(y);
      }
      // Sums of small integers are exact in any order.
      if (whole && magnitude < 2048 && sum != 0) magnitude = 0;
      warp.destinations[lane][i] = expected_sum(form, sum, magnitude);
    }
  }
}

/// Random registers of the kinds that suit the form, the same in every run.
std::uint64_t register_value(const Form& form, std::size_t source, std::size_t warp, std::uint64_t seed) {
  const unsigned first_b = registers(form.a, form.shape.m * form.shape.k);
  const unsigned first_c = first_b + registers(form.b, form.shape.k * form.shape.n);
  const Element& element = source < first_b ? form.a : source < first_c ? form.b : form.accumulator;
  Random random(seed);
  std::uint64_t bits = 0;
  for (unsigned i = 0; i < per_register(element); ++i) {
    bits |= random_element(element, operands_of(warp), random) << (i * element.bits);
  }
  return bits;
}

Type register_type(const Element& element) {
  return element.bits == 64 ? Type::f64 : Type::u32;
}

Row product_row(const Form& form, bool in_place) {
  const Shape& shape = form.shape;
  const unsigned count_a = registers(form.a, shape.m * shape.k);
  const unsigned count_b = registers(form.b, shape.k * shape.n);
  const unsigned count_c = registers(form.accumulator, shape.m * shape.n);
  const bool is_half = form.accumulator.bits == 16;
  Row row;
  row.form = form.text;
  row.whole_warps = true;
  row.immediates = false;
  row.sources.assign(count_a + count_b, register_type(form.a));
  row.sources.insert(row.sources.end(), count_c, register_type(form.accumulator));
  const Type type = form.accumulator.bits == 64      ? Type::f64
                    : is_half                        ? Type::f16
                    : form.accumulator.name == "s32" ? Type::s32
                                                     : Type::f32;
  row.destinations.assign(shape.m * shape.n / kLaneCount, type);
  const std::string d = braces(is_half ? "%pair" : "$d", 0, count_c);
  const std::string operands = braces("$s", 0, count_a) + ", " + braces("$s", count_a, count_b) + ", ";
  const std::string c = braces("$s", count_a + count_b, count_c);
  if (in_place) {
    for (unsigned i = 0; i < count_c; ++i) {
      row.body += "$@mov." + std::string(form.accumulator.bits == 64 ? "b64 " : "b32 ") +
                  (is_half ? "%pair" : "$d") + std::to_string(i) + ", $s" +
                  std::to_string(count_a + count_b + i) + "; ";
    }
  }
  row.body += "$@" + form.text + " " + d + ", " + operands + (in_place ? d : c) + ";";
  if (is_half) {
    row.kernel_declarations = "  .reg .b32 %pair<" + std::to_string(count_c) + ">;\n";
    for (unsigned i = 0; i < count_c; ++i) {
      row.body += " $@mov.b32 {$d" + std::to_string(2 * i) + ", $d" + std::to_string(2 * i + 1) + "}, %pair" +
                  std::to_string(i) + ";";
    }
  }
  row.source_values = [form](std::size_t source, std::size_t warp, std::uint64_t random) {
    return register_value(form, source, warp, random);
  };
  row.warp_reference = [form](Warp& warp) { product_reference(form, warp); };
  return row;
}

// --- ldmatrix, movmatrix
// ------------------------------------------------------------------------------------

/// Each thread puts sixteen bytes into shared memory, and each address is that of some thread's.
Row load_row(unsigned matrices, bool transposes, const std::string& space) {
  Row row;
  row.form = "ldmatrix.sync.aligned.m8n8.x" + std::to_string(matrices) + (transposes ? ".trans" : "") +
             space + ".b16";
  row.whole_warps = true;
  row.immediates = false;
  row.sources = {Type::u64, Type::u64, Type::u32};
  row.destinations.assign(matrices, Type::u32);
  row.kernel_declarations =
      "  .shared .align 16 .b8 buffer[1536];\n  .reg .b64 %line, %own;\n  .reg .b32 %from;\n"
      "  mov.u64 %line, buffer;\n  mad.wide.u32 %own, %thread, 16, %line;\n";
  row.body =
      "and.b32 %from, $s2, 31; and.b32 %word, %thread, 96; or.b32 %from, %from, %word; mov.u64 %line, "
      "buffer; "
      "mad.wide.u32 %line, %from, 16, %line; ";
  if (space.empty()) row.body += "cvta.shared.u64 %line, %line; ";
  row.body += "st.shared.v2.b64 [%own], {$s0, $s1}; bar.warp.sync -1; $@" + row.form + " " +
              braces("$d", 0, matrices) + ", [%line]; bar.warp.sync -1;";
  row.source_values = [](std::size_t, std::size_t, std::uint64_t random) { return random; };
  row.warp_reference = [matrices, transposes](Warp& warp) {
    // Line `line` of the matrix is at the address that lane 8·matrix + line has.
    const auto element = [&warp](unsigned matrix, unsigned line, unsigned i) {
      const std::uint64_t from = warp.operands[matrix * 8 + line][2] & 31;
      return warp.operands[from][i / 4] >> (i % 4 * 16) & 0xffff;
    };
    for (unsigned lane = 0; lane < kLaneCount; ++lane) {
      for (unsigned matrix = 0; matrix < matrices; ++matrix) {
        const unsigned r = lane / 4;
        const unsigned c = lane % 4 * 2;
        const std::uint64_t low = transposes ? element(matrix, c, r) : element(matrix, r, c);
        const std::uint64_t high = transposes ? element(matrix, c + 1, r) : element(matrix, r, c + 1);
        warp.destinations[lane][matrix] = exactly(static_cast<std::uint32_t>(high << 16 | low));
      }
    }
  };
  return row;
}

Row transposing_row() {
  Row row;
  row.form = "movmatrix.sync.aligned.m8n8.trans.b16";
  row.body = "$@" + row.form + " $d0, $s0;";
  row.whole_warps = true;
  row.immediates = false;
  row.sources = {Type::u32};
  row.destinations = {Type::u32};
  row.source_values = [](std::size_t, std::size_t, std::uint64_t random) { return random; };
  row.warp_reference = [](Warp& warp) {
    const auto element = [&warp](unsigned line, unsigned i) {
      return warp.operands[line * 4 + i / 2][0] >> (i % 2 * 16) & 0xffff;
    };
    for (unsigned lane = 0; lane < kLaneCount; ++lane) {
      const unsigned r = lane / 4;
      const unsigned c = lane % 4 * 2;
      warp.destinations[lane][0] =
          exactly(static_cast<std::uint32_t>(element(c + 1, r) << 16 | element(c, r)));
    }
  };
  return row;
}

}  // namespace

std::vector<Row> matrix_rows() {
  std::vector<Row> rows;
  for (const Form& form : forms()) {
    rows.push_back(product_row(form, false));
    rows.push_back(product_row(form, true));
  }
  for (const unsigned matrices : {1U, 2U, 4U}) {
    for (const bool transposes : {false, true}) {
      for (const std::string space : {"", ".shared", ".shared::cta"}) {
        rows.push_back(load_row(matrices, transposes, space));
      }
    }
  }
  rows.push_back(transposing_row());
  return rows;
}

}  // namespace vgpu::software::test
// NOLINTEND(performance-inefficient-string-concatenation)
