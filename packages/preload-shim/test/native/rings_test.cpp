// Calls through shared memory, when the worker dies, falls silent, or writes nonsense.
#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "ring_peer.h"

namespace vgpu::test {
namespace {

using namespace std::chrono_literals;

constexpr auto kLost = static_cast<std::int64_t>(CUDA_ERROR_MPS_RPC_FAILURE);

CUresult allocate(std::int64_t* address = nullptr) {
  CUdeviceptr made = 0;
  const CUresult result = cuMemAlloc_v2(&made, 4096);
  if (address != nullptr) *address = static_cast<std::int64_t>(made);
  return result;
}

/// Enters a context, then allocates twice: the second call shows what is left of the connection.
Values allocate_twice() {
  Values values{start_context()};
  for (int i = 0; i < 2; ++i) {
    std::int64_t address = 0;
    values.push_back(allocate(&address));
    values.push_back(address);
  }
  return values;
}

const Values kLostAtOnce{0, kLost, 0, kLost, 0};

/// Serves until the guest's first allocation arrives, which is left unanswered in `request`.
void serve_until_allocation(RingConnection& connection, Request& request) {
  FakeExecutor executor;
  while (connection.read_request(request)) {
    if (request.frame.call == VGPU_CALL_cuMemAlloc_v2) return;
    connection.answer(request, executor.handlers[request.frame.call](request));
  }
  FAIL("the guest never allocated");
}

/// What start_context() asks for.
void serve_start(RingConnection& connection) {
  FakeExecutor executor;
  Request request;
  for (const auto call : {VGPU_CALL_cuDevicePrimaryCtxRetain, VGPU_CALL_vgpuContextDevice}) {
    REQUIRE(connection.read_request(request));
    REQUIRE(request.frame.call == static_cast<std::uint32_t>(call));
    connection.answer(request, executor.handlers[request.frame.call](request));
  }
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST_CASE("an answer in shared memory arrives, awake or asleep") {
  Peer peer;
  Guest guest(peer.environment(), allocate_twice);
  RingConnection connection(peer);
  Request request;
  serve_until_allocation(connection, request);
  CHECK(connection.guest_sleeps(10s));
  connection.answer(request, {.payload = packed(kAddressBase)});
  REQUIRE(connection.read_request(request));
  connection.answer(request, {.payload = packed(kAddressBase)});
  CHECK(guest.finish().values == Values{0, 0, kAddressBase, 0, kAddressBase});
}

TEST_CASE("a worker that dies in the middle of a call is noticed at once") {
  for (const bool asleep : {false, true}) {
    CAPTURE(asleep);
    Peer peer;
    Guest guest(peer.environment(), allocate_twice);
    RingConnection connection(peer);
    Request request;
    serve_until_allocation(connection, request);
    if (asleep) CHECK(connection.guest_sleeps(10s));
    const auto died = std::chrono::steady_clock::now();
    connection.close();
    const Outcome outcome = guest.finish();
    CHECK(outcome.values == kLostAtOnce);
    CHECK(std::chrono::steady_clock::now() - died < at_most(50ms));
    CHECK(contains(outcome.log, "closed the connection"));
  }
}

TEST_CASE("what a worker answered before it died still counts, though it woke nobody") {
  Peer peer;
  Guest guest(peer.environment(), allocate_twice);
  RingConnection connection(peer);
  Request request;
  serve_until_allocation(connection, request);
  CHECK(connection.guest_sleeps(10s));
  connection.answer(request, {.payload = packed(kAddressBase)}, false);
  connection.close();
  CHECK(guest.finish().values == Values{0, 0, kAddressBase, kLost, 0});
}

TEST_CASE("a worker that says nothing is given up; one that says it works is waited for") {
  Peer peer;
  Guest guest(peer.environment(), allocate_twice);
  RingConnection connection(peer);
  Request request;
  serve_until_allocation(connection, request);
  for (int i = 0; i < 5; ++i) {
    std::this_thread::sleep_for(150ms);
    connection.ring_bell();
  }
  connection.answer(request, {.payload = packed(kAddressBase)});
  REQUIRE(connection.read_request(request));
  const Outcome outcome = guest.finish();
  CHECK(outcome.values == Values{0, 0, kAddressBase, kLost, 0});
  CHECK(outcome.elapsed >= 1100ms);
  CHECK(outcome.elapsed < at_most(1250ms));
  CHECK(contains(outcome.log, "said nothing for too long"));
}

TEST_CASE("a worker that stops reading is given up when the ring is full") {
  Peer peer;
  Guest guest(peer.environment(), [] {
    Values values{start_context()};
    const std::vector<char> large(3 * std::size_t{VGPU_RING_BYTES});
    values.push_back(cuMemcpyHtoD_v2(kAddressBase, large.data(), large.size()));
    values.push_back(allocate());
    return values;
  });
  RingConnection connection(peer);
  serve_start(connection);
  const Outcome outcome = guest.finish();
  CHECK(outcome.values == Values{0, kLost, kLost});
  CHECK(outcome.elapsed < at_most(450ms));
}

/// Ways to spoil the shared memory while the guest waits for an answer.
struct Damage {
  const char* what;
  void (*make)(RingConnection&, const Request&);
};

void store(std::uint64_t& position, std::uint64_t value) {
  __atomic_store_n(&position, value, __ATOMIC_SEQ_CST);
}

vgpu_frame frame_for(const Request& request) {
  vgpu_frame frame{};
  frame.call = request.frame.call;
  frame.sequence = request.frame.sequence;
  frame.payload_bytes = 8;
  return frame;
}

template <typename Change>
void answer_with(RingConnection& connection, const Request& request, Change change) {
  vgpu_frame frame = frame_for(request);
  change(frame);
  connection.put(packed(frame, kAddressBase));
  connection.publish();
}

constexpr Damage kDamages[] = {
    {"more was written than the ring holds",
     [](RingConnection& connection, const Request&) {
       auto& ring = connection.rings().responses;
       store(ring.written, ring.read + VGPU_RING_BYTES + 1);
       connection.ring_bell();
     }},
    {"the position of what was written goes back",
     [](RingConnection& connection, const Request&) {
       auto& ring = connection.rings().responses;
       store(ring.written, ring.read - 1);
       connection.ring_bell();
     }},
    {"everything is written over",
     [](RingConnection& connection, const Request&) {
       std::memset(static_cast<void*>(&connection.rings()), 0xff, sizeof(vgpu_shared_rings));
       connection.ring_bell();
     }},
    {"another call's answer",
     [](RingConnection& connection, const Request& request) {
       answer_with(connection, request, [](vgpu_frame& frame) { ++frame.call; });
     }},
    {"an answer to the request before",
     [](RingConnection& connection, const Request& request) {
       answer_with(connection, request, [](vgpu_frame& frame) { --frame.sequence; });
     }},
    {"a longer answer",
     [](RingConnection& connection, const Request& request) {
       answer_with(connection, request, [](vgpu_frame& frame) { frame.payload_bytes = 9; });
     }},
    {"an answer of 4 GiB",
     [](RingConnection& connection, const Request& request) {
       answer_with(connection, request, [](vgpu_frame& frame) { frame.payload_bytes = UINT32_MAX; });
     }},
    {"a sign of life with a payload",
     [](RingConnection& connection, const Request& request) {
       answer_with(connection, request, [](vgpu_frame& frame) { frame.call = VGPU_CALL_ALIVE; });
     }},
};

TEST_CASE("a worker that writes nonsense loses its guest, which goes on") {
  for (const Damage& damage : kDamages) {
    CAPTURE(damage.what);
    Peer peer;
    Guest guest(peer.environment(), allocate_twice);
    RingConnection connection(peer);
    Request request;
    serve_until_allocation(connection, request);
    damage.make(connection, request);
    const Outcome outcome = guest.finish();
    CHECK(outcome.values == kLostAtOnce);
    CHECK_MESSAGE(contains(outcome.log, "does not fit the request"), outcome.log);
  }
}

TEST_CASE("a reader's position beyond what was written ends the connection") {
  Peer peer;
  Guest guest(peer.environment(), [] {
    Values values{start_context()};
    const std::vector<char> large(2 * std::size_t{VGPU_RING_BYTES});
    values.push_back(cuMemcpyHtoD_v2(kAddressBase, large.data(), large.size()));
    return values;
  });
  RingConnection connection(peer);
  serve_start(connection);
  store(connection.rings().requests.read, std::uint64_t{1} << 60);
  CHECK(guest.finish().values == Values{0, kLost});
}

TEST_CASE("rings in a file of the wrong size, one that may shrink, or none: there is no device") {
  const RingFile short_file(sizeof(vgpu_shared_rings) - 1);
  const RingFile long_file(sizeof(vgpu_shared_rings) + 4096);
  const RingFile unsealed(sizeof(vgpu_shared_rings), false);
  for (const int file : {short_file.descriptor(), long_file.descriptor(), unsealed.descriptor(), -1}) {
    Peer peer;
    Guest guest(peer.environment(), [] { return Values{cuInit(0)}; });
    Connection connection = peer.accept();
    connection.read_hello();
    Introduction introduction;
    introduction.welcome.features = VGPU_FEATURE_SHARED_MEMORY;
    connection.send(packed(introduction.welcome, introduction.devices.front()), file);
    CHECK(guest.finish().values == Values{CUDA_ERROR_NO_DEVICE});
  }
}

TEST_CASE("threads that call at once get each their own answers") {
  constexpr int kThreads = 8, kCalls = 200;
  Peer peer;
  Guest guest(peer.environment(), [] {
    std::atomic<int> wrong = 0;
    const auto work = [&wrong](std::uint64_t thread) {
      if (start_context() != CUDA_SUCCESS) ++wrong;
      for (std::uint64_t call = 0; call < kCalls; ++call) {
        CUdeviceptr address = 0;
        const std::uint64_t bytes = thread * kCalls + call + 1;
        if (cuMemAlloc_v2(&address, bytes) != CUDA_SUCCESS || address != kAddressBase + bytes) ++wrong;
      }
    };
    std::vector<std::thread> threads;
    threads.reserve(kThreads);
    for (int i = 0; i < kThreads; ++i) threads.emplace_back(work, i);
    for (std::thread& thread : threads) thread.join();
    return Values{wrong};
  });
  RingConnection connection(peer);
  FakeExecutor executor;
  executor.handlers[VGPU_CALL_cuMemAlloc_v2] = [](const Request& request) {
    return Answer{.payload = packed(kAddressBase + request.at<std::uint64_t>(0))};
  };
  serve(executor, connection);
  CHECK(guest.finish().values == Values{0});
  CHECK(executor.of(VGPU_CALL_cuMemAlloc_v2).size() == kThreads * kCalls);
}

TEST_CASE("a child forked while another thread waits for an answer does not touch the parent's rings") {
  Peer peer;
  Guest guest(peer.environment(), [] {
    const CUresult started = start_context();
    std::atomic<CUresult> waited = CUDA_ERROR_UNKNOWN;
    std::thread busy([&waited] {
      start_context();
      waited = allocate();
    });
    std::this_thread::sleep_for(100ms);
    const pid_t child = fork();
    if (child == 0) leave(start_context() == CUDA_SUCCESS && allocate() == CUDA_SUCCESS);
    int status = -1;
    waitpid(child, &status, 0);
    busy.join();
    return Values{started, status, waited, allocate()};
  });
  RingConnection parents(peer);
  Request request;
  serve_until_allocation(parents, request);
  RingConnection childs(peer);
  FakeExecutor executor;
  executor.handlers[VGPU_CALL_cuMemAlloc_v2] = [](const Request&) {
    return Answer{.payload = packed(kAddressBase)};
  };
  serve(executor, childs);
  CHECK(executor.of(VGPU_CALL_cuMemAlloc_v2).size() == 1);
  // Nothing of the child's is among the parent's requests.
  parents.answer(request, {.payload = packed(kAddressBase)});
  serve(executor, parents);
  CHECK(executor.of(VGPU_CALL_cuMemAlloc_v2).size() == 2);
  CHECK(guest.finish().values == Values{0, 0, 0, 0});
}

}  // namespace
}  // namespace vgpu::test
