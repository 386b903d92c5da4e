#include "support/machine.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <limits>
#include <optional>

#include "support/sha256.h"

namespace vgpu::executor {
namespace {

std::string first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

/// The value of the first line "key<tabs>: value" of /proc/cpuinfo.
std::string processor_field(std::string_view key) {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const std::size_t colon = line.find(": ");
    if (colon != std::string::npos && line.starts_with(key) &&
        line.find_first_not_of(" \t", key.size()) == colon) {
      return line.substr(colon + 2);
    }
  }
  return {};
}

/// Empty for "max", which stands for no limit, and for a missing file.
std::optional<std::size_t> number_in(const std::string& path) {
  const std::string line = first_line(path);
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), value);
  return error == std::errc() && end == line.data() + line.size() ? std::optional(value) : std::nullopt;
}

/// The folder of this process's control group in the unified hierarchy, or of its memory controller in the
/// old one.
struct ControlGroup {
  std::string root;
  std::string path;
  std::string limit_file;
};

std::optional<ControlGroup> control_group() {
  std::ifstream file("/proc/self/cgroup");
  std::optional<ControlGroup> unified;
  for (std::string line; std::getline(file, line);) {
    const std::size_t path = line.find(':', line.find(':') + 1) + 1;
    if (line.find(":memory:") != std::string::npos) {
      return ControlGroup{"/sys/fs/cgroup/memory", line.substr(path), "memory.limit_in_bytes"};
    }
    if (line.starts_with("0::")) unified = {"/sys/fs/cgroup", line.substr(path), "memory.max"};
  }
  return unified;
}

/// The tightest limit from the group up to the root: each level binds those below it. In a container the path
/// may name a group outside what is mounted, and then the walk ends at the container's own root.
std::size_t control_group_limit() {
  std::size_t limit = std::numeric_limits<std::size_t>::max();
  const auto group = control_group();
  if (!group) return limit;
  for (std::string path = group->path;; path.resize(path.find_last_of('/'))) {
    const std::string folder = group->root + (path == "/" ? "" : path);
    if (const auto bytes = number_in(folder + "/" + group->limit_file)) limit = std::min(limit, *bytes);
    if (path.find('/') == std::string::npos) return limit;
  }
}

}  // namespace

std::string processor_model() {
  return processor_field("model name");
}

std::size_t usable_memory_bytes() {
  const long pages = sysconf(_SC_PHYS_PAGES);
  const long page = sysconf(_SC_PAGESIZE);
  const std::size_t physical =
      pages > 0 && page > 0 ? static_cast<std::size_t>(pages) * static_cast<std::size_t>(page) : 0;
  return std::min(physical, control_group_limit());
}

std::array<std::uint8_t, 16> device_uuid(std::string_view device) {
  // The machine's identity is confidential and must not be readable from what clients get to see: only a hash
  // is.
  const auto digest = sha256("vgpu " + std::string(device) + " " + first_line("/etc/machine-id"));
  std::array<std::uint8_t, 16> uuid{};
  std::copy_n(digest.begin(), uuid.size(), uuid.begin());
  uuid[6] = static_cast<std::uint8_t>((uuid[6] & 0x0f) | 0x80);  // version 8: made by a rule of our own
  uuid[8] = static_cast<std::uint8_t>((uuid[8] & 0x3f) | 0x80);  // the variant of RFC 9562
  return uuid;
}

}  // namespace vgpu::executor
