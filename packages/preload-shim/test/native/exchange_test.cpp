// Requests and responses: what travels, and what happens when the other end misbehaves.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <thread>

#include "peer.h"

namespace vgpu::test {
namespace {

using namespace std::chrono_literals;

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// Retains and enters a context, then allocates twice: the second call shows what is left of the connection.
Values allocate_twice() {
  Values values{start_context()};
  for (int i = 0; i < 2; ++i) {
    CUdeviceptr address = 0;
    values.push_back(cuMemAlloc_v2(&address, 4096));
    values.push_back(static_cast<std::int64_t>(address));
  }
  return values;
}

/// Serves until the guest's first allocation arrives, which is left unanswered in `request`.
void serve_until_allocation(Connection& connection, Request& request) {
  FakeExecutor executor;
  connection.greet();
  while (connection.read_request(request)) {
    if (request.frame.call == VGPU_CALL_cuMemAlloc_v2) return;
    connection.answer(request, executor.handlers[request.frame.call](request));
  }
  FAIL("the guest never allocated");
}

const Bytes kAddress = packed(kAddressBase);

TEST_CASE("a request carries its parameters, the context and a new sequence number") {
  FakeExecutor executor;
  std::uint64_t next = kAddressBase;
  executor.handlers[VGPU_CALL_cuMemAlloc_v2] = [&next](const Request&) {
    return Answer{.payload = packed(next += 0x1000)};
  };
  const Outcome outcome = run_with(executor, allocate_twice);
  CHECK(outcome.values == Values{0, 0, kAddressBase + 0x1000, 0, kAddressBase + 0x2000});
  const std::vector<Request> allocations = executor.of(VGPU_CALL_cuMemAlloc_v2);
  REQUIRE(allocations.size() == 2);
  CHECK(allocations[0].payload == packed(std::uint64_t{4096}));
  CHECK(allocations[0].frame.context == kContext);
  CHECK(allocations[0].frame.status == 0);
  CHECK(allocations[1].frame.sequence == allocations[0].frame.sequence + 1);
  // Without a current context the field is 0.
  CHECK(executor.of(VGPU_CALL_cuDevicePrimaryCtxRetain).at(0).frame.context == 0);
}

TEST_CASE("an error has no payload and leaves the connection as it is") {
  FakeExecutor executor;
  int calls = 0;
  executor.handlers[VGPU_CALL_cuMemAlloc_v2] = [&calls](const Request&) {
    return ++calls == 1 ? failure(CUDA_ERROR_OUT_OF_MEMORY) : Answer{.payload = kAddress};
  };
  CHECK(run_with(executor, allocate_twice).values == Values{0, CUDA_ERROR_OUT_OF_MEMORY, 0, 0, kAddressBase});
}

TEST_CASE("a response may come in any number of pieces") {
  Peer peer;
  Guest guest(peer.environment(), allocate_twice);
  Connection connection = peer.accept();
  Request request;
  serve_until_allocation(connection, request);
  vgpu_frame frame{};
  frame.call = request.frame.call;
  frame.sequence = request.frame.sequence;
  frame.payload_bytes = 8;
  Bytes bytes = packed(frame, kAddressBase);
  for (const std::byte& byte : bytes) {
    connection.send(std::span(&byte, 1));
    std::this_thread::sleep_for(1ms);
  }
  REQUIRE(connection.read_request(request));
  connection.answer(request, {.payload = kAddress});
  CHECK(guest.finish().values == Values{0, 0, kAddressBase, 0, kAddressBase});
}

TEST_CASE("a call waits for as long as the executor says that it is working") {
  Peer peer;
  Guest guest(peer.environment(), allocate_twice);
  Connection connection = peer.accept();
  Request request;
  serve_until_allocation(connection, request);
  for (int i = 0; i < 8; ++i) {
    std::this_thread::sleep_for(150ms);
    connection.alive();
  }
  connection.answer(request, {.payload = kAddress});
  REQUIRE(connection.read_request(request));
  connection.answer(request, {.payload = kAddress});
  const Outcome outcome = guest.finish();
  CHECK(outcome.values == Values{0, 0, kAddressBase, 0, kAddressBase});
  CHECK(outcome.elapsed > 1200ms);
}

TEST_CASE("an executor that falls silent is given up, once and for all") {
  Peer peer;
  Guest guest(peer.environment(), allocate_twice);
  Connection connection = peer.accept();
  Request request;
  serve_until_allocation(connection, request);
  const Outcome outcome = guest.finish();
  CHECK(outcome.values == Values{0, CUDA_ERROR_MPS_RPC_FAILURE, 0, CUDA_ERROR_MPS_RPC_FAILURE, 0});
  CHECK(outcome.elapsed >= 400ms);
  CHECK(outcome.elapsed < at_most(450ms));
  CHECK(contains(outcome.log, "said nothing for too long"));
}

TEST_CASE("whatever does not fit the request ends the connection for good") {
  struct Row {
    const char* what;
    std::function<Bytes(const vgpu_frame&)> response;
    const char* cause;
  };
  const auto framed = [](vgpu_frame frame, std::uint32_t bytes) {
    frame.status = 0;
    frame.payload_bytes = bytes;
    return frame;
  };
  const Row rows[] = {
      {"nothing", [](const vgpu_frame&) { return Bytes(); }, "closed the connection"},
      {"half a header", [](const vgpu_frame&) { return Bytes(10); }, "closed the connection"},
      {"a header and half a payload", [&](const vgpu_frame& f) { return packed(framed(f, 8), 0); },
       "closed the connection"},
      {"a short payload", [&](const vgpu_frame& f) { return packed(framed(f, 4), 0); }, "does not fit"},
      {"a long payload",
       [&](const vgpu_frame& f) { return packed(framed(f, 16), kAddressBase, kAddressBase); },
       "does not fit"},
      {"a huge payload", [&](const vgpu_frame& f) { return packed(framed(f, 0xffffffff)); }, "does not fit"},
      {"no payload", [&](const vgpu_frame& f) { return packed(framed(f, 0)); }, "does not fit"},
      {"another sequence number",
       [&](vgpu_frame f) {
         ++f.sequence;
         return packed(framed(f, 8), kAddressBase);
       },
       "does not fit"},
      {"another call",
       [&](vgpu_frame f) {
         f.call = VGPU_CALL_vgpuMemFree;
         return packed(framed(f, 8), kAddressBase);
       },
       "does not fit"},
      {"an error with a payload",
       [&](vgpu_frame f) {
         f = framed(f, 8);
         f.status = CUDA_ERROR_OUT_OF_MEMORY;
         return packed(f, kAddressBase);
       },
       "does not fit"},
      {"a sign of life with a payload",
       [](const vgpu_frame&) {
         vgpu_frame alive{};
         alive.payload_bytes = 8;
         return packed(alive, kAddressBase);
       },
       "does not fit"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.what);
    Peer peer;
    Guest guest(peer.environment(), allocate_twice);
    Connection connection = peer.accept();
    Request request;
    serve_until_allocation(connection, request);
    connection.send(row.response(request.frame));
    connection.close();
    const Outcome outcome = guest.finish();
    CHECK(outcome.values == Values{0, CUDA_ERROR_MPS_RPC_FAILURE, 0, CUDA_ERROR_MPS_RPC_FAILURE, 0});
    CHECK(outcome.elapsed < at_most(100ms));
    CHECK(contains(outcome.log, row.cause));
    CHECK_FALSE(peer.has_caller(20ms));
  }
}

TEST_CASE("after the connection broke every call says so, questions about devices included") {
  Peer peer;
  Guest guest(peer.environment(), [] {
    Values values{start_context()};
    CUdeviceptr address = 0;
    int number = 0;
    CUcontext context = nullptr;
    values.push_back(cuMemAlloc_v2(&address, 16));
    values.push_back(cuInit(0));
    values.push_back(cuDeviceGetCount(&number));
    values.push_back(cuDriverGetVersion(&number));
    values.push_back(cuCtxGetCurrent(&context));
    values.push_back(cuMemsetD8_v2(kAddressBase, 0, 16));
    values.push_back(cudaDeviceSynchronize());
    values.push_back(cudaGetLastError());
    values.push_back(cudaGetLastError());
    return values;
  });
  Connection connection = peer.accept();
  Request request;
  serve_until_allocation(connection, request);
  connection.close();
  Values expected(10, CUDA_ERROR_MPS_RPC_FAILURE);
  expected[0] = CUDA_SUCCESS;
  CHECK(guest.finish().values == expected);
}

TEST_CASE("a large copy travels in pieces that say how much is still to come") {
  FakeExecutor executor;
  constexpr std::size_t kBytes = VGPU_COPY_TO_DEVICE_PIECE_BYTES + 12345;
  std::vector<unsigned char> content(kBytes);
  for (std::size_t i = 0; i < kBytes; ++i) content[i] = static_cast<unsigned char>(i * 7 + i / 4096);
  Bytes received;
  executor.handlers[VGPU_CALL_vgpuCopyToDevice] = [&received](const Request& request) {
    const auto bytes = request.at<std::uint64_t>(24);
    received.insert(received.end(), request.payload.begin() + 32,
                    request.payload.begin() + 32 + static_cast<std::ptrdiff_t>(bytes));
    CHECK(request.at<std::uint64_t>(8) == kBytes - received.size() + bytes);
    CHECK(request.at<std::uint64_t>(0) == kAddressBase + received.size() - bytes);
    return Answer{};
  };
  executor.handlers[VGPU_CALL_vgpuCopyFromDevice] = [&content](const Request& request) {
    const std::size_t offset = request.at<std::uint64_t>(0) - kAddressBase;
    const std::size_t bytes = request.at<std::uint64_t>(8);
    CHECK(request.at<std::uint64_t>(16) == kBytes - offset);
    const auto raw = std::as_bytes(std::span(content)).subspan(offset, bytes);
    return Answer{.payload = Bytes(raw.begin(), raw.end())};
  };
  // Under a sanitizer the stand-in takes its time with so many bytes, and gives no sign of life meanwhile.
  const Environment patient = {{"VGPU_SILENCE_TIMEOUT_MS", "20000"}};
  const auto copy = [&content] {
    std::vector<unsigned char> back(kBytes);
    return Values{start_context(), cuMemcpyHtoD_v2(kAddressBase, content.data(), kBytes),
                  cuMemcpyDtoH_v2(back.data(), kAddressBase, kBytes), back == content};
  };
  const Outcome outcome = run_with(executor, copy, patient);
  CHECK(outcome.values == Values{0, 0, 0, 1});
  CHECK(executor.of(VGPU_CALL_vgpuCopyToDevice).size() == 2);
  CHECK(executor.of(VGPU_CALL_vgpuCopyFromDevice).size() == 17);
  const auto raw = std::as_bytes(std::span(content));
  CHECK(received == Bytes(raw.begin(), raw.end()));
}

/// The executor does not read the 4 MiB that the guest copies, and says that it is working or says nothing.
CUresult copy_against_a_full_socket(bool says_so) {
  Peer peer;
  const std::vector<char> content(VGPU_COPY_PIECE_BYTES);
  Guest guest(peer.environment(), [&content] {
    return Values{start_context(), cuMemcpyHtoD_v2(kAddressBase, content.data(), content.size())};
  });
  Connection connection = peer.accept();
  connection.greet();
  FakeExecutor executor;
  Request request;
  for (int i = 0; i < 2; ++i) {
    REQUIRE(connection.read_request(request));
    connection.answer(request, executor.handlers[request.frame.call](request));
  }
  if (says_so) {
    for (int i = 0; i < 6; ++i) {
      std::this_thread::sleep_for(150ms);
      connection.alive();
    }
    REQUIRE(connection.read_request(request));
    connection.answer(request);
  }
  const Outcome outcome = guest.finish();
  REQUIRE(outcome.values.size() == 2);
  return static_cast<CUresult>(outcome.values[1]);
}

TEST_CASE("an executor that stops reading is given up; one that says it is working is not") {
  CHECK(copy_against_a_full_socket(true) == CUDA_SUCCESS);
  CHECK(copy_against_a_full_socket(false) == CUDA_ERROR_MPS_RPC_FAILURE);
}

TEST_CASE("a deferred call does not wait, and keeps its place before the next") {
  FakeExecutor executor;
  executor.handlers[VGPU_CALL_cuCtxSynchronize] = [](const Request&) {
    return failure(CUDA_ERROR_INVALID_HANDLE);
  };
  const Outcome outcome = run_with(executor, [] {
    return Values{start_context(), cuEventRecord(reinterpret_cast<CUevent>(0x77), nullptr),
                  cuCtxSynchronize()};
  });
  CHECK(outcome.values == Values{0, 0, CUDA_ERROR_INVALID_HANDLE});
  REQUIRE(executor.requests.size() == 4);
  CHECK(executor.requests[2].frame.call == VGPU_CALL_vgpuEventRecord);
  CHECK(executor.requests[2].frame.status == VGPU_FRAME_DEFERRED);
  CHECK(executor.requests[2].payload == packed(std::uint64_t{0x77}, std::uint64_t{0}));
}

TEST_CASE("signals interrupt nothing") {
  Peer peer;
  Guest guest(peer.environment(), [] {
    struct sigaction action {};
    action.sa_handler = [](int) {};  // without SA_RESTART: every system call returns EINTR
    sigaction(SIGALRM, &action, nullptr);
    const itimerval every_millisecond{{0, 1000}, {0, 1000}};
    setitimer(ITIMER_REAL, &every_millisecond, nullptr);
    Values values = allocate_twice();
    const itimerval never{};
    setitimer(ITIMER_REAL, &never, nullptr);
    return values;
  });
  Connection connection = peer.accept();
  Request request;
  std::this_thread::sleep_for(100ms);
  serve_until_allocation(connection, request);
  std::this_thread::sleep_for(200ms);
  connection.answer(request, {.payload = kAddress});
  // And neither do they keep a call from giving up.
  const Outcome outcome = guest.finish();
  CHECK(outcome.values == Values{0, 0, kAddressBase, CUDA_ERROR_MPS_RPC_FAILURE, 0});
  CHECK(outcome.elapsed < at_most(900ms));
}

TEST_CASE("a vanished executor raises no SIGPIPE and changes no errno") {
  Peer peer;
  Guest guest(peer.environment(), [] {
    Values values{start_context()};
    std::this_thread::sleep_for(100ms);
    errno = 4711;
    CUdeviceptr address = 0;
    values.push_back(cuMemAlloc_v2(&address, 16));
    values.push_back(errno);
    return values;
  });
  Connection connection = peer.accept();
  connection.greet();
  FakeExecutor executor;
  Request request;
  for (int i = 0; i < 2; ++i) {
    REQUIRE(connection.read_request(request));
    connection.answer(request, executor.handlers[request.frame.call](request));
  }
  connection.close();
  CHECK(guest.finish().values == Values{0, CUDA_ERROR_MPS_RPC_FAILURE, 4711});
}

TEST_CASE("a request beyond the frame limit is refused before anything is sent") {
  FakeExecutor executor;
  executor.handlers[VGPU_CALL_cuMemAlloc_v2] = [](const Request&) { return Answer{.payload = kAddress}; };
  const Outcome outcome = run_with(executor, [] {
    static const std::vector<char> image(std::size_t{VGPU_FRAME_PAYLOAD_LIMIT} + 1);
    CUmodule module = nullptr;
    Values values{start_context(), vgpuModuleLoad(&module, image.data(), image.size())};
    CUdeviceptr address = 0;
    values.push_back(cuMemAlloc_v2(&address, 16));
    return values;
  });
  CHECK(outcome.values == Values{0, CUDA_ERROR_NOT_SUPPORTED, 0});
  CHECK(executor.of(VGPU_CALL_vgpuModuleLoad).empty());
}

}  // namespace
}  // namespace vgpu::test
