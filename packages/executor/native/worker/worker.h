// What happens in the process that serves one client.
#pragma once

#include <optional>

#include "backends/backend.h"
#include "support/file_descriptor.h"
#include "support/log.h"
#include "support/token.h"
#include "worker/fault_injection.h"
#include "worker/tenure.h"

namespace vgpu::executor {

struct ServingOptions {
  std::optional<Token> token;
  TenureLimits tenure;
  /// On purpose, for tests.
  std::vector<FaultRule> faults;
};

/// Serves the client until it leaves, and returns the process's exit status: 0 when the connection ended in
/// order, be it by a refusal. The options' account is the client's. Where the kernel does not vouch for the
/// client, it must know the token, unless there is none.
int serve_client(FileDescriptor socket, BackendOptions options, const ServingOptions& serving, Log& log);

}  // namespace vgpu::executor
