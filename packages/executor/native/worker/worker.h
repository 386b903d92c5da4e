// What happens in the process that serves one client.
#pragma once

#include <optional>
#include <string>

#include "backends/backend.h"
#include "support/file_descriptor.h"
#include "support/log.h"

namespace vgpu::executor {

/// Serves the client until it leaves, and returns the process's exit status: 0 when the connection ended in
/// order, be it by a refusal. With a `refusal` the client is told so and nothing else.
int serve_client(FileDescriptor socket, const BackendOptions& options,
                 const std::optional<std::string>& refusal, Log& log);

}  // namespace vgpu::executor
