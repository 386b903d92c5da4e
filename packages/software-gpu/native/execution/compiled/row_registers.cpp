#include "execution/compiled/row_registers.h"

#include <algorithm>
#include <bit>
#include <cstddef>

#include "execution/warp.h"

namespace vgpu::software {
namespace {

constexpr std::uint32_t kNever = 0xffff'ffff;
constexpr std::uint32_t kAtTheEnd = 0xffff'fffe;

constexpr int kPartBytes = 64;

int lanes_of_part(Width width) {
  return static_cast<int>(kLanes) / parts_of(width);
}

}  // namespace

RowRegisters::RowRegisters(RunCode& code, std::uint32_t first, std::uint32_t length)
    : code_(code), first_(first), end_(first + length) {
  for (int number = RunCode::kKeptVectors; number-- > 0;) vectors_.push_back(number);
  for (int number = RunCode::kMasks; number-- > RunCode::kFirstKeptMask;) masks_.push_back(number);
}

RunRow& RowRegisters::row(std::uint32_t offset, Width width) {
  RunRow& row = rows_[offset];
  row.offset = offset;
  row.width = width;
  return row;
}

std::uint32_t RowRegisters::next_read(const RunRow& row, std::uint32_t position) const {
  const auto read = std::ranges::upper_bound(row.reads, position);
  // What the instruction at `position` writes counts as written before.
  const auto write = std::ranges::upper_bound(row.writes, position);
  if (read != row.reads.end() && (write == row.writes.end() || *read <= *write)) return *read;
  return write == row.writes.end() && !row.writes.empty() && row.last_reads.back() >= end_ ? kAtTheEnd
                                                                                           : kNever;
}

std::vector<int>& RowRegisters::free_registers(Width width) {
  return width == Width::predicate ? masks_ : vectors_;
}

void RowRegisters::release(RunRow& row) {
  for (int part = 0; part < parts_of(row.width); ++part) {
    free_registers(row.width).push_back(row.registers[static_cast<std::size_t>(part)]);
  }
  row.in_registers = false;
  row.may_be_any_nan = false;
}

void RowRegisters::make_canonical(RunRow& row) {
  if (!row.may_be_any_nan) return;
  for (int part = 0; part < parts_of(row.width); ++part) {
    code_.make_canonical(row.width, Xbyak::Zmm(row.registers[static_cast<std::size_t>(part)]));
  }
  row.may_be_any_nan = false;
}

std::uint32_t RowRegisters::reserve_stack(std::uint32_t bytes) {
  const std::uint32_t offset = stack_bytes_;
  stack_bytes_ += (bytes + kPartBytes - 1) / kPartBytes * kPartBytes;
  return offset;
}

void RowRegisters::evict(RunRow& row) {
  if (row.copy == RunRow::Copy::none) {
    make_canonical(row);
    if (!row.has_stack) {
      row.has_stack = true;
      row.stack_offset = reserve_stack(static_cast<std::uint32_t>(parts_of(row.width) * kPartBytes));
    }
    row.copy = RunRow::Copy::stack;
    for (int part = 0; part < parts_of(row.width); ++part) {
      const int number = row.registers[static_cast<std::size_t>(part)];
      if (row.width == Width::predicate) {
        code_.kmovd(address(row, part), Xbyak::Opmask(number));
      } else {
        code_.vmovdqa64(address(row, part), Xbyak::Zmm(number));
      }
    }
  }
  release(row);
}

void RowRegisters::make_room(Width width, std::uint32_t position) {
  const auto wanted = static_cast<std::size_t>(parts_of(width));
  const bool masks = width == Width::predicate;
  while (free_registers(width).size() < wanted) {
    RunRow* farthest = nullptr;
    std::uint32_t distance = 0;
    for (auto& [offset, row] : rows_) {
      if (!row.in_registers || row.pinned || (row.width == Width::predicate) != masks) continue;
      const std::uint32_t next = next_read(row, position);
      if (farthest != nullptr && next <= distance) continue;
      farthest = &row;
      distance = next;
    }
    // An instruction has at most four operands, so something else is there.
    evict(*farthest);
  }
}

std::array<int, 4> RowRegisters::allocate(Width width, std::uint32_t position) {
  make_room(width, position);
  std::array<int, 4> registers{};
  std::vector<int>& free = free_registers(width);
  for (int part = 0; part < parts_of(width); ++part) {
    registers[static_cast<std::size_t>(part)] = free.back();
    free.pop_back();
  }
  return registers;
}

void RowRegisters::load(RunRow& row, std::uint32_t position) {
  const std::array<int, 4> registers = allocate(row.width, position);
  for (int part = 0; part < parts_of(row.width); ++part) {
    const int number = registers[static_cast<std::size_t>(part)];
    if (row.copy == RunRow::Copy::line) {
      make_vector(row, part, Xbyak::Zmm(number));
    } else if (row.width == Width::predicate) {
      code_.kmovd(Xbyak::Opmask(number), address(row, part));
    } else {
      code_.vmovdqa64(Xbyak::Zmm(number), address(row, part));
    }
  }
  row.registers = registers;
  row.in_registers = true;
}

void RowRegisters::prepare_read(RunRow& row, std::uint32_t position, bool bits_matter) {
  const bool is_replaced = std::ranges::binary_search(row.writes, position);
  const bool is_needed_again = !is_replaced && next_read(row, position) < kAtTheEnd;
  if (!row.in_registers && (is_needed_again || row.copy == RunRow::Copy::line)) load(row, position);
  row.pinned = true;
  if (row.in_registers && bits_matter) make_canonical(row);
}

void RowRegisters::replace(RunRow& row, const std::array<int, 4>& registers, bool may_be_any_nan) {
  if (row.in_registers) release(row);
  row.registers = registers;
  row.in_registers = true;
  row.copy = RunRow::Copy::none;
  row.may_be_any_nan = may_be_any_nan;
  row.has_line = false;
  row.shape = {};
}

void RowRegisters::begin_line(RunRow& row) {
  if (row.in_registers) release(row);
  row.copy = RunRow::Copy::line;
  if (row.line_offset == kNoLinePlace) row.line_offset = reserve_line();
  row.has_line = true;
}

/// Every line has a place of its own, so that code behind the run still finds it.
std::uint32_t RowRegisters::reserve_line() {
  constexpr std::uint32_t kLineBytes = 2 * sizeof(std::uint64_t);
  if (line_places_.empty()) {
    const std::uint32_t begin = reserve_stack(kPartBytes);
    for (std::uint32_t place = kPartBytes; place != 0; place -= kLineBytes) {
      line_places_.push_back(begin + place - kLineBytes);
    }
  }
  const std::uint32_t place = line_places_.back();
  line_places_.pop_back();
  return place;
}

Xbyak::Address RowRegisters::first_of_half(const RunRow& row, int half) const {
  return code_.qword[code_.rsp + (row.line_offset + static_cast<std::size_t>(half) * sizeof(std::uint64_t))];
}

void RowRegisters::read_line(RunRow& row, const Shape& shape, Xbyak::Label* no_line) {
  row.shape = shape;
  row.has_line = true;
  if (shape.constant) return;
  if (row.line_offset == kNoLinePlace) row.line_offset = reserve_line();
  const bool wide = row.width == Width::doubleword;
  for (int half = 0; half < (shape.halves == Shape::Halves::apart ? 2 : 1); ++half) {
    const auto first =
        code_.frame() + (row.offset + static_cast<std::size_t>(half) * kHalfLanes * (wide ? 8 : 4));
    if (wide) {
      code_.mov(code_.rax, code_.qword[first]);
    } else {
      code_.mov(code_.eax, code_.dword[first]);
    }
    code_.mov(first_of_half(row, half), code_.rax);
  }
  if (no_line == nullptr) return;
  constexpr std::uint8_t kNotEqual = 4;
  for (int part = 0; part < parts_of(row.width); ++part) {
    const Xbyak::Zmm& expected = RunCode::temporary(0);
    make_vector(row, part, expected);
    if (wide) {
      code_.vpcmpuq(code_.k1, expected, address(row, part), kNotEqual);
    } else {
      code_.vpcmpud(code_.k1, expected, address(row, part), kNotEqual);
    }
    code_.kortestw(code_.k1, code_.k1);
    code_.jnz(*no_line, Xbyak::CodeGenerator::T_NEAR);
  }
}

/// One part of a line, from its first lanes.
void RowRegisters::make_vector(const RunRow& row, int part, const Xbyak::Zmm& to) {
  const bool wide = row.width == Width::doubleword;
  const int parts_of_half = parts_of(row.width) / 2;
  const Shape& shape = row.shape;
  const int half = shape.halves == Shape::Halves::apart ? part / parts_of_half : 0;
  const auto first = code_.rsp + (row.line_offset + static_cast<std::size_t>(half) * sizeof(std::uint64_t));
  if (shape.stride == 0) {
    if (wide) {
      code_.vpbroadcastq(to, code_.qword[first]);
    } else {
      code_.vpbroadcastd(to, code_.dword[first]);
    }
    return;
  }
  const int behind = shape.halves == Shape::Halves::continued ? part : part % parts_of_half;
  const auto table = wide ? offsetof(CodeConstants, lanes64) : offsetof(CodeConstants, lanes32);
  const auto lanes = code_.ptr[code_.constants() + (table + static_cast<std::size_t>(behind) * kPartBytes)];
  const auto shift = static_cast<std::uint8_t>(std::countr_zero(static_cast<std::uint64_t>(shape.stride)));
  if (wide) {
    code_.vpsllq(to, lanes, shift);
    code_.vpaddq(to, to, code_.ptr_b[first]);
  } else {
    code_.vpslld(to, lanes, shift);
    code_.vpaddd(to, to, code_.ptr_b[first]);
  }
}

void RowRegisters::finish(std::uint32_t position) {
  for (auto& [offset, row] : rows_) {
    row.pinned = false;
    if (row.in_registers && next_read(row, position) == kNever) release(row);
  }
}

Xbyak::Address RowRegisters::address(const RunRow& row, int part) const {
  const auto offset = static_cast<std::size_t>(part) * kPartBytes;
  if (row.copy == RunRow::Copy::stack) return code_.ptr[code_.rsp + (row.stack_offset + offset)];
  return code_.ptr[code_.frame() + (row.offset + offset)];
}

Xbyak::Zmm RowRegisters::vector(const RunRow& row, int part, const Xbyak::Zmm& temporary) {
  if (row.in_registers) return Xbyak::Zmm(row.registers[static_cast<std::size_t>(part)]);
  if (row.copy == RunRow::Copy::line) {
    make_vector(row, part, temporary);
  } else {
    code_.vmovdqa64(temporary, address(row, part));
  }
  return temporary;
}

Xbyak::Opmask RowRegisters::mask(const RunRow& row, const Xbyak::Opmask& temporary) {
  if (row.in_registers) return Xbyak::Opmask(row.registers[0]);
  code_.kmovd(temporary, address(row, 0));
  return temporary;
}

std::vector<RunRow> RowRegisters::rows_to_store(std::uint32_t position) const {
  std::vector<RunRow> rows;
  for (const auto& [offset, row] : rows_) {
    const auto after = std::ranges::lower_bound(row.writes, position) - row.writes.begin();
    if (after == 0 || row.last_reads[static_cast<std::size_t>(after) - 1] < first_ + position) continue;
    rows.push_back(row);
  }
  return rows;
}

void RowRegisters::make_canonical(std::vector<RunRow>& rows) {
  for (RunRow& row : rows) {
    if (row.in_registers) make_canonical(row);
  }
}

void RowRegisters::store_whole(const std::vector<RunRow>& rows) {
  for (const RunRow& row : rows) {
    const auto place = [&](int part) {
      return code_.ptr[code_.frame() + (row.offset + static_cast<std::size_t>(part) * kPartBytes)];
    };
    if (row.width == Width::predicate) {
      code_.kmovd(place(0), mask(row, code_.k1));
      continue;
    }
    for (int part = 0; part < parts_of(row.width); ++part) {
      code_.vmovdqa64(place(part), vector(row, part, RunCode::temporary(0)));
    }
  }
}

void RowRegisters::store_active(const std::vector<RunRow>& rows) {
  const Xbyak::Reg32& active = code_.eax;
  code_.mov(active, code_.dword[code_.warp() + offsetof(Warp, active)]);
  for (const RunRow& row : rows) {
    if (row.width == Width::predicate) {
      const auto place = code_.dword[code_.frame() + row.offset];
      const Xbyak::Reg32& changed = code_.ecx;
      code_.kmovd(changed, mask(row, code_.k1));
      code_.xor_(changed, place);
      code_.and_(changed, active);
      code_.xor_(place, changed);
      continue;
    }
    code_.kmovd(code_.k1, active);
    for (int part = 0; part < parts_of(row.width); ++part) {
      if (part != 0) code_.kshiftrd(code_.k1, code_.k1, static_cast<std::uint8_t>(lanes_of_part(row.width)));
      const Xbyak::Zmm value = vector(row, part, RunCode::temporary(0));
      const auto place =
          code_.ptr[code_.frame() + (row.offset + static_cast<std::size_t>(part) * kPartBytes)];
      if (row.width == Width::word) {
        code_.vmovdqa32(place | code_.k1, value);
      } else {
        code_.vmovdqa64(place | code_.k1, value);
      }
    }
  }
}

}  // namespace vgpu::software
