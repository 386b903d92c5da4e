// Where the kernel does not vouch for a client, it and the executor prove to each other that they know the
// token.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>

#include "support/log.h"
#include "support/token.h"
#include "vgpu_protocol.h"

namespace vgpu::executor {

/// What a welcome carries; zero where no token is asked for.
using Proof = std::array<std::uint8_t, VGPU_PROOF_BYTES>;

/// Asks the client for its proof, checks it, and returns the executor's own. Without a result the client has
/// been told and the log says why; the connection is to be closed.
std::optional<Proof> demand_proof(int socket, const vgpu_hello& hello, const Token& token,
                                  std::chrono::milliseconds deadline, Log& log);

}  // namespace vgpu::executor
