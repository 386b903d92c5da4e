// Asking a driver that may hang, die, or be something else; finding it; keeping to the addresses that are
// free.
#include <sys/mman.h>
#include <sys/wait.h>

#include <cstdlib>
#include <cstring>
#include <thread>

#include "backends/real/address_window.h"
#include "backends/real/loader_cache.h"
#include "backends/real/module_image.h"
#include "real_backend_fixture.h"
#include "support.h"

using namespace vgpu::executor;
using namespace vgpu::executor::test;

namespace {

/// VGPU_RECORDING_RULES for the driver in the child process.
class Rules {
 public:
  explicit Rules(const char* rules) {
    setenv("VGPU_RECORDING_RULES", rules, 1);
    recording().reset();
  }
  ~Rules() {
    unsetenv("VGPU_RECORDING_RULES");
    recording().reset();
  }
  Rules(const Rules&) = delete;
  Rules& operator=(const Rules&) = delete;
};

std::string why_not(const DriverChoice& choice,
                    std::chrono::milliseconds deadline = std::chrono::seconds(20)) {
  try {
    static_cast<void>(probe_driver(choice, deadline));
    return "it works";
  } catch (const BackendUnavailable& error) {
    return error.what();
  }
}

std::string why_not_with(const char* rules, std::chrono::milliseconds deadline = std::chrono::seconds(20)) {
  const Rules set(rules);
  return why_not({.path = recording_driver_path()}, deadline);
}

BackendOptions settled(BackendOptions options, std::string& text) {
  CapturedLog captured;
  Log log(captured.descriptor());
  settle_backend(options, log);
  text = captured.text();
  return options;
}

}  // namespace

TEST_CASE("a driver that answers is described by a child process") {
  recording().reset();
  const DriverSnapshot snapshot = probe_driver({.path = recording_driver_path()}, std::chrono::seconds(20));
  CHECK(std::string(snapshot.device.name) == "Recording device 40");
  CHECK_MESSAGE(std::string(recording().calls()).empty(), "this process has not called it");
}

TEST_CASE("a driver that does not work: why, and in time") {
  CHECK(why_not_with("cuInit=100") == "the driver's cuInit gives 100");
  CHECK(why_not_with("cuDeviceGetCount=none") == "the driver has no device");
  CHECK(why_not_with("cuDeviceTotalMem_v2=exit") == "the driver ended the process that asked it");
  const auto start = std::chrono::steady_clock::now();
  CHECK(why_not_with("cuInit=hang", std::chrono::milliseconds(300)) ==
        "the driver does not answer within 300 ms");
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(5));
}

TEST_CASE("what is no driver is not taken for one") {
  CHECK(why_not({.path = "libcuda.so.1"}).find("must be absolute") != std::string::npos);
  CHECK(why_not({.path = "/nowhere/libcuda.so.1"}).find("cannot be opened") != std::string::npos);
  const std::string libc = find_in_loader_cache(read_loader_cache(), "libc.so.6");
  REQUIRE_FALSE(libc.empty());
  CHECK(why_not({.path = libc}).find("no CUDA driver") != std::string::npos);
}

TEST_CASE("auto takes a driver that answers, and says why where none does") {
  std::string text;
  BackendOptions wanted{.driver = {.path = recording_driver_path()}};
  recording().reset();
  const BackendOptions real = settled(wanted, text);
  CHECK(real.kind == BackendKind::real);
  CHECK_MESSAGE(real.memory_bytes == 0, "no limit but the device's");
  CHECK_MESSAGE(text.find("Recording device 40, driver") != std::string::npos, text);
  CHECK_MESSAGE(text.find("(CUDA 13.0)") != std::string::npos, text);
  CHECK_MESSAGE(text.find("kernels can read and write all memory") != std::string::npos,
                "this driver says that they reach pageable memory");
  {
    const Rules set("cuInit=999");
    const BackendOptions software = settled(wanted, text);
    CHECK(software.kind == BackendKind::software);
    CHECK_MESSAGE(software.memory_bytes >= 1 << 20, "a share of this machine's memory");
    CHECK(text.find("cuInit gives 999") != std::string::npos);
    wanted.kind = BackendKind::real;
    CHECK_THROWS_AS(settled(wanted, text), BackendUnavailable);
  }
  wanted.kind = BackendKind::software;
  CHECK(settled(wanted, text).kind == BackendKind::software);
}

