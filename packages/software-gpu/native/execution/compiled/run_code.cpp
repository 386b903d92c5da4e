#include "execution/compiled/run_code.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <deque>
#include <span>

#include "execution/compiled/access_code.h"
#include "execution/compiled/line_code.h"
#include "execution/compiled/part.h"
#include "execution/compiled/recipes.h"
#include "execution/compiled/row_registers.h"
#include "execution/compiled/run_end.h"
#include "execution/warp.h"

namespace vgpu::software {
namespace {

/// The finished code is copied to executable memory, so plain memory will do.
class PlainAllocator final : public Xbyak::Allocator {
 public:
  [[nodiscard]] bool useProtect() const override { return false; }
};

constexpr std::size_t kFirstBytes = 4096;

class RunGenerator {
 public:
  /// `lines` and `otherwise`, where the code goes on if they are not what was expected, may be nullptr.
  RunGenerator(RunCode& code, const DecodedKernel& kernel, Run run, const RunLines* lines,
               const Xbyak::Label* otherwise)
      : code_(code),
        end_(code, kernel, run),
        first_(run.first),
        lines_(lines),
        otherwise_(otherwise),
        instructions_(std::span(kernel.code).subspan(run.first, run.length)),
        last_reads_(std::span(kernel.last_reads).subspan(run.first, run.length)),
        rows_(code, run) {
    find_uses();
  }

  void generate() {
    const std::size_t stack_size = generate_entry();
    if (lines_ != nullptr) generate_line_inputs();
    code_.L(loop_);
    for (std::uint32_t position = 0; position < instructions_.size(); ++position) generate(position);
    generate_exit();
    code_.rewrite(stack_size, rows_.stack_bytes(), sizeof(std::uint32_t));
  }

 private:
  /// Where the run is left in front of a load or store.
  struct Exit {
    std::uint32_t position = 0;
    std::vector<RunRow> rows;  // to write to the frame
    Xbyak::Label label;
  };

  struct Operands {
    RunRow* destination;
    std::array<RunRow*, 3> sources;
    std::size_t source_count;
  };

  Operands operands(const Instruction& instruction) {
    const std::span<const Width> widths = operand_widths(instruction);
    const std::array<std::uint32_t, 3> fields{instruction.a, instruction.b, instruction.c};
    Operands result{&rows_.row(instruction.destination, widths[0]), {}, widths.size() - 1};
    for (std::size_t i = 0; i < result.source_count; ++i) {
      result.sources[i] = &rows_.row(fields[i], widths[i + 1]);
    }
    return result;
  }

  void find_uses() {
    for (std::uint32_t position = 0; position < instructions_.size(); ++position) {
      if (recipe_for(instructions_[position])->accesses) {
        find_uses_of_access(position);
        continue;
      }
      const Operands used = operands(instructions_[position]);
      for (std::size_t i = 0; i < used.source_count && !computes_line(position); ++i) {
        add_read(*used.sources[i], position);
      }
      add_write(*used.destination, position);
    }
  }

  void find_uses_of_access(std::uint32_t position) {
    const Instruction& instruction = instructions_[position];
    RunRow& address = rows_.row(instruction.a, address_width(instruction));
    if (!accesses_line(position)) add_read(address, position);
    if (instruction.operation == Operation::st_32_32) {
      add_read(rows_.row(instruction.destination, Width::word), position);
      return;
    }
    groups_.add(position, instruction, address.writes.size(), accesses_line(position));
    for (int word = 0; word < words_of_access(instruction); ++word) {
      add_write(rows_.row(word_rows(instruction)[static_cast<std::size_t>(word)], Width::word), position);
    }
  }

  [[nodiscard]] bool computes_line(std::uint32_t position) const {
    return lines_ != nullptr && lines_->results[position].is_line;
  }
  [[nodiscard]] bool accesses_line(std::uint32_t position) const {
    return lines_ != nullptr && lines_->accesses[position];
  }

  static void add_read(RunRow& row, std::uint32_t position) {
    if (row.reads.empty() || row.reads.back() != position) row.reads.push_back(position);
  }

  void add_write(RunRow& row, std::uint32_t position) {
    row.writes.push_back(position);
    row.last_reads.push_back(last_reads_[position]);
  }

