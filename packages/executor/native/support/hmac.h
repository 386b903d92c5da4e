// HMAC with SHA-256 (RFC 2104).
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace vgpu::executor {

std::array<std::uint8_t, 32> hmac_sha256(std::string_view key, std::string_view message);

/// In a time that does not depend on where they differ.
bool same_secret(std::span<const std::uint8_t> one, std::span<const std::uint8_t> other);

}  // namespace vgpu::executor
