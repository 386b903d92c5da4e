// Threads whose first CUDA calls come together, in processes that fork meanwhile, with an executor that comes
// and goes. Under AddressSanitizer and ThreadSanitizer this is where mistakes in the start of a session would
// show.
#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <barrier>
#include <thread>

#include "peer.h"

namespace vgpu::test {
namespace {

using namespace std::chrono_literals;

constexpr int kProcesses = 10;
constexpr int kThreads = 6;

/// What a call may answer, whatever the executor does.
bool is_possible(CUresult result) {
  return result == CUDA_SUCCESS || result == CUDA_ERROR_NO_DEVICE || result == CUDA_ERROR_MPS_RPC_FAILURE ||
         result == CUDA_ERROR_NOT_INITIALIZED || result == CUDA_ERROR_INVALID_CONTEXT;
}

bool call_everything() {
  int count = 0;
  CUdeviceptr address = 0;
  bool good = is_possible(cuInit(0)) && is_possible(cuDeviceGetCount(&count));
  good = good && is_possible(start_context()) && is_possible(cuMemAlloc_v2(&address, 16));
  return good && is_possible(cuCtxSynchronize());
}

/// A forked child that has the parent's memory in whatever state the other threads left it.
bool fork_and_call() {
  const pid_t child = fork();
  if (child == 0) leave(call_everything());
  int status = -1;
  return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

bool storm() {
  std::atomic<int> good = 0;
  std::barrier start(kThreads);
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&good, &start, i] {
      start.arrive_and_wait();
      good += i == 0 ? fork_and_call() : call_everything();
    });
  }
  for (std::thread& thread : threads) thread.join();
  return good == kThreads;
}

/// Serves every caller in one of several ways in turn.
class FickleExecutor {
 public:
  explicit FickleExecutor(Peer& peer) : peer_(peer), thread_([this] { run(); }) {}
  ~FickleExecutor() {
    ended_ = true;
    thread_.join();
  }
  FickleExecutor(const FickleExecutor&) = delete;
  FickleExecutor& operator=(const FickleExecutor&) = delete;

  [[nodiscard]] int served() const { return served_; }

 private:
  void run() {
    std::vector<std::thread> conversations;
    for (int caller = 0; !ended_;) {
      if (!peer_.has_caller(10ms)) continue;
      conversations.emplace_back([this, kind = caller++, connection = peer_.accept()]() mutable {
        try {
          talk(kind, connection);
        } catch (const std::exception&) {
          // The guest has gone in the middle, as it may.
        }
      });
    }
    for (std::thread& conversation : conversations) conversation.join();
  }

  void talk(int kind, Connection& connection) {
    FakeExecutor executor;
    switch (kind % 4) {
      case 0:  // hangs up
        return;
      case 1:  // babbles
        connection.read_hello();
        connection.send(Bytes(sizeof(vgpu_welcome), std::byte{0x55}));
        return;
      case 2: {  // dies after the first request
        Request request;
        connection.greet();
        connection.read_request(request);
        return;
      }
      default:
        connection.greet();
        ++served_;
        executor.handlers[VGPU_CALL_cuMemAlloc_v2] = [](const Request&) {
          return Answer{.payload = packed(kAddressBase)};
        };
        executor.serve(connection);
    }
  }

  Peer& peer_;
  std::atomic<bool> ended_ = false;
  std::atomic<int> served_ = 0;
  std::thread thread_;
};

TEST_CASE("threads start a session together while the executor comes and goes, and fork meanwhile") {
  Peer peer;
  Environment environment = peer.environment();
  environment["VGPU_CONNECT_TIMEOUT_MS"] = "20000";
  Guest guest(environment, [] {
    Values values;
    std::vector<pid_t> processes;
    for (int i = 0; i < kProcesses; ++i) {
      const pid_t process = fork();
      if (process == 0) leave(storm());
      processes.push_back(process);
    }
    for (const pid_t process : processes) {
      int status = -1;
      waitpid(process, &status, 0);
      values.push_back(status);
    }
    return values;
  });
  // Not before the guest, which must not be forked from a process with threads.
  const FickleExecutor executor(peer);
  CHECK(guest.finish().values == Values(kProcesses, 0));
  CHECK(executor.served() > 0);
}

}  // namespace
}  // namespace vgpu::test
