#include "backends/real/address_window.h"

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <sstream>
#include <string>
#include <system_error>
#include <vector>

namespace vgpu::executor {
namespace {

struct Mapping {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  bool is_stack = false;
};

std::vector<Mapping> mappings_above_window() {
  std::vector<Mapping> found;
  std::ifstream file("/proc/self/maps");
  for (std::string line; std::getline(file, line);) {
    Mapping mapping{.is_stack = line.ends_with("[stack]")};
    std::istringstream fields(line);
    char dash = 0;
    if (!(fields >> std::hex >> mapping.begin >> dash >> mapping.end)) continue;
    const bool kernel = mapping.begin >> 63 != 0;
    if (!kernel && mapping.end > kWindowEnd) found.push_back(mapping);
  }
  if (found.empty()) throw std::system_error(errno, std::generic_category(), "read /proc/self/maps");
  return found;
}

void occupy(std::uint64_t begin, std::uint64_t end) {
  if (begin >= end) return;
  void* wanted = reinterpret_cast<void*>(begin);
  const void* mapped = mmap(wanted, end - begin, PROT_NONE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
  if (mapped == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "occupy addresses");
}

}  // namespace

void keep_to_address_window() {
  std::uint64_t begin = kWindowEnd;
  for (const Mapping& mapping : mappings_above_window()) {
    // The stack grows downwards; the kernel itself puts nothing right below it.
    if (!mapping.is_stack) occupy(begin, mapping.begin);
    begin = std::max(begin, mapping.end);
  }
}

}  // namespace vgpu::executor
