#include "execution/compiled/run_code.h"

#include <array>
#include <cstddef>
#include <deque>
#include <span>

#include "execution/compiled/access_code.h"
#include "execution/compiled/part.h"
#include "execution/compiled/recipes.h"
#include "execution/compiled/row_registers.h"
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
  RunGenerator(RunCode& code, const DecodedKernel& kernel, Run run)
      : code_(code),
        instructions_(std::span(kernel.code).subspan(run.first, run.length)),
        last_reads_(std::span(kernel.last_reads).subspan(run.first, run.length)),
        rows_(code, run) {
    find_uses();
  }

  void generate() {
    const std::size_t stack_size = generate_entry();
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
      for (std::size_t i = 0; i < used.source_count; ++i) {
        add_read(*used.sources[i], position);
      }
      add_write(*used.destination, position);
    }
  }

  void find_uses_of_access(std::uint32_t position) {
    const Instruction& instruction = instructions_[position];
    add_read(rows_.row(instruction.a, address_width(instruction)), position);
    if (instruction.operation == Operation::st_32_32) {
      add_read(rows_.row(instruction.destination, Width::word), position);
      return;
    }
    groups_.add(position, instruction, rows_.row(instruction.a, address_width(instruction)).writes.size());
    for (int word = 0; word < words_of_access(instruction); ++word) {
      add_write(rows_.row(word_rows(instruction)[static_cast<std::size_t>(word)], Width::word), position);
    }
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

  void generate_exit() {
    const auto length = static_cast<std::uint32_t>(instructions_.size());
    std::vector<RunRow> rows = rows_.rows_to_store(length);
    rows_.make_canonical(rows);
    Xbyak::Label some_lanes;
    code_.cmp(code_.dword[code_.warp() + offsetof(Warp, active)], -1);
    code_.jne(some_lanes, Xbyak::CodeGenerator::T_NEAR);
    rows_.store_whole(rows);
    generate_return(length);
    code_.L(some_lanes);
    rows_.store_active(rows);
    generate_return(length);
    for (Exit& exit : exits_) {
      code_.L(exit.label);
      rows_.make_canonical(exit.rows);
      rows_.store_active(exit.rows);
      generate_return(exit.position);
    }
  }

  /// The warp goes on with the instruction at this position.
  void generate_return(std::uint32_t position) {
    code_.lea(code_.rax, code_.ptr[code_.instruction() + position * sizeof(Instruction)]);
    code_.mov(code_.rsp, code_.r11);
    code_.vzeroupper();
    code_.ret();
  }

  void generate(std::uint32_t position) {
    const Instruction& instruction = instructions_[position];
    const Recipe& recipe = *recipe_for(instruction);
    if (recipe.accesses) {
      generate_access(position);
      return;
    }
    const Operands used = operands(instruction);
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

  void generate_access(std::uint32_t position) {
    const Instruction& instruction = instructions_[position];
    RunRow& address = rows_.row(instruction.a, address_width(instruction));
    rows_.prepare_read(address, position, true);
    if (instruction.operation == Operation::st_32_32) {
      RunRow& words = rows_.row(instruction.destination, Width::word);
      rows_.prepare_read(words, position, true);
      AccessCode store(code_, rows_, instruction, address, add_exit(position));
      check_warp(store);
      store.store(words);
    } else {
      const int count = words_of_access(instruction);
      std::array<std::array<int, 4>, 4> words{};
      for (int word = 0; word < count; ++word) {
        words[static_cast<std::size_t>(word)] = rows_.allocate(Width::word, position);
      }
      AccessGroup& group = groups_.at(position);
      Xbyak::Label unused;
      AccessCode load(code_, rows_, instruction, address, group.checked ? unused : add_exit(position));
      if (!group.checked) {
        check_warp(load);
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

  void check_warp(AccessCode& access) {
    if (!warp_is_whole_) access.leave_unless_whole_warp();
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

RunCode::RunCode() : CodeGenerator(kFirstBytes, Xbyak::AutoGrow, &allocator()) {}

std::size_t RunCode::generate(const DecodedKernel& kernel, Run run) {
  RunGenerator generator(*this, kernel, run);
  generator.generate();
  return generator.start();
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
