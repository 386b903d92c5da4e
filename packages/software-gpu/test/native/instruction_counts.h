// What the instruction tests have run so far, and the document about it, docs/instructions.md.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "instruction_types.h"

namespace vgpu::software::test {

/// `inputs` operand tuples of a row, each on every path and in every variant.
void count_row(const Row& row, std::size_t inputs);

/// `threads` that have executed a program whose checks would catch these forms being wrong.
void count_program(const std::vector<std::string>& forms, std::size_t threads);

/// `values` more of those that these forms can load have been loaded, on every path, by a program that has
/// them all in the end.
void count_all_values(const std::vector<std::string>& forms, std::size_t values);

/// Of all forms of the three lists. Complete when all instruction tests have run.
std::string instructions_document();

/// The forms that the committed document has, in its order.
std::vector<std::string> documented_forms();

/// The forms of test/data's lists, each once, in alphabetical order.
std::vector<std::string> listed_forms();

}  // namespace vgpu::software::test
