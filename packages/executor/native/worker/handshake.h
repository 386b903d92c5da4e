// The first words on a connection.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "backends/backend.h"
#include "support/log.h"
#include "vgpu_protocol.h"
#include "worker/proof.h"
#include "worker/shared_rings.h"

namespace vgpu::executor {

/// A client that connects and says nothing for this long is dropped.
constexpr std::chrono::milliseconds kHelloDeadline{5000};

/// A welcome with everything that it always has.
vgpu_welcome new_welcome();

/// Waits for the client's hello and checks that it speaks this protocol. Without a result the client has been
/// told and the log says why; the connection is to be closed.
std::optional<vgpu_hello> receive_hello(int socket, std::chrono::milliseconds deadline, Log& log);

/// Tells the client what there is, and hands it the shared memory unless that is null. False when it is gone.
bool send_welcome(int socket, Backend& backend, const SharedRings* rings, const Proof& proof, Log& log);

/// Answers VGPU_HELLO_STATUS. False when the client is gone.
bool send_status(int socket, const std::string& report, const Proof& proof, Log& log);

/// Tells the client why there is nothing.
void send_refusal(int socket, CUresult status, const std::string& reason, Log& log);

}  // namespace vgpu::executor
