// UTF-8 outside, UTF-16 inside.
#pragma once

#include <string>
#include <string_view>

namespace vgpu::os {

/**
 * The path as Windows' functions take it, absolute; one too long for them gets the `\\?\` prefix that lifts
 * the limit. Throws os::Error for bytes that are not UTF-8, for a NUL inside, and for an empty path.
 */
[[nodiscard]] std::wstring toWide(const std::string& path);

/** Half a surrogate pair, which Windows allows in names, becomes U+FFFD: such a name cannot be opened from
 * here. */
[[nodiscard]] std::string toUtf8(std::wstring_view text);

}  // namespace vgpu::os
