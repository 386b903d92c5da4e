// Findings as JSON.
#include "text.h"
#include "vgpu/software_gpu/memory_checker.h"

namespace vgpu::software {
namespace {

/// Numbers of 64 bits do not survive in JSON readers that know only doubles.
std::string address(std::uint64_t value) {
  return json_string(hexadecimal(value));
}

std::string triple(const std::array<std::uint32_t, 3>& values) {
  return "[" + std::to_string(values[0]) + "," + std::to_string(values[1]) + "," + std::to_string(values[2]) +
         "]";
}

std::string json_of(const FindingPlace& place) {
  std::string text = "{\"kernel\":" + json_string(place.kernel) +
                     ",\"function\":" + json_string(place.function) + ",\"block\":" + triple(place.block) +
                     ",\"thread\":" + triple(place.thread) + ",\"ptxLine\":" + std::to_string(place.ptx_line);
  if (!place.source_file.empty()) {
    text += ",\"file\":" + json_string(place.source_file) + ",\"line\":" + std::to_string(place.source_line);
  }
  if (!place.caller_file.empty()) {
    text += ",\"callerFile\":" + json_string(place.caller_file) +
            ",\"callerLine\":" + std::to_string(place.caller_line);
  }
  return text + "}";
}

std::string json_of(const FindingAccess& access) {
  return "{\"operation\":" + json_string(access.operation) + ",\"space\":" + json_string(access.space) +
         ",\"bytes\":" + std::to_string(access.bytes) + ",\"address\":" + address(access.address) + "}";
}

std::string json_of(const FindingAllocation& allocation) {
  std::string text = "{\"address\":" + address(allocation.base) +
                     ",\"bytes\":" + std::to_string(allocation.bytes) +
                     ",\"position\":" + json_string(allocation.position) +
                     ",\"distance\":" + std::to_string(allocation.distance);
  if (!allocation.freed.empty()) text += ",\"freed\":" + json_string(allocation.freed);
  return text + "}";
}

}  // namespace

std::string to_json(const Finding& finding) {
  std::string text = "{\"check\":" + json_string(finding.check) + ",\"kind\":" + json_string(finding.kind) +
                     ",\"severity\":" + (finding.is_error ? "\"error\"" : "\"info\"") +
                     ",\"count\":" + std::to_string(finding.count) +
                     ",\"message\":" + json_string(finding.message);
  if (finding.place) text += ",\"place\":" + json_of(*finding.place);
  if (finding.other) text += ",\"other\":" + json_of(*finding.other);
  if (finding.access) text += ",\"access\":" + json_of(*finding.access);
  if (finding.allocation) text += ",\"allocation\":" + json_of(*finding.allocation);
  return text + "}";
}

}  // namespace vgpu::software
