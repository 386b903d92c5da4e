#include "instruction_counts.h"

#include <filesystem>
#include <fstream>
#include <map>

#include "instruction_coverage.h"
#include "instruction_values.h"

// The document is put together once; reading like the document matters more than temporary strings.
// NOLINTBEGIN(performance-inefficient-string-concatenation)
namespace vgpu::software::test {

namespace {

struct Count {
  std::size_t inputs = 0;
  std::size_t threads = 0;
  std::size_t values = 0;  // all that there are, by programs
  bool all_inputs = true;  // of every row
};

std::map<std::string, Count>& counts() {
  static std::map<std::string, Count> result;
  return result;
}

constexpr std::array<const char*, 3> kLists = {"ptx-forms.txt", "llama-ptx-forms-sm75.txt",
                                               "llama-ptx-forms-sm80.txt"};

/// Uses of each form in each list; the lines are "USES FORM".
std::map<std::string, std::array<std::string, kLists.size()>> uses() {
  std::map<std::string, std::array<std::string, kLists.size()>> result;
  for (std::size_t i = 0; i < kLists.size(); ++i) {
    for (const std::string& line : data_lines(kLists[i])) {
      const std::size_t blank = line.find(' ');
      result[line.substr(blank + 1)][i] = line.substr(0, blank);
    }
  }
  return result;
}

std::string with_separators(std::size_t number) {
  std::string text = std::to_string(number);
  for (std::size_t at = text.size(); at > 3; at -= 3) text.insert(at - 3, ",");
  return text;
}

std::string tested(const Count& count) {
  const bool all_inputs = count.all_inputs || count.values != 0;
  const std::size_t inputs = count.inputs + count.values;
  std::string text = inputs == 0 ? "" : with_separators(inputs) + (all_inputs ? ", all" : "");
  if (count.threads == 0) return text;
  return text + (text.empty() ? "" : "; ") + with_separators(count.threads) +
         (count.threads == 1 ? " thread" : " threads");
}

constexpr const char* kIntroduction = R"(# Instructions

Every form of PTX that three sets of programs use, and how it is tested on the software GPU. The test program writes
this page: `pnpm --filter @vgpu/software-gpu document`.

The numbers under the programs say how often they use the form: about 400 programs from the field, and llama.cpp's CUDA
backend for compute capability 7.5 and 8.0. **Tested** is the number of inputs, operands and what the destinations held
before, whose results are compared with a reference in C++ written from the documentation. Each is run on every vector
path and under an observer, plainly, under a guard, and in a branch; many also with constants for operands and with the
destination for a source. "all": the operands have 16 bits or less together, and all their values are run. "threads": the
form has no result of its own, or needs memory or other threads; so many have executed it in programs whose results show
it.

| form | field | 7.5 | 8.0 | tested |
|---|---:|---:|---:|---|
)";

}  // namespace

void count_row(const Row& row, std::size_t inputs) {
  Count& count = counts()[row.form];
  count.inputs += inputs;
  count.all_inputs = count.all_inputs && has_few_inputs(row);
}

void count_program(const std::vector<std::string>& forms, std::size_t threads) {
  for (const std::string& form : forms) counts()[form].threads += threads;
}

void count_all_values(const std::vector<std::string>& forms, std::size_t values) {
  for (const std::string& form : forms) counts()[form].values += values;
}

std::vector<std::string> listed_forms() {
  std::vector<std::string> result;
  for (const auto& [form, numbers] : uses()) result.push_back(form);
  return result;
}

std::string instructions_document() {
  std::string text = kIntroduction;
  for (const auto& [form, numbers] : uses()) {
    text += "| `" + form + "`";
    for (const std::string& number : numbers) text += " | " + number;
    text += " | " + tested(counts()[form]) + " |\n";
  }
  return text;
}

std::vector<std::string> documented_forms() {
  const std::filesystem::path path =
      std::filesystem::path(VGPU_TEST_DIRECTORY) / ".." / ".." / ".." / "docs" / "instructions.md";
  std::ifstream file(path);
  if (!file) throw std::runtime_error("cannot read " + path.string());
  std::vector<std::string> result;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("| `")) result.push_back(line.substr(3, line.find('`', 3) - 3));
  }
  return result;
}

}  // namespace vgpu::software::test
// NOLINTEND(performance-inefficient-string-concatenation)
