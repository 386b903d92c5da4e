// What happens in the process that serves one client.
#pragma once

#include "backends/backend.h"
#include "support/file_descriptor.h"
#include "support/log.h"

namespace vgpu::executor {

/// Serves the client until it leaves, and returns the process's exit status: 0 when the connection ended in
/// order, be it by a refusal. The options' account is the client's.
int serve_client(FileDescriptor socket, const BackendOptions& options, Log& log);

}  // namespace vgpu::executor
