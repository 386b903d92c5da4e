// Receiving from a client that is not trusted yet, never waiting longer than a deadline.
#pragma once

#include <chrono>
#include <cstddef>
#include <span>

namespace vgpu::executor {

enum class Receipt { complete, silence, end };

/// Fills `buffer`, unless the deadline comes first or the client hangs up.
Receipt receive_until(int socket, std::span<std::byte> buffer,
                      std::chrono::steady_clock::time_point deadline);

/// False when the client is gone, or does not read.
bool send_until(int socket, std::span<const std::byte> bytes, std::chrono::steady_clock::time_point deadline);

}  // namespace vgpu::executor
