// The command line of vgpu-executor.
#pragma once

#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

#include "backends/backend.h"
#include "daemon/daemon.h"
#include "worker/tenure.h"

namespace vgpu::executor {

/// The process's exit statuses; part of what the supervisor understands.
enum ExitStatus : int {
  kExitSuccess = 0,
  kExitFailure = 1,
  kExitUsage = 2,
  kExitBackendUnavailable = 3,
  kExitCannotListen = 4,
};

/// The command line is wrong; what() says how.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct Options {
  enum class Action { serve, print_help, print_version };
  Action action = Action::serve;
  DaemonOptions daemon;
  BackendOptions backend;
  std::size_t max_clients = 256;
  TenureLimits tenure;
  std::string token_file;  // empty: none
  bool debug = false;      // also log what is of interest to developers only
};

/// `arguments` without the program's name. Throws UsageError.
Options parse_options(std::span<char* const> arguments);

/// "512M" in bytes; K, M, G and T are powers of 1024. Throws UsageError.
std::size_t parse_bytes(std::string_view option, std::string_view text);

std::string_view help_text();

}  // namespace vgpu::executor
