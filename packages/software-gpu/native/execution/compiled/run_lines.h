// Which values of a run are computed as lines: the addresses of its loads and stores, and what they are made
// of, where it can be expected that they are lines.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include "execution/compiled/run.h"
#include "execution/compiled/shape.h"

namespace vgpu::software {

/// A row that a run takes for a line when it begins.
struct LineInput {
  std::uint32_t offset;
  Width width;
  Shape shape;
  bool is_kept;  // the same in every block: looked at once for a warp instead of each time

  bool operator==(const LineInput&) const = default;
};

struct RunLines {
  std::vector<LineInput> inputs;
  std::vector<Shape> results;  // by position: of what is computed as a line
  std::vector<bool> accesses;  // by position: the address is a line
  bool is_loop = false;        // the branch behind the run leads to its beginning
};

/// Whether a load or store can use an address of this shape.
bool is_line_access(const Instruction& instruction, const Shape& address);

class KernelLines {
 public:
  /// `frame`: some warp's, of the kernel's own function, after the preamble. It only tells what to expect.
  KernelLines(const DecodedKernel& kernel, const std::byte* frame);

  /// Without accesses when lines are of no use.
  [[nodiscard]] RunLines of(Run run) const;

 private:
  using Shapes = std::map<std::uint32_t, Shape>;  // by row

  using Needed = std::map<std::uint32_t, Width>;  // rows that must be lines

  void observe_kept_rows(const std::byte* frame);
  void find_expected_shapes();
  [[nodiscard]] Shape shape_of(const Shapes& written, std::uint32_t offset) const;
  [[nodiscard]] Shape result(const Shapes& written, const Instruction& instruction) const;
  void pass(Shapes& shapes, std::uint32_t position, bool is_guarded) const;
  void pass_all(Shapes& shapes, std::uint32_t begin, std::uint32_t end) const;
  Needed find_needed(Run run, const std::vector<Shapes>& before, RunLines& lines, const Needed& at_end) const;
  [[nodiscard]] std::vector<std::uint32_t> successors(std::uint32_t block) const;
  [[nodiscard]] std::uint32_t block_of(std::uint32_t position) const;

  const DecodedKernel& kernel_;
  std::uint32_t end_;                         // of the kernel's own code
  Shapes kept_;                               // rows that never change
  std::vector<std::uint32_t> blocks_;         // where they begin, and the end
  std::map<std::uint32_t, Shapes> expected_;  // by the beginning of a block
};

}  // namespace vgpu::software
