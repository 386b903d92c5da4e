#include "options.h"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <optional>
#include <thread>
#include <utility>

namespace vgpu::executor {
namespace {

// Beyond this the address space of a process ends.
constexpr std::size_t kMaximumMemory = std::size_t{64} << 40;
constexpr std::size_t kMinimumMemory = std::size_t{1} << 20;
constexpr std::uint64_t kMaximumThreads = 4096;
constexpr std::uint64_t kMaximumClients = 65536;
constexpr std::uint64_t kMaximumFindings = 1'000'000;
// A year: more is no limit, and says so with 0.
constexpr std::uint64_t kMaximumSeconds = 31'536'000;

std::uint64_t parse_number(std::string_view option, std::string_view text, std::uint64_t least,
                           std::uint64_t most) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && end == text.data() + text.size() && value >= least && value <= most)
    return value;
  throw UsageError(std::string(option) + " needs a whole number from " + std::to_string(least) + " to " +
                   std::to_string(most) + ", not \"" + std::string(text) + "\"");
}

double parse_fraction(std::string_view option, std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && end == text.data() + text.size() && value > 0 && value <= 1) return value;
  throw UsageError(std::string(option) + " needs a number above 0 and up to 1, such as 0.25, not \"" +
                   std::string(text) + "\"");
}

int parse_descriptor(std::string_view option, std::string_view text) {
  const int number = static_cast<int>(
      parse_number(option, text, 0, static_cast<std::uint64_t>(std::numeric_limits<int>::max())));
  if (fcntl(number, F_GETFD) >= 0) return number;
  throw UsageError(std::string(option) + ": file descriptor " + std::string(text) + " is not open");
}

Address parse_address(std::string_view option, std::string_view url) {
  try {
    return Address::parse(url);
  } catch (const AddressError& error) {
    throw UsageError(std::string(option) + ": " + error.what());
  }
}

template <typename Value, std::size_t Count>
Value parse_choice(std::string_view option, std::string_view text,
                   const std::array<std::pair<std::string_view, Value>, Count>& choices) {
  std::string names;
  for (const auto& [name, value] : choices) {
    if (text == name) return value;
    names += (names.empty() ? "" : ", ") + std::string(name);
  }
  throw UsageError(std::string(option) + " is one of " + names + ", not \"" + std::string(text) + "\"");
}

constexpr std::array<std::pair<std::string_view, BackendKind>, 3> kBackends = {{
    {"auto", BackendKind::automatic},
    {"real", BackendKind::real},
    {"software", BackendKind::software},
}};

constexpr std::array<std::pair<std::string_view, CompiledCodeChoice>, 3> kCompiledCode = {{
    {"auto", CompiledCodeChoice::automatic},
    {"never", CompiledCodeChoice::never},
    {"always", CompiledCodeChoice::always},
}};

constexpr std::array<std::pair<std::string_view, VectorPathChoice>, 4> kVectorPaths = {{
    {"auto", VectorPathChoice::automatic},
    {"portable", VectorPathChoice::portable},
    {"avx2", VectorPathChoice::avx2},
    {"avx512", VectorPathChoice::avx512},
}};

constexpr std::array<std::pair<std::string_view, BlasChoice>, 2> kBlas = {{
    {"auto", BlasChoice::automatic},
    {"own", BlasChoice::own},
}};
/// "memory,race": any of the four, or all.
void parse_checks(std::string_view text, CheckOptions& check) {
  for (std::size_t begin = 0, end = 0; end != text.size(); begin = end + 1) {
    end = std::min(text.find(',', begin), text.size());
    const std::string_view name = text.substr(begin, end - begin);
    const bool all = name == "all";
    if (!all && name != "memory" && name != "race" && name != "init" && name != "sync") {
      throw UsageError("--check takes memory, race, init, sync or all, with commas between them, not \"" +
                       std::string(text) + "\"");
    }
    check.memory |= all || name == "memory";
    check.races |= all || name == "race";
    check.initialization |= all || name == "init";
    check.synchronization |= all || name == "sync";
  }
}

/// An absolute path: the daemon's own folder is not the user's.
std::string parse_path(std::string_view option, std::string_view text) {
  if (text.starts_with('/')) return std::string(text);
  throw UsageError(std::string(option) + " needs an absolute path, not \"" + std::string(text) + "\"");
}

