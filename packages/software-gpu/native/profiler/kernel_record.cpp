#include "profiler/kernel_record.h"

#include <algorithm>
#include <array>
#include <map>
#include <utility>

namespace vgpu::software::profiler {
namespace {

constexpr std::array<const char*, kSpaces> kSpaceNames = {"generic", "global", "constant",
                                                          "shared",  "local",  "parameter"};
constexpr std::array<const char*, kKinds> kKindNames = {"load", "store", "atomic"};

std::string trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r";
  const std::size_t begin = text.find_first_not_of(kBlank);
  if (begin == std::string_view::npos) return {};
  return std::string(text.substr(begin, text.find_last_not_of(kBlank) + 1 - begin));
}

/// Fills in the texts of these lines, which are in order, in one pass.
void add_texts(std::string_view ptx, std::vector<ProfiledLine>& lines) {
  std::uint32_t number = 1;
  std::size_t begin = 0;
  for (ProfiledLine& line : lines) {
    for (; number < line.ptx_line && begin < ptx.size(); ++number) {
      begin = std::min(ptx.find('\n', begin), ptx.size() - 1) + 1;
    }
    line.text = trimmed(ptx.substr(begin, ptx.substr(begin).find('\n')));
  }
}

bool same(const Dim3& a, const Dim3& b) {
  return a.x == b.x && a.y == b.y && a.z == b.z;
}

}  // namespace

KernelRecord::KernelRecord(const Launch& launch)
    : mangled_(launch.kernel->name), ptx_lines_(launch.kernel->lines) {
  const DecodedKernel& kernel = *launch.kernel;
  totals_.name = demangled(kernel.name);
  std::map<std::uint32_t, ProfiledLine> lines;
  for (const Instruction& instruction : kernel.code) {
    const CodePlace place = code_place(kernel, instruction);
    ProfiledLine& line = lines[place.ptx_line];
    line.ptx_line = place.ptx_line;
    line.function = demangled(place.function);
    line.source_file = place.source_file;
    line.source_line = place.source_line;
  }
  std::map<std::uint32_t, std::uint32_t> indices;
  for (auto& [number, line] : lines) {
    indices[number] = static_cast<std::uint32_t>(lines_.size());
    lines_.push_back(std::move(line));
  }
  for (std::size_t i = 0; i < kernel.code.size(); ++i) {
    places_.push_back({class_of(kernel.code[i]), indices[kernel.lines[i]]});
  }
  add_texts(launch.ptx, lines_);
  counts_.instructions.resize(kernel.code.size());
}

bool KernelRecord::matches(const Launch& launch) const {
  return mangled_ == launch.kernel->name && ptx_lines_ == launch.kernel->lines;
}

void KernelRecord::add(const Launch& launch, const LaunchCounts& counts, std::chrono::nanoseconds duration,
                       bool failed) {
  const auto nanoseconds = static_cast<std::uint64_t>(duration.count());
  totals_.least_ns = totals_.launches == 0 ? nanoseconds : std::min(totals_.least_ns, nanoseconds);
  totals_.most_ns = std::max(totals_.most_ns, nanoseconds);
  totals_.total_ns += nanoseconds;
  ++totals_.launches;
  if (failed) ++totals_.failed;
  add_shape(launch.configuration);
  counts_.add(counts);
}

void KernelRecord::add_shape(const LaunchConfiguration& configuration) {
  for (LaunchShape& shape : totals_.shapes) {
    if (!same(shape.grid, configuration.grid) || !same(shape.block, configuration.block)) continue;
    ++shape.launches;
    return;
  }
  totals_.shapes.push_back({configuration.grid, configuration.block, 1});
}

KernelProfile KernelRecord::profile() const {
  KernelProfile result = totals_;
  result.branches = counts_.branches;
  std::vector<ProfiledLine> lines = lines_;
  std::array<InstructionCount, static_cast<std::size_t>(InstructionClass::count)> classes;
  for (std::size_t i = 0; i < places_.size(); ++i) {
    const InstructionCounts& counts = counts_.instructions[i];
    InstructionCount& mix = classes[static_cast<std::size_t>(places_[i].instruction_class)];
    mix.warp_instructions += counts.warps;
    mix.thread_instructions += counts.threads;
    ProfiledLine& line = lines[places_[i].line];
    line.warp_instructions += counts.warps;
    line.thread_instructions += counts.threads;
    line.bytes += counts.bytes;
    line.sectors += counts.sectors;
    line.conflicts += counts.conflicts;
    line.divergent_branches += counts.divergent;
    result.warp_instructions += counts.warps;
    result.thread_instructions += counts.threads;
    result.divergent_branches += counts.divergent;
  }
  for (std::size_t i = 0; i < classes.size(); ++i) {
    if (classes[i].warp_instructions == 0) continue;
    classes[i].category = name_of(static_cast<InstructionClass>(i));
    result.instructions.push_back(std::move(classes[i]));
  }
  for (std::size_t space = 0; space < kSpaces; ++space) {
    for (std::size_t kind = 0; kind < kKinds; ++kind) {
      const TrafficCounts& counts = counts_.traffic[space][kind];
      if (counts.requests == 0) continue;
      result.traffic.push_back({kSpaceNames[space], kKindNames[kind], counts.requests, counts.bytes,
                                counts.sectors, counts.passes, counts.conflicts});
    }
  }
  std::erase_if(lines, [](const ProfiledLine& line) { return line.warp_instructions == 0; });
  result.lines = std::move(lines);
  return result;
}

}  // namespace vgpu::software::profiler
