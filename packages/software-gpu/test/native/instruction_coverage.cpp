#include "instruction_coverage.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "instruction_counts.h"
#include "instruction_harness.h"

namespace vgpu::software::test {

std::vector<std::string> data_lines(const char* name) {
  const std::filesystem::path path = std::filesystem::path(VGPU_TEST_DIRECTORY) / "data" / name;
  std::ifstream file(path);
  if (!file) throw std::runtime_error("cannot read " + path.string());
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) {
    if (!line.empty() && line[0] != '#') lines.push_back(line);
  }
  return lines;
}

namespace {

const std::set<std::string, std::less<>>& expected_refusals() {
  static const std::set<std::string, std::less<>> result = [] {
    const std::vector<std::string> lines = data_lines("refused-forms.txt");
    return std::set<std::string, std::less<>>(lines.begin(), lines.end());
  }();
  return result;
}

/// The opcodes of a PTX text as they are written: the first word of every statement after its labels and
/// guard.
std::set<std::string> opcodes_in(const std::string& ptx) {
  std::set<std::string> result;
  std::string statement;
  for (std::size_t i = 0; i < ptx.size(); ++i) {
    const char c = ptx[i];
    // A lone colon ends a label; "::" belongs to an opcode.
    const bool label =
        c == ':' && (i + 1 == ptx.size() || ptx[i + 1] != ':') && (i == 0 || ptx[i - 1] != ':');
    if (c != ';' && c != '{' && c != '}' && !label) {
      statement += c;
      continue;
    }
    const std::string_view blanks = " \t\n";
    std::size_t first = statement.find_first_not_of(blanks);
    if (first != std::string::npos && statement[first] == '@') {
      first = statement.find_first_not_of(blanks, statement.find_first_of(blanks, first));
    }
    if (first != std::string::npos)
      result.insert(statement.substr(first, statement.find_first_of(blanks, first) - first));
    statement.clear();
  }
  return result;
}

std::vector<Row> all_rows() {
  std::vector<Row> rows;
  for (auto* family : {integer_rows, carry_rows, bit_rows, select_rows, compare_rows, float_rows,
                       approximation_rows, coarse_rows, half_rows, convert_rows, move_rows, memory_rows,
                       warp_rows, atomic_rows, video_rows, bfloat_rows, matrix_rows}) {
    std::ranges::move(family(), std::back_inserter(rows));
  }
  return rows;
}

std::vector<Program> all_programs() {
  std::vector<Program> programs;
  for (auto* family : {space_programs, narrow_load_programs, contention_programs, control_programs,
                       exchange_programs, barrier_programs, special_programs, call_programs, fault_programs,
                       matrix_programs, asynchronous_programs}) {
    std::ranges::move(family(), std::back_inserter(programs));
  }
  return programs;
}

enum class Outcome { refused, decoded, tested };

/// Whether the interpreter takes the text; any complaint but "not supported" is a fault of the test or the
/// parser.
bool is_refused(const std::string& name, const std::string& ptx) {
  try {
    const std::unique_ptr<Module> module = load(*gpus().front(), ptx);
    static_cast<void>(module->kernel("test"));
    return false;
  } catch (const Error& error) {
    if (error.status() != Status::not_supported) FAIL_CHECK(name << ": " << std::string(error.what()));
    return true;
  }
}

/// The best outcome of each form over the rows and programs that have it; a form may have many.
std::map<std::string, Outcome> outcomes(std::set<std::string>& refusals) {
  std::map<std::string, Outcome> result;
  const auto note = [&result](const std::string& form, Outcome outcome) {
    auto [found, is_new] = result.try_emplace(form, outcome);
    if (!is_new) found->second = std::max(found->second, outcome);
  };
  for (const Row& row : all_rows()) {
    const bool refused = is_refused(row.form, row_ptx(row));
    if (refused) refusals.insert(row.form);
    note(row.form, refused ? Outcome::refused : Outcome::tested);
  }
  for (const Program& program : all_programs()) {
    const bool refused = is_refused(program.name, program.ptx);
    if (refused) refusals.insert("program " + program.name);
    for (const std::string& form : program.forms) note(form, refused ? Outcome::refused : Outcome::tested);
    // What a program merely contains has been decoded, whatever it proves.
    for (const std::string& opcode : opcodes_in(program.ptx)) {
      if (!refused) note(opcode, Outcome::decoded);
    }
  }
  return result;
}

/// Prints what becomes of the forms of a list, "USES FORM" to a line, and fails for those that nothing tests.
void check_list(const char* name, const std::map<std::string, Outcome>& known) {
  std::map<Outcome, std::vector<std::string>> forms;
  std::map<Outcome, std::size_t> uses;
  for (const std::string& line : data_lines(name)) {
    const std::size_t blank = line.find(' ');
    const std::string form = line.substr(blank + 1);
    const auto found = known.find(form);
    if (found == known.end()) {
      FAIL_CHECK("no test and no program has the form " << form << " of " << std::string(name));
    } else {
      forms[found->second].push_back(form);
      uses[found->second] += std::stoul(line.substr(0, blank));
    }
  }
  const std::array<std::pair<Outcome, const char*>, 3> kNames = {
      {{Outcome::tested, "tested"}, {Outcome::decoded, "decoded only"}, {Outcome::refused, "refused"}}};
  std::printf("\n%-27s forms    uses\n", name);
  for (const auto& [outcome, text] : kNames) {
    std::printf("  %-22s %8zu %7zu\n", text, forms[outcome].size(), uses[outcome]);
    for (const std::string& form : forms[outcome]) {
      if (outcome != Outcome::tested) std::printf("      %s\n", form.c_str());
    }
  }
}

}  // namespace

bool is_expected_refusal(std::string_view form) {
  return expected_refusals().contains(form);
}

void check_claims(const Program& program) {
  const std::set<std::string> opcodes = opcodes_in(program.ptx);
  for (const std::string& form : program.forms) {
    CHECK_MESSAGE(opcodes.contains(form), program.name << " claims " << form << " but does not contain it");
  }
}

TEST_CASE("instruction coverage: the forms that real programs use") {
  std::set<std::string> refusals;
  const std::map<std::string, Outcome> known = outcomes(refusals);
  for (const Program& program : all_programs()) check_claims(program);
  // Programs from the field, and llama.cpp's CUDA backend for compute capability 7.5 and 8.0.
  for (const char* list : {"ptx-forms.txt", "llama-ptx-forms-sm75.txt", "llama-ptx-forms-sm80.txt"}) {
    check_list(list, known);
  }

  CHECK_MESSAGE(
      documented_forms() == listed_forms(),
      "docs/instructions.md has other forms than test/data: pnpm --filter @vgpu/software-gpu document");

  // The committed list must say exactly what is refused, so that it shrinks with every form that is
  // implemented.
  for (const std::string& form : refusals) CHECK_MESSAGE(is_expected_refusal(form), form << " is refused");
  for (const std::string& form : expected_refusals()) {
    CHECK_MESSAGE(refusals.contains(form),
                  form << " is no longer refused: take it off test/data/refused-forms.txt");
  }
}

}  // namespace vgpu::software::test