/// False when there is no option of that name.
bool apply(Options& options, std::string_view name, std::string_view value) {
  if (name == "--listen") {
    options.daemon.addresses.push_back(parse_address(name, value));
  } else if (name == "--token-file") {
    options.token_file = value;
  } else if (name == "--backend") {
    options.backend.kind = parse_choice(name, value, kBackends);
  } else if (name == "--memory") {
    options.backend.memory_bytes = parse_bytes(name, value);
  } else if (name == "--client-memory") {
    options.backend.client_memory_bytes = parse_bytes(name, value);
  } else if (name == "--client-fraction") {
    options.backend.client_fraction = parse_fraction(name, value);
  } else if (name == "--idle-limit") {
    options.tenure.idle = std::chrono::seconds(parse_number(name, value, 0, kMaximumSeconds));
  } else if (name == "--client-lifetime") {
    options.tenure.lifetime = std::chrono::seconds(parse_number(name, value, 0, kMaximumSeconds));
  } else if (name == "--threads") {
    options.backend.threads = static_cast<unsigned>(parse_number(name, value, 1, kMaximumThreads));
  } else if (name == "--kernel-timeout") {
    options.backend.kernel_time_limit = std::chrono::seconds(parse_number(name, value, 0, kMaximumSeconds));
  } else if (name == "--compiled-code") {
    options.backend.compiled_code = parse_choice(name, value, kCompiledCode);
  } else if (name == "--vector-path") {
    options.backend.vector_path = parse_choice(name, value, kVectorPaths);
  } else if (name == "--driver") {
    options.backend.driver.path = parse_path(name, value);
  } else if (name == "--cublas") {
    options.backend.cublas_path = parse_path(name, value);
  } else if (name == "--blas") {
    options.backend.blas = parse_choice(name, value, kBlas);
  } else if (name == "--check") {
    parse_checks(value, options.backend.check);
  } else if (name == "--profile") {
    options.backend.profile_path = parse_path(name, value);
  } else if (name == "--check-report") {
    options.backend.check.report_path = parse_path(name, value);
  } else if (name == "--check-limit") {
    options.backend.check.most_findings = parse_number(name, value, 1, kMaximumFindings);
  } else if (name == "--max-clients") {
    options.max_clients = parse_number(name, value, 1, kMaximumClients);
  } else if (name == "--ready-fd") {
    options.daemon.ready_fd = parse_descriptor(name, value);
  } else if (name == "--parent-fd") {
    options.daemon.parent_fd = parse_descriptor(name, value);
  } else {
    return false;
  }
  return true;
}

/// The option without a value that has this name; null when there is none.
bool* flag_of(Options& options, std::string_view name) {
  if (name == "--debug") return &options.debug;
  if (name == "--own-folder") return &options.daemon.own_folder;
  if (name == "--allow-guest-driver") return &options.backend.driver.allow_guest;
  return nullptr;
}

/// A share of the device is a share of the threads that run its kernels.
void apply_fraction(Options& options) {
  if (options.backend.client_fraction == 1) return;
  const unsigned all =
      options.backend.threads != 0 ? options.backend.threads : std::thread::hardware_concurrency();
  options.backend.threads = std::max(1U, static_cast<unsigned>(all * options.backend.client_fraction));
}

void complete(Options& options) {
  apply_fraction(options);
  if (options.daemon.addresses.empty()) throw UsageError("--listen URL is missing");
  if (options.backend.check.any() == options.backend.check.report_path.empty()) {
    throw UsageError("--check and --check-report need each other");
  }
  if (options.backend.check.any() && !options.backend.profile_path.empty()) {
    throw UsageError("--check and --profile exclude each other");
  }
  for (const Address& address : options.daemon.addresses) {
    if (address.is_local() || !options.token_file.empty()) continue;
    throw UsageError("--listen " + address.url() + " would let other machines in: it needs a --token-file");
  }
}

}  // namespace

