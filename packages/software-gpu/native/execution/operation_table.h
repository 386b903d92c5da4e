// Looking up the rows of operations.def by PTX form.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "execution/decoded_kernel.h"

namespace vgpu::software {

struct OperationRow {
  Operation operation;
  std::string_view forms;
  std::array<Width, 6> widths{};  // of the operands, destination first
  std::uint8_t operands = 0;      // 0: the decoder reads them itself
  bool reads_carry = false;
  bool writes_carry = false;
};

/// All rows that serve a form such as "add.rn.f32"; empty when there is none.
std::span<const OperationRow* const> find_operations(std::string_view form);

/// The row of an operation.
const OperationRow& operation_row(Operation operation);

/// The name of an operation in operations.def.
std::string_view operation_name(Operation operation);

}  // namespace vgpu::software
