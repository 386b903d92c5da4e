// Which PTX forms the instruction tests exercise.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "instruction_types.h"

namespace vgpu::software::test {

/// Rows by family, each defined in its own file.
std::vector<Row> integer_rows();
std::vector<Row> carry_rows();
std::vector<Row> bit_rows();
std::vector<Row> select_rows();
std::vector<Row> compare_rows();
std::vector<Row> float_rows();
std::vector<Row> approximation_rows();
std::vector<Row> coarse_rows();
std::vector<Row> half_rows();
std::vector<Row> convert_rows();
std::vector<Row> move_rows();
std::vector<Row> memory_rows();
std::vector<Row> warp_rows();
std::vector<Row> atomic_rows();
std::vector<Row> video_rows();
std::vector<Row> bfloat_rows();
std::vector<Row> matrix_rows();

/// PTX that a hand-written test runs, with the forms that its checks would catch being wrong.
struct Program {
  std::string name;
  std::string ptx;
  std::vector<std::string> forms;
};

std::vector<Program> space_programs();
std::vector<Program> narrow_load_programs();
std::vector<Program> contention_programs();
std::vector<Program> control_programs();
std::vector<Program> exchange_programs();
std::vector<Program> barrier_programs();
std::vector<Program> special_programs();
std::vector<Program> call_programs();
std::vector<Program> fault_programs();
std::vector<Program> matrix_programs();
std::vector<Program> asynchronous_programs();

/// The lines of a file in test/data, without comments and blanks.
std::vector<std::string> data_lines(const char* name);

/// Whether test/data/refused-forms.txt lists the form. The list can only shrink: a form on it that the
/// interpreter accepts fails the coverage test.
bool is_expected_refusal(std::string_view form);

/// Fails unless the program text contains each of its forms as an instruction, so that no claim is empty.
void check_claims(const Program& program);

}  // namespace vgpu::software::test