std::size_t parse_bytes(std::string_view option, std::string_view text) {
  constexpr std::string_view kUnits = "KMGT";
  std::string_view digits = text;
  unsigned shift = 0;
  if (const auto unit = text.empty() ? std::string_view::npos : kUnits.find(text.back());
      unit != std::string_view::npos) {
    shift = 10 * static_cast<unsigned>(unit + 1);
    digits.remove_suffix(1);
  }
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  const bool whole = error == std::errc() && end == digits.data() + digits.size();
  if (!whole || value > kMaximumMemory >> shift || value << shift < kMinimumMemory) {
    throw UsageError(std::string(option) + " needs a size from 1M to 64T, such as 512M or 8G, not \"" +
                     std::string(text) + "\"");
  }
  return value << shift;
}

Options parse_options(std::span<char* const> arguments) {
  Options options;
  options.backend.kernel_time_limit = std::chrono::seconds(600);
  while (!arguments.empty()) {
    std::string_view name = arguments.front();
    arguments = arguments.subspan(1);
    if (name == "--help" || name == "--version") {
      options.action = name == "--help" ? Options::Action::print_help : Options::Action::print_version;
      return options;
    }
    if (bool* flag = flag_of(options, name)) {
      *flag = true;
      continue;
    }
    std::optional<std::string_view> value;
    if (const std::size_t equals = name.find('='); equals != std::string_view::npos) {
      value = name.substr(equals + 1);
      name = name.substr(0, equals);
    } else if (!arguments.empty()) {
      value = arguments.front();
      arguments = arguments.subspan(1);
    }
    if (!value) throw UsageError(std::string(name) + " is unknown or needs a value");
    if (!apply(options, name, *value)) throw UsageError("unknown option " + std::string(name));
  }
  complete(options);
  return options;
}

std::string_view help_text() {
  return R"(usage: vgpu-executor --listen URL [OPTIONS]

Serves a GPU to CUDA programs that run with the vgpu guest library.

  --listen URL              where to listen, may be given several times: unix:/path, tcp:host:port,
                            tcp:[ipv6]:port, vsock:any:port; a host is a numeric address or localhost
  --token-file FILE         clients over TCP and vsock must know the secret in this file, at least 16 bytes;
                            without one only programs of this machine can connect
  --backend KIND            auto (default), real, or software
  --driver PATH             the driver's library (default: the installed libcuda.so.1)
  --cublas PATH             the real backend's cuBLAS (default: the installed libcublas.so.13 or .12)
  --allow-guest-driver      driver and cuBLAS may be vgpu's guest library, whose executor then does the work
  --memory SIZE             memory of the software GPU, e.g. 512M or 8G (default: half of this machine's), or
                            what all clients may have of the real one (default: all of it)
  --client-memory SIZE      what each client may take of it (default: all that others have not taken)
  --client-fraction F       share of the software GPU's threads that the kernels of each client may use, e.g.
                            0.25, rounded down to whole threads and at least one (default: 1)
  --idle-limit SECONDS      a client that asks for nothing for so long is ended (default: 0: never)
  --client-lifetime SECONDS a client that is connected for so long is ended (default: 0: never)
  --threads N               threads of the software GPU (default: one per core)
  --kernel-timeout SECONDS  a kernel of the software GPU that runs for longer is stopped (default: 600; 0: never)
  --check CHECKS            memory, race, init, sync, with commas between them, or all: look for mistakes in the
                            kernels of the software GPU, which makes it many times slower
  --check-report FILE       what is found, as lines of JSON that are appended
  --check-limit N           findings kept for each client (default: 1000)
  --profile FILE            count what the kernels of the software GPU do; their profiles are appended to FILE as
                            lines of JSON, which makes kernels several times slower
  --vector-path PATH        auto (default), portable, avx2, or avx512
  --compiled-code WHEN      compile straight-line code of kernels: auto (default: of those that run for long,
                            where the processor has AVX-512), never, or always
  --blas CHOICE             auto (default: OpenBLAS where it is installed and knows this processor), or own
  --max-clients N           clients at a time (default: 256)
  --ready-fd N              file descriptor that "ready" is written to once the socket listens
  --parent-fd N             stop when the other end of this file descriptor is closed
  --own-folder              remove the first unix socket's folder too when stopping
  --debug                   log more
  --version, --help

Exit status: 0 stopped as asked, 1 failed, 2 wrong command line, 3 backend unavailable, 4 cannot listen.
)";
}

}  // namespace vgpu::executor
