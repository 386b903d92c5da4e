// Profiles as JSON.
#include <cstdio>
#include <initializer_list>
#include <utility>

#include "text.h"
#include "vgpu/software_gpu/profiler.h"

namespace vgpu::software {
namespace {

using Numbers = std::initializer_list<std::pair<const char*, std::uint64_t>>;

/// Members without braces: "name":1,"other":2
std::string members(Numbers numbers) {
  std::string text;
  for (const auto& [name, number] : numbers) {
    text += (text.empty() ? "\"" : ",\"") + std::string(name) + "\":" + std::to_string(number);
  }
  return text;
}

std::string member(const char* name, std::string_view text) {
  return "\"" + std::string(name) + "\":" + json_string(text);
}

std::string json_of(const Dim3& size) {
  return "[" + std::to_string(size.x) + "," + std::to_string(size.y) + "," + std::to_string(size.z) + "]";
}

std::string json_of(const LaunchShape& shape) {
  return "{\"grid\":" + json_of(shape.grid) + ",\"block\":" + json_of(shape.block) + "," +
         members({{"launches", shape.launches}}) + "}";
}

std::string json_of(const InstructionCount& count) {
  return "{" + member("class", count.category) + "," +
         members({{"warpInstructions", count.warp_instructions},
                  {"threadInstructions", count.thread_instructions}}) +
         "}";
}

std::string json_of(const SpaceTraffic& traffic) {
  return "{" + member("space", traffic.space) + "," + member("operation", traffic.operation) + "," +
         members({{"requests", traffic.requests},
                  {"bytes", traffic.bytes},
                  {"sectors", traffic.sectors},
                  {"bankPasses", traffic.passes},
                  {"bankConflicts", traffic.conflicts}}) +
         "}";
}

std::string json_of(const ProfiledLine& line) {
  std::string text = "{" + members({{"ptxLine", line.ptx_line}}) + "," + member("text", line.text) + "," +
                     member("function", line.function);
  if (!line.source_file.empty()) {
    text += "," + member("file", line.source_file) + "," + members({{"line", line.source_line}});
  }
  return text + "," +
         members({{"warpInstructions", line.warp_instructions},
                  {"threadInstructions", line.thread_instructions},
                  {"bytes", line.bytes},
                  {"sectors", line.sectors},
                  {"bankConflicts", line.conflicts},
                  {"divergentBranches", line.divergent_branches}}) +
         "}";
}

template <class T>
std::string json_of(const std::vector<T>& items) {
  std::string text = "[";
  for (const T& item : items) text += (text.size() == 1 ? "" : ",") + json_of(item);
  return text + "]";
}

}  // namespace

std::string to_json(const KernelProfile& profile) {
  return "{" + member("name", profile.name) + "," +
         members({{"launches", profile.launches},
                  {"failed", profile.failed},
                  {"totalNs", profile.total_ns},
                  {"leastNs", profile.least_ns},
                  {"mostNs", profile.most_ns},
                  {"warpInstructions", profile.warp_instructions},
                  {"threadInstructions", profile.thread_instructions},
                  {"branches", profile.branches},
                  {"divergentBranches", profile.divergent_branches}}) +
         ",\"shapes\":" + json_of(profile.shapes) + ",\"instructions\":" + json_of(profile.instructions) +
         ",\"traffic\":" + json_of(profile.traffic) + ",\"lines\":" + json_of(profile.lines) + "}";
}

}  // namespace vgpu::software
