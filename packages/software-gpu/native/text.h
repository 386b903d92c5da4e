// Values as messages and JSON show them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace vgpu::software {

/// 0x2a
std::string hexadecimal(std::uint64_t value);

/// A string of RFC 8259, section 7, with its quotation marks. Bytes above 127 pass as they are: PTX is ASCII,
/// names are UTF-8.
std::string json_string(std::string_view text);

}  // namespace vgpu::software
