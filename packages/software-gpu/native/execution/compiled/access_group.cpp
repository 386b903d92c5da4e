#include "execution/compiled/access_group.h"

#include <algorithm>

#include "execution/compiled/access_code.h"

namespace vgpu::software {

void AccessGroups::add(std::uint32_t position, const Instruction& load, std::size_t version, bool is_line) {
  const std::int32_t bytes = 4 * words_of_access(load);
  const auto offset = static_cast<std::int32_t>(load.immediate);
  const auto [known, is_new] = open_.try_emplace({load.a, version, is_line}, groups_.size());
  if (is_new) groups_.push_back({.begin = offset, .end = offset + bytes, .alignment = bytes});
  AccessGroup& group = groups_[known->second];
  group.begin = std::min(group.begin, offset);
  group.end = std::max(group.end, offset + bytes);
  group.alignment = std::max(group.alignment, bytes);
  group.has_vectors = group.has_vectors || bytes != 4;
  numbers_[position] = known->second;
}

}  // namespace vgpu::software
