// Loads of a run through one value of an address row, with different offsets: how the lanes' addresses lie to
// each other, and that all of them are inside one allocation, is found out once, at the first of the loads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <tuple>
#include <vector>

#include "execution/decoded_kernel.h"

namespace vgpu::software {

struct AccessGroup {
  // Of the bytes that its loads touch: the lowest offset, and the one behind the highest.
  std::int32_t begin = 0;
  std::int32_t end = 0;
  std::int32_t alignment = 0;  // in bytes, the highest that a load needs
  bool has_vectors = false;    // loads of several words
  bool checked = false;        // in the code so far
  bool is_in_loop = false;     // the run is likely to come here again, with the next address
  std::uint32_t stack_offset = 0;
};

/// What the check of a group leaves on the stack for each part of a row: the address of its first lane
/// without offset, and how its other lanes lie to that.
enum class LanePattern : std::int32_t { same, consecutive, any };
struct CheckedPart {
  std::uint64_t first;
  std::int64_t pattern;
};
inline constexpr std::uint32_t kCheckedBytes = 2 * sizeof(CheckedPart);

class AccessGroups {
 public:
  /// `version` counts the values that the address row has had in the run; `is_line`: the load takes it for a
  /// line. In the order of positions.
  void add(std::uint32_t position, const Instruction& load, std::size_t version, bool is_line);
  [[nodiscard]] AccessGroup& at(std::uint32_t position) { return groups_[numbers_.at(position)]; }

 private:
  std::vector<AccessGroup> groups_;
  std::map<std::uint32_t, std::size_t> numbers_;  // by position
  std::map<std::tuple<std::uint32_t, std::size_t, bool>, std::size_t> open_;
};

}  // namespace vgpu::software
