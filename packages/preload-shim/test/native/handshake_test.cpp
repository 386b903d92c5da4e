// Finding the executor: whatever is at the other end, cuInit answers, and in time.
#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "peer.h"

namespace vgpu::test {
namespace {

using namespace std::chrono_literals;

Values initialise() {
  return {cuInit(0)};
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::size_t lines(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

TEST_CASE("without an executor there is no device, and the log says why") {
  struct Row {
    const char* url;
    const char* cause;
  };
  const std::string too_long = "unix:/" + std::string(200, 'x');
  const Row rows[] = {
      {"unix:/tmp/vgpu-nothing/socket", "there is no such socket"},
      {"http://127.0.0.1:1", "not an address of the form unix:/path, tcp:host:port or vsock:cid:port"},
      {"tcp:127.0.0.1:0", "not an address of the form"},
      {"tcp:127.0.0.1:65536", "not an address of the form"},
      {"tcp:[::1]", "not an address of the form"},
      {"tcp:[::x]:1", "not an address of the form"},
      {"tcp:example.org:1", "names are not looked up"},
      {"tcp:127.0.0.1:1", "nobody listens there"},
      {"tcp:localhost:1", "nobody listens there"},
      {"vsock:x:1", "not an address of the form"},
      {"vsock:1:4294967295", "not an address of the form"},
      {"unix:relative", "not an address of the form"},
      {too_long.c_str(), "the path is too long"},
      {"unix:/etc/passwd", "nobody listens there"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.url);
    const Outcome outcome = run_guest({{"VGPU_EXECUTOR", row.url}}, initialise);
    CHECK(outcome.values == Values{CUDA_ERROR_NO_DEVICE});
    CHECK(outcome.elapsed < at_most(100ms));
    CHECK(contains(outcome.log, row.cause));
    CHECK(lines(outcome.log) == 1);
  }
}

TEST_CASE("a vsock address leads to a connection, and the log says why there is none") {
  // What the kernel answers depends on the machine: without any vsock, as a virtual machine, or with the
  // loopback.
  const Outcome outcome =
      run_guest({{"VGPU_EXECUTOR", "vsock:1:47999"}, {"VGPU_CONNECT_TIMEOUT_MS", "300"}}, initialise);
  CHECK(outcome.values == Values{CUDA_ERROR_NO_DEVICE});
  CHECK(contains(outcome.log, "vsock:1:47999"));
  const auto answers = {"this machine has no sockets of that kind", "there is no way to that machine",
                        "nobody listens there", "it closed the connection", "no answer in time"};
  CHECK(std::any_of(answers.begin(), answers.end(),
                    [&](const char* answer) { return contains(outcome.log, answer); }));
}

TEST_CASE("without VGPU_EXECUTOR there is no device") {
  const Outcome outcome = run_guest({}, initialise);
  CHECK(outcome.values == Values{CUDA_ERROR_NO_DEVICE});
  CHECK(contains(outcome.log, "VGPU_EXECUTOR is not set"));
}

TEST_CASE("a socket that nobody listens at any more refuses") {
  Peer peer;
  peer.stop();
  const Outcome outcome = run_guest(peer.environment(), initialise);
  CHECK(outcome.values == Values{CUDA_ERROR_NO_DEVICE});
  CHECK(outcome.elapsed < at_most(100ms));
  CHECK(contains(outcome.log, "nobody listens there"));
}

TEST_CASE("VGPU_DISABLE=1 keeps the library from connecting") {
  Peer peer;
  Environment environment = peer.environment();
  environment["VGPU_DISABLE"] = "1";
  const Outcome outcome = run_guest(environment, initialise);
  CHECK(outcome.values == Values{CUDA_ERROR_NO_DEVICE});
  CHECK_FALSE(peer.has_caller(50ms));
}

TEST_CASE("a program with more rights than its caller gets no device, and its environment is not looked at") {
  Peer peer;
  pretend_privileged(true);
  Guest guest(peer.environment(), initialise);
  pretend_privileged(false);
  const Outcome outcome = guest.finish();
  CHECK(outcome.values == Values{CUDA_ERROR_NO_DEVICE});
  CHECK_FALSE(peer.has_caller(50ms));
  CHECK(outcome.log == "");
}

TEST_CASE("a silent executor costs the connect timeout and no more") {
  Peer peer;
  const Outcome outcome = run_guest(peer.environment(), initialise);
  CHECK(outcome.values == Values{CUDA_ERROR_NO_DEVICE});
  CHECK(outcome.elapsed >= 400ms);
  CHECK(outcome.elapsed < at_most(450ms));
  CHECK(contains(outcome.log, "no answer in time"));
}

TEST_CASE("the connect timeout is a second unless the environment says otherwise") {
  Peer peer;
  for (const char* timeout : {"", "abc", "0", "-5"}) {
    CAPTURE(timeout);
    Environment environment = peer.environment();
    environment["VGPU_CONNECT_TIMEOUT_MS"] = timeout;
    const Outcome outcome = run_guest(environment, initialise);
    CHECK(outcome.values == Values{CUDA_ERROR_NO_DEVICE});
    CHECK(outcome.elapsed >= 1000ms);
    CHECK(outcome.elapsed < at_most(1050ms));
  }
}

TEST_CASE("a program that asks again soon does not wait again") {
  Peer peer;
  const Outcome outcome = run_guest(peer.environment(), [] {
    Values values;
    for (int i = 0; i < 20; ++i) values.push_back(cuInit(0));
    return values;
  });
  CHECK(outcome.values == Values(20, CUDA_ERROR_NO_DEVICE));
  CHECK(outcome.elapsed < at_most(450ms));
  CHECK(lines(outcome.log) == 1);
}

TEST_CASE("an executor that comes later is found") {
  Peer peer;
  Guest guest(peer.environment(), [] {
    Values values{cuInit(0)};
    std::this_thread::sleep_for(1100ms);
    values.push_back(cuInit(0));
    return values;
  });
  Connection first = peer.accept();
  first.close();
  Connection second = peer.accept();
  second.greet();
  CHECK(guest.finish().values == Values{CUDA_ERROR_NO_DEVICE, CUDA_SUCCESS});
}

TEST_CASE("a byte now and then does not stretch the deadline") {
  Peer peer;
  Guest guest(peer.environment(), initialise);
  Connection connection = peer.accept();
  connection.read_hello();
  const Bytes welcome = packed(Introduction().welcome);
  for (int i = 0; i < 14; ++i) {
    connection.send(std::span(welcome).subspan(static_cast<std::size_t>(i), 1));
    std::this_thread::sleep_for(50ms);
  }
  const Outcome outcome = guest.finish();
  CHECK(outcome.values == Values{CUDA_ERROR_NO_DEVICE});
  CHECK(contains(outcome.log, "no answer in time"));
}

TEST_CASE("an executor whose queue is full is given up in time") {
  Peer peer(1);
  const Outcome outcome = run_guest(peer.environment(), [] {
    // The queue takes two callers; none is ever accepted.
    std::vector<pid_t> callers;
    for (int i = 0; i < 6; ++i) {
      const pid_t caller = fork();
      if (caller == 0) leave(cuInit(0) == CUDA_ERROR_NO_DEVICE);
      callers.push_back(caller);
    }
    Values values;
    for (const pid_t caller : callers) {
      int status = -1;
      waitpid(caller, &status, 0);
      values.push_back(status);
    }
    return values;
  });
  CHECK(outcome.values == Values(6, 0));
  CHECK(outcome.elapsed >= 400ms);
  CHECK(outcome.elapsed < at_most(450ms));
}

TEST_CASE("an executor that hangs up, babbles or promises too much is none") {
  Introduction other_magic;
  other_magic.welcome.magic = 0x12345678;
  Introduction too_many;
  too_many.welcome.device_count = VGPU_MAXIMUM_DEVICES + 1;
  Introduction none;
  none.welcome.device_count = 0;
  none.devices.clear();
  struct Row {
    const char* what;
    Bytes answer;
    const char* cause;
  };
  const Bytes http = [] {
    const std::string text =
        "HTTP/1.1 400 Bad Request\r\nContent-Length: 600\r\n\r\n" + std::string(600, '.');
    const auto raw = std::as_bytes(std::span(text));
    return Bytes(raw.begin(), raw.end());
  }();
  const Row rows[] = {
      {"hangs up", {}, "closed the connection"},
      {"hangs up in the middle", Bytes(100, std::byte{1}), "closed the connection"},
      {"HTTP", http, "not vgpu's protocol"},
      {"another magic number", packed(other_magic.welcome), "not vgpu's protocol"},
      {"too many devices", packed(too_many.welcome), "not vgpu's protocol"},
      {"fewer devices than announced", packed(Introduction().welcome), "closed the connection"},
      {"no device", packed(none.welcome), "has no device"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.what);
    Peer peer;
    Guest guest(peer.environment(), initialise);
    Connection connection = peer.accept();
    connection.read_hello();
    connection.send(row.answer);
    connection.close();
    const Outcome outcome = guest.finish();
    CHECK(outcome.values == Values{CUDA_ERROR_NO_DEVICE});
    CHECK(outcome.elapsed < at_most(100ms));
    CHECK(contains(outcome.log, row.cause));
  }
}

TEST_CASE("an executor of another version is told apart") {
  Introduction other_hash;
  other_hash.welcome.schema_hash[31] ^= 1;
  std::strcpy(other_hash.welcome.message, "built last year");
  Introduction other_version;
  other_version.welcome.protocol_version = 99;
  Introduction said_so;
  said_so.welcome.status = CUDA_ERROR_SYSTEM_DRIVER_MISMATCH;
  for (const Introduction& introduction : {other_hash, other_version, said_so}) {
    Peer peer;
    Guest guest(peer.environment(), initialise);
    Connection connection = peer.accept();
    connection.read_hello();
    connection.send(packed(introduction.welcome));
    const Outcome outcome = guest.finish();
    CHECK(outcome.values == Values{CUDA_ERROR_SYSTEM_DRIVER_MISMATCH});
    CHECK(contains(outcome.log, "different versions"));
    CHECK(contains(outcome.log, introduction.welcome.message));
  }
}

TEST_CASE("the executor's own refusal is passed on") {
  Introduction full;
  full.welcome.status = CUDA_ERROR_MPS_MAX_CLIENTS_REACHED;
  std::strcpy(full.welcome.message, "64 clients already");
  Peer peer;
  Guest guest(peer.environment(), initialise);
  Connection connection = peer.accept();
  connection.read_hello();
  connection.send(packed(full.welcome));
  const Outcome outcome = guest.finish();
  CHECK(outcome.values == Values{CUDA_ERROR_MPS_MAX_CLIENTS_REACHED});
  CHECK(contains(outcome.log, "64 clients already"));
}

TEST_CASE("the hello says who is calling") {
  Peer peer;
  Guest guest(peer.environment(), initialise);
  Connection connection = peer.accept();
  const vgpu_hello hello = connection.read_hello();
  connection.introduce();
  CHECK(hello.magic == VGPU_MAGIC);
  CHECK(hello.protocol_version == VGPU_PROTOCOL_VERSION);
  CHECK(std::memcmp(hello.schema_hash, Introduction().welcome.schema_hash, 32) == 0);
  CHECK(hello.process_id > 1);
  CHECK(std::string(hello.program) == "preload_shim_test");
  CHECK(guest.finish().values == Values{CUDA_SUCCESS});
}

TEST_CASE("before cuInit there is no driver; its flags must be 0") {
  const Outcome outcome = run_guest({}, [] {
    int count = 0;
    CUdeviceptr address = 0;
    return Values{cuDeviceGetCount(&count), cuMemAlloc_v2(&address, 16), cuCtxSynchronize(), cuInit(1)};
  });
  CHECK(outcome.values == Values{CUDA_ERROR_NOT_INITIALIZED, CUDA_ERROR_NOT_INITIALIZED,
                                 CUDA_ERROR_NOT_INITIALIZED, CUDA_ERROR_INVALID_VALUE});
}

}  // namespace
}  // namespace vgpu::test
