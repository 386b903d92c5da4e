// Memory accesses of random kernels, as warps make them: neighbours, one place for all, and anything.
#include "random_statements.h"

// PTX is put together once for each kernel; reading like PTX matters more than temporary strings.
// NOLINTBEGIN(performance-inefficient-string-concatenation)
namespace vgpu::software::test {

/// A register for an element in memory, with the type to write behind the opcode: ".u8 %r3".
std::string StatementWriter::element_register(unsigned bytes, bool is_load) {
  const std::string sign = !is_load ? ".u" : chance(2) ? ".u" : ".s";
  switch (bytes) {
    case 1:
      return sign + "8 " + any_of("hrd"[below(3)]);
    case 2:
      return chance(2) ? sign + "16 " + any_of("hrd"[below(3)]) : ".b16 " + any_of('x');
    case 4:
      return chance(2) ? sign + "32 " + any_of("rd"[below(2)]) : ".f32 " + any_of('f');
    case 8:
      return chance(2) ? ".b64 " + any_of('d') : ".f64 " + any_of('g');
    default:
      return ".v4.b32 {%r0, %r" + std::to_string(1 + below(3)) + ", %f0, %f" + std::to_string(1 + below(3)) +
             "}";
  }
}

namespace {

std::string split(const std::string& element, bool is_register) {
  const std::size_t blank = element.find(' ');
  return is_register ? element.substr(blank + 1) : element.substr(0, blank);
}

std::string access(const std::string& opcode, const std::string& element, const std::string& address) {
  const std::string name = split(element, true);
  return opcode + split(element, false) +
         (opcode.starts_with("ld") ? " " + name + ", " + address : " " + address + ", " + name) + ";\n";
}

}  // namespace

Statement StatementWriter::input_load() {
  const unsigned bytes = 1U << below(5);
  // The largest index is that of the last thread, twice, and some more.
  std::string index;
  switch (below(5)) {
    case 0:
      index = "  mov.u32 %t, " + std::to_string(below(32)) + ";\n";
      break;
    case 1:
      index = "  and.b32 %t, " + any_of('r') + ", 1023;\n";
      break;
    case 2:
      index = "  sub.u32 %t, " + std::to_string(kernel_.threads()) + ", %index;\n";
      break;
    default:
      index = "  add.u32 %t, %index, " + std::to_string(below(32)) + ";\n";
  }
  const std::array<std::string, 5> opcodes = {"ld.global", "ld.global.nc", "ld", "ld.volatile.global",
                                              "ld.global.ca"};
  return {index + "  mad.wide.u32 %w, %t, " + std::to_string(bytes) + ", %memory;\n  " +
              (chance(4) ? guard() : "") +
              access(opcodes[below(opcodes.size())], element_register(bytes, true), "[%w]"),
          {}};
}

/// An element of each thread's own in an array of all threads.
Statement StatementWriter::column_access() {
  const unsigned bytes = 1U << below(5);
  // Behind the columns of the larger elements, which are 16, 24, … bytes for each thread.
  const std::uint32_t offset = layout_.columns + kernel_.threads() * (32 - 2 * bytes);
  const bool is_load = chance(3);
  const std::array<std::string, 4> loads = {"ld.global", "ld", "ld.relaxed.gpu.global", "ld.global.cg"};
  const std::array<std::string, 4> stores = {"st.global", "st", "st.relaxed.gpu.global", "st.global.wb"};
  return {"  mad.wide.u32 %w, %index, " + std::to_string(bytes) + ", %memory;\n  " +
              (chance(3) ? guard() : "") +
              access(is_load ? loads[below(4)] : stores[below(4)], element_register(bytes, is_load),
                     "[%w+" + std::to_string(offset) + "]"),
          {}};
}

/// Generic addresses that are shared memory for some lanes, global for others and local for the rest.
Statement StatementWriter::mixed_spaces() {
  const std::string atom = chance(2)
                               ? "  atom.add.u32 " + any_of('r') + ", [%at], " + operand(Type::u32) + ";\n"
                               : "  red.max.s32 [%at+4], " + operand(Type::u32) + ";\n";
  return {
      "  {\n  .local .align 8 .b8 frame[8];\n  .reg .b64 %at, %near;\n  mov.u64 %near, own_shared;\n"
      "  cvta.shared.u64 %near, %near;\n  mad.wide.u32 %near, %thread, 8, %near;\n  selp.b64 %at, %near, "
      "%in, " +
          any_of('p') +
          ";\n  mov.u64 %near, frame;\n  cvta.local.u64 %near, %near;\n  selp.b64 %at, %at, %near, " +
          any_of('p') + ";\n  st.b64 [%at], " + any_of(chance(2) ? 'd' : 'g') + ";\n" +
          (chance(2) ? atom : "") + "  ld" + (chance(2) ? ".v2.u32 {%r1, %r2}" : ".b64 " + any_of('d')) +
          ", [%at];\n  }\n",
      {}};
}

Statement StatementWriter::asynchronous_copy() {
  const std::string bytes = std::to_string(4U << below(2));
  return {
      "  {\n  .reg .b32 %to;\n  mov.u32 %to, own_shared;\n  mad.lo.u32 %to, %thread, 8, %to;\n"
      "  st.shared.b64 [%to], " +
          any_of('d') + ";\n  " + (chance(3) ? guard() : "") +
          "cp.async.ca.shared.global [%to], [%own_input+" + std::to_string(below(4) * 8) + "], " + bytes +
          ";\n  cp.async.commit_group;\n  cp.async.wait_group 0;\n  ld.shared.b64 " + any_of('d') +
          ", [%to];\n  }\n",
      {}};
}

/// Something that comes out the same in whatever order threads do it. Each counter has one kind of operation.
Statement StatementWriter::counter() {
  constexpr std::array<std::string_view, MemoryLayout::kCounters> kOperations = {
      ".add.u32", ".min.s32", ".max.u32", ".and.b32", ".or.b32", ".xor.b32", ".inc.u32", ".add.u64"};
  const std::size_t which = below(kOperations.size());
  const bool wide = which == 7;
  const bool is_shared = !wide && chance(2);
  const std::string operand_text = which == 6 ? "1000000" : operand(wide ? Type::u64 : Type::u32);
  const std::string address = is_shared ? "[tally+" + std::to_string(which * 4) + "]"
                                        : "[%memory+" + std::to_string(layout_.counters + which * 8) + "]";
  const std::string opcode = (is_shared ? ".shared" : ".global") + std::string(kOperations[which]);
  // What atom returns depends on the order, so nothing reads it.
  const std::string text = chance(2) ? "red" + opcode + " " : "atom" + opcode + (wide ? " %w, " : " %t, ");
  return {"  " + (chance(3) ? guard() : "") + text + address + ", " + operand_text + ";\n", {}};
}

}  // namespace vgpu::software::test
// NOLINTEND(performance-inefficient-string-concatenation)
