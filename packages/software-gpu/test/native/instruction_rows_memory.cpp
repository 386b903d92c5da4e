// Loads and stores (PTX ISA 9.0, 9.7.9.8–9.7.9.12) of every width and vector length in every state space.
#include "instruction_coverage.h"
#include "instruction_types.h"

namespace vgpu::software::test {

namespace {

struct Element {
  std::string_view type;
  unsigned bytes;
  bool is_signed;
};

constexpr std::array<Element, 14> kElements = {{{".b8", 1, false},
                                                {".u8", 1, false},
                                                {".s8", 1, true},
                                                {".b16", 2, false},
                                                {".u16", 2, false},
                                                {".s16", 2, true},
                                                {".b32", 4, false},
                                                {".u32", 4, false},
                                                {".s32", 4, true},
                                                {".f32", 4, false},
                                                {".b64", 8, false},
                                                {".u64", 8, false},
                                                {".s64", 8, true},
                                                {".f64", 8, false}}};

std::string vector_modifier(unsigned length) {
  return length == 1 ? "" : ".v" + std::to_string(length);
}

/// A place for sixteen bytes of the thread's own, and how to address them.
struct Place {
  std::string space;         // as in the opcode: ".shared"; empty for generic addressing
  std::string address;       // of the sixteen bytes
  std::string declarations;  // what the kernel needs for that
  bool is_input = false;     // the kernel's input, which it must not write
};

/// .nc is for memory that no one writes while the kernel runs.
Place input_place() {
  return {".global", "%in", "", true};
}

Place global_place() {
  return {".global", "%in+$offset", "", false};
}

Place shared_place() {
  return {".shared", "%slot",
          "  .shared .align 16 .b8 buffer[1536];\n  .reg .b32 %slot;\n  mov.u32 %slot, buffer;\n"
          "  mad.lo.u32 %slot, %thread, 16, %slot;\n",
          false};
}

Place local_place() {
  return {".local", "frame+16", "  .local .align 16 .b8 frame[48];\n", false};
}

/// The same places through generic addresses.
Place generic_global_place() {
  return {"", "%generic+$offset", "  .reg .b64 %generic;\n  cvta.global.u64 %generic, %in;\n", false};
}

Place generic_shared_place() {
  return {
      "", "%generic",
      "  .shared .align 16 .b8 buffer[1536];\n  .reg .b64 %generic, %window;\n  mov.u64 %window, buffer;\n"
      "  cvta.shared.u64 %generic, %window;\n  mad.wide.u32 %generic, %thread, 16, %generic;\n",
      false};
}

Place generic_local_place() {
  return {"", "%generic+16",
          "  .local .align 16 .b8 frame[48];\n  .reg .b64 %generic, %window;\n  mov.u64 %window, frame;\n"
          "  cvta.local.u64 %generic, %window;\n",
          false};
}

std::uint64_t element_at(std::span<const std::uint64_t> words, unsigned index, const Element& element) {
  const unsigned bit = index * element.bytes * 8;
  const std::uint64_t value = (words[bit / 64] >> (bit % 64)) & bits_mask(element.bytes * 8);
  if (!element.is_signed) return value;
  const unsigned unused = 64 - element.bytes * 8;
  return static_cast<std::uint64_t>(static_cast<std::int64_t>(value << unused) >> unused);
}

void set_element(std::array<std::uint64_t, 2>& words, unsigned index, const Element& element,
                 std::uint64_t value) {
  const unsigned bit = index * element.bytes * 8;
  const std::uint64_t mask = bits_mask(element.bytes * 8) << (bit % 64);
  words[bit / 64] = (words[bit / 64] & ~mask) | ((value << (bit % 64)) & mask);
}

Type register_type(unsigned bits) {
  return bits == 16 ? Type::u16 : bits == 32 ? Type::u32 : Type::u64;
}

std::string operand_list(std::string_view prefix, unsigned length) {
  if (length == 1) return std::string(prefix) + "0";
  std::string text = "{";
  for (unsigned i = 0; i < length; ++i)
    text += (i == 0 ? "" : ", ") + std::string(prefix) + std::to_string(i);
  return text + "}";
}

/// Writes sixteen bytes to the place and loads elements from it into registers of `bits`.
Row load_row(const Place& place, const std::string& opcode, const Element& element, unsigned length,
             unsigned bits) {
  Row row;
  row.form = opcode + vector_modifier(length) + std::string(element.type);
  row.kernel_declarations = place.declarations;
  row.sources = {Type::u64, Type::u64};
  row.destinations.assign(length, register_type(bits));
  row.immediates = false;
  row.exhaustive = false;
  if (element.bytes * length <= 8) row.significant_bits = {element.bytes * length * 8, 0};
  const std::string address = "[" + place.address + "]";
  if (!place.is_input) row.body = "st" + place.space + ".v2.b64 " + address + ", {$s0, $s1}; ";
  row.body += "$@" + row.form + " " + operand_list("$d", length) + ", " + address + ";";
  row.reference = [element, length](std::span<const std::uint64_t> operands,
                                    std::span<Expected> destinations) {
    for (unsigned i = 0; i < length; ++i) destinations[i] = exactly(element_at(operands, i, element));
  };
  return row;
}

/// Fills the place with the destinations' values, stores elements over them, and reads all sixteen bytes
/// back.
Row store_row(const Place& place, const std::string& opcode, const Element& element, unsigned length,
              unsigned bits) {
  Row row;
  row.form = opcode + vector_modifier(length) + std::string(element.type);
  row.kernel_declarations = place.declarations;
  row.sources.assign(length, register_type(bits));
  row.destinations = {Type::u64, Type::u64};
  row.exhaustive = false;
  row.significant_bits.assign(length, element.bytes * 8);
  row.immediates = false;
  const std::string address = "[" + place.address + "]";
  row.body = "st" + place.space + ".v2.b64 " + address + ", {$d0, $d1}; $@" + row.form + " " + address +
             ", " + operand_list("$s", length) + "; ld" + place.space + ".v2.b64 {$d0, $d1}, " + address +
             ";";
  row.reference = [element, length](std::span<const std::uint64_t> operands,
                                    std::span<Expected> destinations) {
    std::array<std::uint64_t, 2> words = {operands[length], operands[length + 1]};
    for (unsigned i = 0; i < length; ++i) set_element(words, i, element, operands[i]);
    destinations[0] = exactly(words[0]);
    destinations[1] = exactly(words[1]);
  };
  return row;
}

/// The registers that an element may be loaded into or stored from: its own width and, but for floats, wider.
std::vector<unsigned> register_widths(const Element& element) {
  if (element.type[1] == 'f' || element.bytes == 8) return {element.bytes * 8};
  if (element.bytes == 4) return {32, 64};
  return {16, 32, 64};
}

/// How many of the combinations to run.
enum class Selection {
  every_register,  // each element from and into each width of register
  every_element,   // each element in registers of its own width
  some_elements    // all but the signed, alone and in pairs
};

template <class F>
void for_each_access(Selection selection, F f) {
  for (const Element& element : kElements) {
    for (const unsigned length : {1U, 2U, 4U}) {
      if (element.bytes * length > 16) continue;
      if (selection == Selection::some_elements &&
          (element.is_signed || element.type == ".b8" || length == 4)) {
        continue;
      }
      const std::vector<unsigned> widths = register_widths(element);
      for (const unsigned bits : widths) {
        if (selection == Selection::every_register || bits == widths.front()) f(element, length, bits);
      }
    }
  }
}

void add_loads(std::vector<Row>& rows, const Place& place, const std::string& opcode, Selection selection) {
  for_each_access(selection, [&](const Element& element, unsigned length, unsigned bits) {
    rows.push_back(load_row(place, opcode, element, length, bits));
  });
}

void add_stores(std::vector<Row>& rows, const Place& place, const std::string& opcode, Selection selection) {
  for_each_access(selection, [&](const Element& element, unsigned length, unsigned bits) {
    rows.push_back(store_row(place, opcode, element, length, bits));
  });
}

constexpr unsigned kTableBytes = 64;

std::uint8_t table_byte(unsigned i) {
  return static_cast<std::uint8_t>(i * 37 + 129);
}

/// The initialised table is indexed by the source, modulo its size.
void add_constant_loads(std::vector<Row>& rows) {
  std::string table = ".const .align 16 .b8 table[64] = {";
  for (unsigned i = 0; i < kTableBytes; ++i) table += (i == 0 ? "" : ", ") + std::to_string(table_byte(i));
  table += "};\n";
  for_each_access(Selection::every_register, [&](const Element& element, unsigned length, unsigned bits) {
    Row row;
    row.form = "ld.const" + vector_modifier(length) + std::string(element.type);
    row.module_declarations = table;
    row.kernel_declarations = "  .reg .b64 %table, %entry;\n  .reg .b32 %row;\n  mov.u64 %table, table;\n";
    row.sources = {Type::u32};
    row.destinations.assign(length, register_type(bits));
    row.exhaustive = false;
    row.body = "and.b32 %row, $s0, 3; mad.wide.u32 %entry, %row, 16, %table; $@" + row.form + " " +
               operand_list("$d", length) + ", [%entry];";
    row.reference = [element, length](std::span<const std::uint64_t> operands,
                                      std::span<Expected> destinations) {
      std::array<std::uint64_t, 2> words{};
      for (unsigned i = 0; i < 16; ++i) {
        words[i / 8] |= std::uint64_t{table_byte(static_cast<unsigned>(operands[0] & 3) * 16 + i)}
                        << (i % 8 * 8);
      }
      for (unsigned i = 0; i < length; ++i) destinations[i] = exactly(element_at(words, i, element));
    };
    rows.push_back(std::move(row));
  });
}

/// Ordering and caching qualifiers change nothing that one thread can see of its own memory.
void add_qualified(std::vector<Row>& rows) {
  const std::vector<std::string> load_qualifiers = {".volatile",    ".relaxed.cta", ".relaxed.gpu",
                                                    ".relaxed.sys", ".acquire.gpu", ".acquire.sys"};
  const std::vector<std::string> store_qualifiers = {".volatile",    ".relaxed.cta", ".relaxed.gpu",
                                                     ".relaxed.sys", ".release.gpu", ".release.sys"};
  const Selection some = Selection::some_elements;
  for (const Place& place : {global_place(), shared_place(), generic_global_place()}) {
    for (const std::string& qualifier : load_qualifiers)
      add_loads(rows, place, "ld" + qualifier + place.space, some);
    for (const std::string& qualifier : store_qualifiers)
      add_stores(rows, place, "st" + qualifier + place.space, some);
  }
  for (const std::string cache : {".ca", ".cg", ".cs", ".cv"}) {
    add_loads(rows, generic_global_place(), "ld" + cache, some);
    add_loads(rows, global_place(), "ld.global" + cache, some);
  }
  for (const std::string cache : {".wb", ".cg", ".cs", ".wt"}) {
    add_stores(rows, global_place(), "st.global" + cache, some);
  }
}

}  // namespace

std::vector<Row> memory_rows() {
  std::vector<Row> rows;
  for (const Place& place : {global_place(), shared_place(), generic_local_place()}) {
    add_loads(rows, place, "ld" + place.space, Selection::every_register);
    add_stores(rows, place, "st" + place.space, Selection::every_register);
  }
  for (const Place& place : {local_place(), generic_global_place(), generic_shared_place()}) {
    add_loads(rows, place, "ld" + place.space, Selection::every_element);
    add_stores(rows, place, "st" + place.space, Selection::every_element);
  }
  add_constant_loads(rows);
  add_loads(rows, input_place(), "ld.global.nc", Selection::every_element);
  add_qualified(rows);
  return rows;
}

}  // namespace vgpu::software::test