TEST_CASE("a share of a real device is refused, not forgotten") {
  std::string text;
  recording().reset();
  for (const BackendKind kind : {BackendKind::automatic, BackendKind::real}) {
    const BackendOptions wanted{
        .kind = kind, .client_fraction = 0.5, .driver = {.path = recording_driver_path()}};
    CHECK_THROWS_WITH_AS(settled(wanted, text),
                         doctest::Contains("--client-fraction needs the software backend"),
                         BackendUnavailable);
  }
  const BackendOptions software{.kind = BackendKind::software, .client_fraction = 0.5};
  CHECK(settled(software, text).kind == BackendKind::software);
}

TEST_CASE("the loader's cache, whole and damaged") {
  const auto cache = read_loader_cache();
  CHECK(find_in_loader_cache(cache, "libc.so.6").starts_with("/"));
  CHECK(find_in_loader_cache(cache, "libnothing.so.1").empty());
  CHECK(find_in_loader_cache({}, "libc.so.6").empty());
  for (std::size_t length = 0; length < std::min<std::size_t>(cache.size(), 600); ++length) {
    CHECK(find_in_loader_cache(std::span(cache).first(length), "libnothing.so.1").empty());
  }
  auto damaged = cache;
  for (std::size_t i = 28; i < std::min<std::size_t>(damaged.size(), 400); ++i) {
    damaged[i] = std::byte{0xff};
    CHECK_NOTHROW(static_cast<void>(find_in_loader_cache(damaged, "libc.so.6")));
  }
}

TEST_CASE("a process that keeps to the window maps nothing above it, and lives") {
  const pid_t child = fork();
  if (child == 0) {
    keep_to_address_window();
    for (int i = 0; i < 100; ++i) {
      const void* mapped =
          mmap(nullptr, 64 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
      if (mapped == MAP_FAILED || !in_address_window(reinterpret_cast<std::uint64_t>(mapped))) _exit(1);
    }
    int ran = 0;
    std::thread([&ran] { ran = 1; }).join();
    std::vector<char> large(32 << 20, 1);
    _exit(ran == 1 && large.back() == 1 ? 0 : 2);
  }
  REQUIRE(child > 0);
  int status = -1;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(status == 0);
}

TEST_CASE("module images whose headers claim more than was sent") {
  const auto check = [](std::string_view image) -> int {
    try {
      return checked_image(std::as_bytes(std::span(image))).size() > image.size() ? 0 : -1;
    } catch (const CallError& error) {
      return error.result();
    }
  };
  std::string fat(
      "\x50\xed\x55\xba\x01\x00\x10\x00\x04\x00\x00\x00\x00\x00\x00\x00"
      "1234",
      20);
  CHECK(check(fat) == 0);
  CHECK(check(fat.substr(0, 19)) == CUDA_ERROR_INVALID_IMAGE);
  CHECK(check(fat.substr(0, 10)) == CUDA_ERROR_INVALID_IMAGE);
  fat[15] = '\xff';
  CHECK(check(fat) == CUDA_ERROR_INVALID_IMAGE);
  CHECK(check("") == CUDA_ERROR_INVALID_IMAGE);
  CHECK(check("\x7f"
              "ELF") == CUDA_ERROR_INVALID_IMAGE);
  CHECK(check(std::string("\x7f"
                          "ELF\x02") +
              std::string(59, '\xff')) == CUDA_ERROR_INVALID_IMAGE);
  CHECK_MESSAGE(check(".version 7.0 without an end") == 0, "the driver finds a NUL behind it");
}