  /// Returns where the code has the number of bytes that it takes of the stack, which is known later.
  std::size_t generate_entry() {
    code_.align(16);
    start_ = code_.getSize();
    code_.endbr64();
    code_.mov(code_.frame(), code_.qword[code_.warp() + offsetof(Warp, frame)]);
    code_.mov(code_.constants(), reinterpret_cast<std::uint64_t>(&kCodeConstants));
    code_.mov(code_.r11, code_.rsp);
    code_.and_(code_.rsp, -64);
    code_.sub(code_.rsp, 0x7fff'ffff);
    return code_.getSize() - sizeof(std::uint32_t);
  }

  /// Whether the rows are lines that never change was found out when the warp began.
  void generate_line_inputs() {
    code_.cmp(code_.byte[code_.warp() + offsetof(Warp, lines_hold)], 0);
    code_.je(no_lines_, Xbyak::CodeGenerator::T_NEAR);
    for (const LineInput& input : lines_->inputs) {
      rows_.read_line(rows_.row(input.offset, input.width), input.shape,
                      input.is_kept ? nullptr : &no_lines_);
    }
  }

  /// Whether at the end of the run all inputs are the lines again that they were at its beginning.
  [[nodiscard]] bool inputs_hold() {
    if (lines_ == nullptr) return true;
    return std::ranges::all_of(lines_->inputs, [&](const LineInput& input) {
      const RunRow& row = rows_.row(input.offset, input.width);
      return row.has_line && satisfies(row.shape, input.shape) && row.shape.halves == input.shape.halves;
    });
  }

  void generate_exit() {
    const auto length = static_cast<std::uint32_t>(instructions_.size());
    std::vector<RunRow> rows = rows_.rows_to_store(length);
    rows_.make_canonical(rows);
    Xbyak::Label some_lanes;
    Xbyak::Label stored;
    code_.cmp(code_.dword[code_.warp() + offsetof(Warp, active)], -1);
    code_.jne(some_lanes, Xbyak::CodeGenerator::T_NEAR);
    rows_.store_whole(rows);
    code_.L(stored);
    end_.generate(inputs_hold() ? &loop_ : nullptr);
    code_.L(some_lanes);
    rows_.store_active(rows);
    code_.jmp(stored, Xbyak::CodeGenerator::T_NEAR);
    for (Exit& exit : exits_) {
      code_.L(exit.label);
      rows_.make_canonical(exit.rows);
      rows_.store_active(exit.rows);
      end_.leave(first_ + exit.position);
    }
    if (lines_ == nullptr) return;
    code_.L(no_lines_);
    code_.mov(code_.rsp, code_.r11);
    code_.jmp(*otherwise_, Xbyak::CodeGenerator::T_NEAR);
  }

  void generate(std::uint32_t position) {
    const Instruction& instruction = instructions_[position];
    const Recipe& recipe = *recipe_for(instruction);
    if (recipe.accesses) {
      generate_access(position);
      return;
    }
    const Operands used = operands(instruction);
    if (computes_line(position)) {
      generate_line(position, used);
      return;
    }
    const bool bits_matter = recipe.sources == Recipe::Values::bits;
    for (std::size_t i = 0; i < used.source_count; ++i) {
      rows_.prepare_read(*used.sources[i], position, bits_matter);
    }
    const std::array<int, 4> registers = rows_.allocate(used.destination->width, position);
    if (recipe.compute != nullptr) {
      for (int index = 0; index < parts_of(used.destination->width); ++index) {
        Part part(code_, rows_, instruction, used.sources, index,
                  Xbyak::Zmm(registers[static_cast<std::size_t>(index)]));
        recipe.compute(part);
      }
    } else if (recipe.compare != nullptr) {
      compare(recipe, instruction, used, Xbyak::Opmask(registers[0]));
    } else {
      const RunRow& last = *used.sources[used.source_count - 1];
      recipe.combine(code_, Xbyak::Opmask(registers[0]), rows_.mask(*used.sources[0], code_.k1),
                     rows_.mask(last, code_.k2));
    }
    rows_.replace(*used.destination, registers, recipe.result == Recipe::Values::floats);
    rows_.finish(position);
  }

  void generate_line(std::uint32_t position, const Operands& used) {
    Xbyak::Label unused;
    const LineCode asked(code_, rows_, instructions_[position], used.sources, unused);
    LineCode line(code_, rows_, instructions_[position], used.sources,
                  asked.can_leave() ? add_exit(position) : unused);
    line.compute(*used.destination, lines_->results[position]);
    rows_.finish(position);
  }

  void generate_access(std::uint32_t position) {
    const Instruction& instruction = instructions_[position];
    RunRow& address = rows_.row(instruction.a, address_width(instruction));
    if (accesses_line(position)) {
      generate_access<LineAccessCode>(position, address);
    } else {
      rows_.prepare_read(address, position, true);
      generate_access<AccessCode>(position, address);
    }
  }

  template <class Code>
  void generate_access(std::uint32_t position, RunRow& address) {
    const Instruction& instruction = instructions_[position];
    if (instruction.operation == Operation::st_32_32) {
      RunRow& words = rows_.row(instruction.destination, Width::word);
      rows_.prepare_read(words, position, true);
      Xbyak::Label& leave = add_exit(position);
      check_warp(leave);
      Code(code_, rows_, instruction, address, leave).store(words);
    } else {
      const int count = words_of_access(instruction);
      std::array<std::array<int, 4>, 4> words{};
      for (int word = 0; word < count; ++word) {
        words[static_cast<std::size_t>(word)] = rows_.allocate(Width::word, position);
      }
      AccessGroup& group = groups_.at(position);
      group.is_in_loop = lines_ != nullptr && lines_->is_loop;
      Xbyak::Label unused;
      Xbyak::Label& leave = group.checked ? unused : add_exit(position);
      Code load(code_, rows_, instruction, address, leave);
      if (!group.checked) {
        check_warp(leave);
        load.check(group);
      }
      load.load(group, words);
      for (int word = 0; word < count; ++word) {
        const auto number = static_cast<std::size_t>(word);
        rows_.replace(rows_.row(word_rows(instruction)[number], Width::word), words[number], false);
      }
    }
    rows_.finish(position);
  }

  /// Once, in front of the first access: what comes later needs all lanes.
  void check_warp(Xbyak::Label& leave) {
    if (warp_is_whole_) return;
    code_.cmp(code_.dword[code_.warp() + offsetof(Warp, active)], -1);
    code_.jne(leave, Xbyak::CodeGenerator::T_NEAR);
    warp_is_whole_ = true;
  }

  Xbyak::Label& add_exit(std::uint32_t position) {
    exits_.emplace_back();
    exits_.back().position = position;
    exits_.back().rows = rows_.rows_to_store(position);
    return exits_.back().label;
  }

  void compare(const Recipe& recipe, const Instruction& instruction, const Operands& used,
               const Xbyak::Opmask& result) {
    const auto compare_part = [&](int index, const Xbyak::Opmask& mask) {
      Part part(code_, rows_, instruction, used.sources, index, Part::spare());
      recipe.compare(part, mask);
    };
    const auto& low = code_.k1;
    const auto& high = code_.k2;
    if (parts_of(used.sources[0]->width) == 2) {
      compare_part(0, low);
      compare_part(1, high);
    } else {
      compare_part(0, low);
      compare_part(1, high);
      code_.kunpckbw(low, high, low);
      compare_part(2, high);
      compare_part(3, result);
      code_.kunpckbw(high, result, high);
    }
    code_.kunpckwd(result, high, low);
  }

  RunCode& code_;
  Xbyak::Label loop_;
  RunEnd end_;
  std::uint32_t first_;
  const RunLines* lines_;
  const Xbyak::Label* otherwise_;
  Xbyak::Label no_lines_;
  std::span<const Instruction> instructions_;
  std::span<const std::uint32_t> last_reads_;
  RowRegisters rows_;
  AccessGroups groups_;
  bool warp_is_whole_ = false;  // known from here on
  std::deque<Exit> exits_;
  std::size_t start_ = 0;

 public:
  [[nodiscard]] std::size_t start() const { return start_; }
};

PlainAllocator& allocator() {
  static PlainAllocator plain;
  return plain;
}

}  // namespace

RunCode::RunCode(const std::vector<Run>& runs) : CodeGenerator(kFirstBytes, Xbyak::AutoGrow, &allocator()) {
  for (const Run& run : runs) entries_.try_emplace(run.first);
}

std::size_t RunCode::generate(const DecodedKernel& kernel, Run run, const RunLines* lines) {
  Entry& entry = entries_.at(run.first);
  entry.is_defined = true;
  Xbyak::Label without_lines;
  align(16);
  L(lines == nullptr ? entry.label : without_lines);
  RunGenerator plain(*this, kernel, run, nullptr, nullptr);
  plain.generate();
  if (lines == nullptr) return plain.start();
  align(16);
  L(entry.label);
  RunGenerator with_lines(*this, kernel, run, lines, &without_lines);
  with_lines.generate();
  return with_lines.start();
}

void RunCode::finish() {
  for (auto& [position, entry] : entries_) {
    if (entry.is_defined) continue;
    L(entry.label);
  }
  mov(rax, instruction());
  vzeroupper();
  ret();
  ready();
}

void RunCode::make_canonical(Width width, const Xbyak::Zmm& part) {
  constexpr std::uint8_t kUnordered = 3;
  if (width == Width::word) {
    vcmpps(k1, part, part, kUnordered);
    vpblendmd(part | k1, part, constant(&CodeConstants::nan32));
  } else {
    vcmppd(k1, part, part, kUnordered);
    vpblendmq(part | k1, part, constant(&CodeConstants::nan64));
  }
}

}  // namespace vgpu::software
