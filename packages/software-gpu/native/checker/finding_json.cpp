// Findings as JSON.
#include <cstdio>

#include "vgpu/software_gpu/memory_checker.h"

namespace vgpu::software {
namespace {

/// RFC 8259, section 7. Bytes above 127 pass as they are: names are UTF-8.
std::string quoted(std::string_view text) {
  std::string result = "\"";
  for (const char character : text) {
    if (character == '"' || character == '\\') {
      result += '\\';
      result += character;
    } else if (static_cast<unsigned char>(character) < 0x20) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned>(character));
      result += escape;
    } else {
      result += character;
    }
  }
  return result + '"';
}

/// Numbers of 64 bits do not survive in JSON readers that know only doubles.
std::string address(std::uint64_t value) {
  char text[24];
  std::snprintf(text, sizeof text, "\"0x%llx\"", static_cast<unsigned long long>(value));
  return text;
}

std::string triple(const std::array<std::uint32_t, 3>& values) {
  return "[" + std::to_string(values[0]) + "," + std::to_string(values[1]) + "," + std::to_string(values[2]) +
         "]";
}

std::string json_of(const FindingPlace& place) {
  std::string text = "{\"kernel\":" + quoted(place.kernel) + ",\"function\":" + quoted(place.function) +
                     ",\"block\":" + triple(place.block) + ",\"thread\":" + triple(place.thread) +
                     ",\"ptxLine\":" + std::to_string(place.ptx_line);
  if (!place.source_file.empty()) {
    text += ",\"file\":" + quoted(place.source_file) + ",\"line\":" + std::to_string(place.source_line);
  }
  if (!place.caller_file.empty()) {
    text += ",\"callerFile\":" + quoted(place.caller_file) +
            ",\"callerLine\":" + std::to_string(place.caller_line);
  }
  return text + "}";
}

std::string json_of(const FindingAccess& access) {
  return "{\"operation\":" + quoted(access.operation) + ",\"space\":" + quoted(access.space) +
         ",\"bytes\":" + std::to_string(access.bytes) + ",\"address\":" + address(access.address) + "}";
}

std::string json_of(const FindingAllocation& allocation) {
  std::string text =
      "{\"address\":" + address(allocation.base) + ",\"bytes\":" + std::to_string(allocation.bytes) +
      ",\"position\":" + quoted(allocation.position) + ",\"distance\":" + std::to_string(allocation.distance);
  if (!allocation.freed.empty()) text += ",\"freed\":" + quoted(allocation.freed);
  return text + "}";
}

}  // namespace

std::string to_json(const Finding& finding) {
  std::string text = "{\"check\":" + quoted(finding.check) + ",\"kind\":" + quoted(finding.kind) +
                     ",\"severity\":" + (finding.is_error ? "\"error\"" : "\"info\"") +
                     ",\"count\":" + std::to_string(finding.count) +
                     ",\"message\":" + quoted(finding.message);
  if (finding.place) text += ",\"place\":" + json_of(*finding.place);
  if (finding.other) text += ",\"other\":" + json_of(*finding.other);
  if (finding.access) text += ",\"access\":" + json_of(*finding.access);
  if (finding.allocation) text += ",\"allocation\":" + json_of(*finding.allocation);
  return text + "}";
}

}  // namespace vgpu::software
