// vgpu-executor: the daemon that runs CUDA calls for other processes.
#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>

#include "daemon/daemon.h"
#include "options.h"
#include "support/file_descriptor.h"
#include "support/log.h"
#include "support/token.h"
#include "vgpu_protocol.h"
#include "worker/worker.h"

namespace vgpu::executor {
namespace {

void print_version() {
  constexpr std::uint8_t hash[] = VGPU_SCHEMA_HASH;
  printf("vgpu-executor %s (protocol %u, table %02x%02x%02x%02x)\n", VGPU_EXECUTOR_VERSION,
         VGPU_PROTOCOL_VERSION, hash[0], hash[1], hash[2], hash[3]);
}

/// Connections beside the clients that are served.
constexpr std::size_t kOtherConnections = 64;

TableLimits table_limits(const Options& options, const BackendOptions& backend) {
  return {.places = options.max_clients,
          .others = kOtherConnections,
          .memory_bytes = backend.memory_bytes,
          .client_memory_bytes = backend.client_memory_bytes};
}

std::vector<FaultRule> faults_on_purpose(Log& log) {
  const char* text = std::getenv("VGPU_FAULT");  // NOLINT(concurrency-mt-unsafe)
  if (text == nullptr || *text == '\0') return {};
  auto faults = parse_faults(text);
  log.write(Level::warning, std::string("calls fail on purpose: VGPU_FAULT is ") + text);
  return faults;
}

int serve(const Options& options) {
  // Of its own: a worker's stderr may become its client's.
  const FileDescriptor log_descriptor(fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  Log log(log_descriptor.get(), options.debug ? Level::debug : Level::info);
  try {
    // A reader of the log that goes away must not end the daemon.
    if (std::signal(SIGPIPE, SIG_IGN) == SIG_ERR) throw std::runtime_error("cannot ignore SIGPIPE");
    BackendOptions backend = options.backend;
    settle_backend(backend, log);
    ServingOptions serving{.token = {}, .tenure = options.tenure, .faults = faults_on_purpose(log)};
    if (!options.token_file.empty()) serving.token = Token::read(options.token_file);
    ClientTable clients(table_limits(options, backend));
    Daemon daemon(
        options.daemon, clients,
        [&](FileDescriptor client, ClientAccount account) {
          backend.account = account;
          return serve_client(std::move(client), backend, serving, log);
        },
        log);
    daemon.run();
    return kExitSuccess;
  } catch (const BackendUnavailable& error) {
    log.write(Level::error, std::string("ERR_VGPU_BACKEND_UNAVAILABLE: ") + error.what());
    return kExitBackendUnavailable;
  } catch (const FaultSyntaxError& error) {
    /** An option of the daemon makes no sense. @remedy See `vgpu-executor --help`. */
    log.write(Level::error, std::string("ERR_VGPU_EXECUTOR_USAGE: ") + error.what());
    return kExitUsage;
  } catch (const TokenError& error) {
    log.write(Level::error, std::string("ERR_VGPU_EXECUTOR_TOKEN: ") + error.what());
    return kExitUsage;
  } catch (const ListenError& error) {
    /** The daemon cannot listen at an address. @remedy Look who listens there, and whether you may. */
    log.write(Level::error, std::string("ERR_VGPU_EXECUTOR_LISTEN: ") + error.what());
    return kExitCannotListen;
  } catch (const std::exception& error) {
    /** The system refused the daemon something that it needs. @remedy Read the reason in the message. */
    log.write(Level::error, std::string("ERR_VGPU_EXECUTOR_FAILED: ") + error.what());
    return kExitFailure;
  }
}

int run(std::span<char* const> arguments) {
  try {
    const Options options = parse_options(arguments);
    switch (options.action) {
      case Options::Action::print_help:
        fwrite(help_text().data(), 1, help_text().size(), stdout);
        return kExitSuccess;
      case Options::Action::print_version:
        print_version();
        return kExitSuccess;
      case Options::Action::serve:
        return serve(options);
    }
    return kExitFailure;
  } catch (const UsageError& error) {
    fprintf(stderr, "vgpu-executor: ERR_VGPU_EXECUTOR_USAGE: %s\nTry vgpu-executor --help.\n", error.what());
    return kExitUsage;
  } catch (const std::exception& error) {
    fprintf(stderr, "vgpu-executor: ERR_VGPU_EXECUTOR_FAILED: %s\n", error.what());
    return kExitFailure;
  }
}

}  // namespace
}  // namespace vgpu::executor

int main(int argc, char** argv) {
  return vgpu::executor::run(
      std::span<char* const>(argv, static_cast<std::size_t>(argc)).subspan(argc > 0 ? 1 : 0));
}
