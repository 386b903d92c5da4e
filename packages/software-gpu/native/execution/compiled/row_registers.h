// Which rows a run has in registers while its code is generated.
//
// Rows are read from the frame when they are first needed and written back at the end of the run, so that
// lanes that are not active can be left alone then. The code of a run is straight, so it is known which rows
// are needed again and when: if registers run out, the row goes whose next use is farthest away (L. Belady,
// "A study of replacement algorithms for a virtual-storage computer", 1966), to a place on the stack if it
// has changed.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <vector>

#include "execution/compiled/run_code.h"
#include "execution/compiled/shape.h"

namespace vgpu::software {

inline constexpr std::uint32_t kNoLinePlace = 0xffff'ffff;

struct RunRow {
  std::uint32_t offset = 0;  // in the frame
  Width width = Width::word;
  std::vector<std::uint32_t> reads;  // positions in the run
  std::vector<std::uint32_t> writes;
  std::vector<std::uint32_t> last_reads;  // of what each write leaves, see DecodedKernel

  enum class Copy : std::uint8_t { none, frame, stack, line };
  Copy copy = Copy::frame;         // where memory has the value
  bool in_registers = false;       // then `registers` has one for each part
  bool pinned = false;             // by the instruction that is being generated
  bool may_be_any_nan = false;     // see RunCode::make_canonical
  std::array<int, 4> registers{};  // numbers
  std::uint32_t stack_offset = 0;
  bool has_stack = false;
  // As a line: the values of each half's first lane, 8 bytes each, are on the stack. A constant has no place.
  Shape shape;
  std::uint32_t line_offset = kNoLinePlace;
  bool has_line = false;
};

class RowRegisters {
 public:
  RowRegisters(RunCode& code, Run run) : RowRegisters(code, run.first, run.length) {}

  RunRow& row(std::uint32_t offset, Width width);

  /// Makes the row readable at this position: in registers if it is needed again, otherwise wherever it is.
  void prepare_read(RunRow& row, std::uint32_t position, bool bits_matter);
  /// Registers for a new value of a row, which does not lose the old one until `replace`.
  std::array<int, 4> allocate(Width width, std::uint32_t position);
  void replace(RunRow& row, const std::array<int, 4>& registers, bool may_be_any_nan);
  /// What the row had is replaced by a line, which is written to first_of_half.
  void begin_line(RunRow& row);
  /// The row's value in the frame is a line of this shape; the code jumps to `no_line` if it is not.
  void read_line(RunRow& row, const Shape& shape, Xbyak::Label* no_line);
  [[nodiscard]] Xbyak::Address first_of_half(const RunRow& row, int half) const;
  /// After an instruction: what nobody needs any more gives its registers back.
  void finish(std::uint32_t position);

  [[nodiscard]] Xbyak::Address address(const RunRow& row, int part) const;
  /// In a register, or in the temporary that is offered.
  Xbyak::Zmm vector(const RunRow& row, int part, const Xbyak::Zmm& temporary);
  Xbyak::Opmask mask(const RunRow& row, const Xbyak::Opmask& temporary);

  /// The rows that must be written to the frame when the run is left in front of the instruction at this
  /// position, which may be its end. They can be written later, when the rows here have changed.
  [[nodiscard]] std::vector<RunRow> rows_to_store(std::uint32_t position) const;
  void make_canonical(std::vector<RunRow>& rows);
  void store_whole(const std::vector<RunRow>& rows);
  /// Only the active lanes.
  void store_active(const std::vector<RunRow>& rows);

  /// Room on the run's stack; returns its offset there.
  std::uint32_t reserve_stack(std::uint32_t bytes);
  [[nodiscard]] std::uint32_t stack_bytes() const { return stack_bytes_; }

 private:
  RowRegisters(RunCode& code, std::uint32_t first, std::uint32_t length);
  [[nodiscard]] std::uint32_t next_read(const RunRow& row, std::uint32_t position) const;
  std::vector<int>& free_registers(Width width);
  void make_canonical(RunRow& row);
  std::uint32_t reserve_line();
  void make_vector(const RunRow& row, int part, const Xbyak::Zmm& to);
  void make_room(Width width, std::uint32_t position);
  void evict(RunRow& row);
  void release(RunRow& row);
  void load(RunRow& row, std::uint32_t position);

  RunCode& code_;
  std::uint32_t first_;  // of the run, in the kernel
  std::uint32_t end_;
  std::map<std::uint32_t, RunRow> rows_;  // by offset
  std::vector<int> vectors_;              // free registers
  std::vector<int> masks_;
  std::uint32_t stack_bytes_ = 0;
  std::vector<std::uint32_t> line_places_;  // free ones
};

}  // namespace vgpu::software
