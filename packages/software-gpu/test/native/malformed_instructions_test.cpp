// Instructions with the wrong number of types and operands, or wrong ones, of every opcode: each is decoded
// or refused.
#include <doctest/doctest.h>

#include <span>
#include <string>
#include <vector>

#include "instruction_harness.h"

namespace vgpu::software::test {
namespace {

const std::vector<std::string> kOpcodes = {
    "abs",      "activemask", "add",   "addc",      "and",   "atom",     "bar",    "barrier", "bfe",
    "bfi",      "bfind",      "bra",   "brev",      "brx",   "call",     "clz",    "cnot",    "copysign",
    "cos",      "cp",         "cvt",   "cvta",      "div",   "dp2a",     "dp4a",   "elect",   "ex2",
    "exit",     "fence",      "fma",   "isspacep",  "ld",    "ldmatrix", "ldu",    "lg2",     "lop3",
    "mad",      "mad24",      "madc",  "match",     "max",   "mbarrier", "membar", "min",     "mma",
    "mov",      "mul",        "mul24", "nanosleep", "neg",   "not",      "or",     "pmevent", "popc",
    "prefetch", "prmt",       "rcp",   "red",       "redux", "rem",      "ret",    "rsqrt",   "sad",
    "selp",     "set",        "setp",  "shf",       "shfl",  "shl",      "shr",    "sin",     "slct",
    "sqrt",     "st",         "sub",   "subc",      "suld",  "szext",    "tanh",   "testp",   "tex",
    "trap",     "vabsdiff2",  "vote",  "wmma",      "xor"};
const std::vector<std::string> kModifiers = {"", ".u32", ".b64", ".sync", ".f16x2", ".to.u64", ".shared.u32"};
const std::vector<std::string> kOperands = {"%r1", "%d1", "%p1", "{%r1, %r2}", "[%d1]", "%p1|%p2", "3"};

/// Up to three operands, each of any kind.
std::vector<std::string> operand_lists() {
  std::vector<std::string> lists = {""};
  for (const std::string& first : kOperands) {
    lists.push_back(" " + first);
    for (const std::string& second : kOperands) {
      std::string both = " " + first;
      both.append(", ").append(second);
      lists.push_back(both);
      for (const char* third : {"%r1", "%d1", "{%r1, %r2}"})
        lists.push_back(std::string(both).append(", ").append(third));
    }
  }
  return lists;
}

std::string program(const std::string& instruction) {
  std::string text(kPtxHeader);
  text += ".visible .entry test()\n{\n  .reg .pred %p<3>;\n  .reg .b32 %r<4>;\n  .reg .b64 %d<3>;\n  ";
  return text.append(instruction).append(";\n}\n");
}

TEST_CASE("instructions with types and operands of any number and kind") {
  Gpu& gpu = *gpus().front();
  const std::vector<std::string> lists = operand_lists();
  std::size_t decoded = 0;
  std::size_t refused = 0;
  for (const std::string& opcode : kOpcodes) {
    for (const std::string& modifiers : kModifiers) {
      for (const std::string& operands : lists) {
        const std::string instruction = std::string(opcode).append(modifiers).append(operands);
        CAPTURE(instruction);
        const std::string text = program(instruction);
        try {
          const std::unique_ptr<Module> module = gpu.load(std::as_bytes(std::span(text)));
          static_cast<void>(module->kernel("test"));
          ++decoded;
        } catch (const Error&) {
          ++refused;
        }
      }
    }
  }
  CHECK(decoded > 1000);
  CHECK(refused > 1000);
}

}  // namespace
}  // namespace vgpu::software::test
