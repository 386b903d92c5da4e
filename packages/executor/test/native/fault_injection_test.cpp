#include "worker/fault_injection.h"

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>

#include "vgpu_protocol.h"
#include "worker/payload.h"

using namespace vgpu::executor;

namespace {

/// What one call gives, made with a request that begins with these two.
std::optional<CUresult> ask(FaultInjector& faults, std::uint32_t call, std::uint64_t first = 0) {
  PayloadWriter request;
  request.write(first);
  const auto fault = faults.before(call, 7, request.written());
  return fault ? std::optional(fault->result) : std::nullopt;
}

std::string no_name(std::uint64_t /*context*/, std::uint64_t /*function*/) {
  return "";
}

}  // namespace

TEST_CASE("faults on purpose: one call of a client, or all") {
  const auto rules = parse_faults("oom@alloc:3,46@sync");
  FaultInjector faults(rules, no_name);
  CHECK_FALSE(ask(faults, VGPU_CALL_cuMemAlloc_v2));
  CHECK_FALSE(ask(faults, VGPU_CALL_vgpuMemAllocAsync));
  CHECK(ask(faults, VGPU_CALL_cuMemAlloc_v2) == CUDA_ERROR_OUT_OF_MEMORY);
  CHECK_FALSE(ask(faults, VGPU_CALL_cuMemAlloc_v2));
  for (int i = 0; i < 3; ++i) {
    CHECK(ask(faults, VGPU_CALL_cuStreamSynchronize) == CUDA_ERROR_DEVICE_UNAVAILABLE);
  }
  CHECK_FALSE(ask(faults, VGPU_CALL_cuEventCreate));

  // Another client begins at 1.
  FaultInjector other(rules, no_name);
  CHECK_FALSE(ask(other, VGPU_CALL_cuMemAlloc_v2));
}

TEST_CASE("faults on purpose: a call that fails by one rule counts for the others") {
  const auto rules = parse_faults("oom@alloc:1,46@alloc:3,oom@alloc:1");
  FaultInjector faults(rules, no_name);
  CHECK(ask(faults, VGPU_CALL_cuMemAlloc_v2) == CUDA_ERROR_OUT_OF_MEMORY);
  CHECK_FALSE(ask(faults, VGPU_CALL_cuMemAlloc_v2));
  CHECK(ask(faults, VGPU_CALL_cuMemAlloc_v2) == CUDA_ERROR_DEVICE_UNAVAILABLE);
}

TEST_CASE("faults on purpose: kernels by their names") {
  const auto rules = parse_faults("700@launch:sort*");
  FaultInjector faults(rules, [](std::uint64_t context, std::uint64_t function) -> std::string {
    CHECK(context == 7);
    return function == 11 ? "sort_count_u32" : function == 12 ? "resort" : "";
  });
  CHECK(ask(faults, VGPU_CALL_vgpuLaunchKernel, 11) == CUDA_ERROR_ILLEGAL_ADDRESS);
  CHECK_FALSE(ask(faults, VGPU_CALL_vgpuLaunchKernel, 12));
  CHECK_FALSE(ask(faults, VGPU_CALL_vgpuLaunchKernel, 13));
}

TEST_CASE("faults on purpose: an Xid is what the device logs beside an unknown error") {
  const auto rules = parse_faults("xid79@launch,700@sync");
  FaultInjector faults(rules, no_name);
  const auto lost = faults.before(VGPU_CALL_vgpuLaunchKernel, 7, std::array<std::byte, 8>{});
  REQUIRE(lost);
  CHECK(lost->result == CUDA_ERROR_UNKNOWN);
  CHECK(lost->xid == 79);
  const auto dead = faults.before(VGPU_CALL_cuCtxSynchronize, 7, {});
  REQUIRE(dead);
  CHECK(dead->xid == 0);
}

TEST_CASE("faults on purpose: every point has its calls") {
  const std::pair<const char*, std::uint32_t> calls[] = {
      {"probe", VGPU_CALL_cuDevicePrimaryCtxRetain}, {"alloc", VGPU_CALL_cuMemAlloc_v2},
      {"copy-in", VGPU_CALL_vgpuCopyToDevice},       {"launch", VGPU_CALL_vgpuLaunchKernel},
      {"sync", VGPU_CALL_cuCtxSynchronize},          {"copy-out", VGPU_CALL_vgpuCopyFromDevice},
  };
  for (const auto& [point, call] : calls) {
    const auto rules = parse_faults(std::string("999@") + point);
    FaultInjector faults(rules, no_name);
    for (const auto& other : calls) {
      CAPTURE(other.second);
      CHECK(ask(faults, other.second).has_value() == (other.second == call));
    }
  }
}

TEST_CASE("faults on purpose: the executor dies") {
  const auto rules = parse_faults("executor-crash@sync");
  const pid_t executor = fork();
  REQUIRE(executor >= 0);
  if (executor == 0) {
    const pid_t worker = fork();
    if (worker == 0) {
      // The test framework's own handler would report a crash.
      if (std::signal(SIGABRT, SIG_DFL) == SIG_ERR) _exit(1);
      FaultInjector(rules, no_name).before(VGPU_CALL_cuCtxSynchronize, 7, {});
      _exit(1);
    }
    int status = 0;
    _exit(waitpid(worker, &status, 0) == worker ? 0 : 1);
  }
  int status = 0;
  REQUIRE(waitpid(executor, &status, 0) == executor);
  CHECK(WIFSIGNALED(status));
  CHECK(WTERMSIG(status) == SIGKILL);
}

TEST_CASE("faults on purpose: nothing asked for is nothing") {
  FaultInjector faults({}, no_name);
  CHECK_FALSE(ask(faults, VGPU_CALL_cuMemAlloc_v2));
  CHECK(parse_faults("").empty());
}

TEST_CASE("faults on purpose: what makes no sense is an error that names it") {
  for (const char* wrong : {"oom",
                            "oom@",
                            "@alloc",
                            "oom@disk",
                            "ooM@alloc",
                            "0@alloc",
                            "1000@alloc",
                            "-2@alloc",
                            "2x@alloc",
                            "xid@sync",
                            "xid0@sync",
                            "xid1000@sync",
                            "79xid@sync",
                            "oom@alloc:",
                            "oom@alloc:0",
                            "oom@alloc:-1",
                            "oom@alloc:sort*",
                            "700@launch:0",
                            "oom@alloc,",
                            "oom@alloc,,oom@sync",
                            "oom@alloc;hang@sync",
                            "oom@alloc "}) {
    CAPTURE(wrong);
    CHECK_THROWS_AS(parse_faults(wrong), FaultSyntaxError);
  }
  CHECK_THROWS_WITH(parse_faults("oom@alloc,hang@disk"),
                    doctest::Contains("\"hang@disk\" is not FAULT@POINT, where POINT is probe"));
}
