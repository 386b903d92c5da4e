// Living in somebody else's process: its forks, threads and descriptors.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "peer.h"

// As start/state.h says, which has an atomic type of C's in it.
extern "C" void vgpu_state_set(unsigned int state);

extern "C" {
// As in transport/lock.h, which C++ cannot read.
struct vgpu_lock;
void vgpu_lock(struct vgpu_lock* lock);
void vgpu_unlock(struct vgpu_lock* lock);
void vgpu_lock_forget(struct vgpu_lock* lock);
}

namespace vgpu::test {
namespace {

using namespace std::chrono_literals;

constexpr unsigned int kDeciding = 1;

bool is_socket(int descriptor) {
  struct stat status {};
  return fstat(descriptor, &status) == 0 && S_ISSOCK(status.st_mode);
}

/// The sockets that have been opened since this was made; the test's own are inherited.
class NewSockets {
 public:
  NewSockets() {
    for (int descriptor = 0; descriptor < kMost; ++descriptor) before_[descriptor] = is_socket(descriptor);
  }

  [[nodiscard]] std::vector<int> list() const {
    std::vector<int> found;
    for (int descriptor = 0; descriptor < kMost; ++descriptor) {
      if (is_socket(descriptor) && !before_[descriptor]) found.push_back(descriptor);
    }
    return found;
  }

  [[nodiscard]] std::int64_t count() const { return static_cast<std::int64_t>(list().size()); }

 private:
  static constexpr int kMost = 4096;
  std::array<bool, kMost> before_{};
};

std::int64_t thread_count() {
  const std::filesystem::directory_iterator tasks("/proc/self/task");
  return std::distance(begin(tasks), end(tasks));
}

CUresult allocate() {
  CUdeviceptr address = 0;
  return cuMemAlloc_v2(&address, 16);
}

FakeExecutor allocating_executor() {
  FakeExecutor executor;
  executor.handlers[VGPU_CALL_cuMemAlloc_v2] = [](const Request&) {
    return Answer{.payload = packed(kAddressBase)};
  };
  return executor;
}

TEST_CASE("a thread that sleeps for a lock wakes when the lock is forgotten") {
  const Outcome outcome = run_guest({}, [] {
    static std::atomic<std::uint32_t> word = 0;
    static std::atomic<bool> taken = false;
    auto* lock = reinterpret_cast<struct vgpu_lock*>(&word);
    vgpu_lock(lock);
    std::thread([lock] {
      vgpu_lock(lock);
      taken = true;
      vgpu_unlock(lock);
    }).detach();
    // 2: it waits, and sleeps very soon.
    while (word != 2) std::this_thread::yield();
    std::this_thread::sleep_for(50ms);
    vgpu_lock_forget(lock);
    for (int i = 0; i < 2000 && !taken; ++i) std::this_thread::sleep_for(10ms);
    return Values{taken};
  });
  CHECK(outcome.values == Values{1});
}

TEST_CASE("the connection has one descriptor, which is high and closed by exec, and no thread") {
  FakeExecutor executor;
  const Outcome outcome = run_with(executor, [] {
    const NewSockets sockets;
    const std::int64_t threads = thread_count();
    const CUresult result = start_context();
    const std::vector<int> found = sockets.list();
    if (found.size() != 1) return Values{result, static_cast<std::int64_t>(found.size())};
    return Values{result, 1, found[0] >= 512, (fcntl(found[0], F_GETFD) & FD_CLOEXEC) != 0,
                  thread_count() - threads};
  });
  CHECK(outcome.values == Values{0, 1, 1, 1, 0});
}

TEST_CASE("with few descriptors allowed a low one serves") {
  FakeExecutor executor;
  const Outcome outcome = run_with(executor, [] {
    const NewSockets sockets;
    rlimit few{};
    getrlimit(RLIMIT_NOFILE, &few);
    few.rlim_cur = 64;
    const int limited = setrlimit(RLIMIT_NOFILE, &few);
    const CUresult result = start_context();
    return Values{limited, result, sockets.count()};
  });
  CHECK(outcome.values == Values{0, 0, 1});
}

TEST_CASE("a failed connection leaves no descriptor open") {
  const Outcome outcome = run_guest({{"VGPU_EXECUTOR", "unix:/etc/passwd"}}, [] {
    const NewSockets sockets;
    const CUresult result = cuInit(0);
    return Values{result, sockets.count()};
  });
  CHECK(outcome.values == Values{CUDA_ERROR_NO_DEVICE, 0});
}

TEST_CASE("a file that got the connection's number is not written to") {
  FakeExecutor executor = allocating_executor();
  TemporaryFolder folder;
  const std::string path = folder.path() + "/theirs";
  const Outcome outcome = run_with(executor, [&path] {
    const NewSockets sockets;
    Values values{start_context()};
    const int connection = sockets.list().at(0);
    // As a daemon does: close everything, then open files.
    close(connection);
    const int file = open(path.c_str(), O_RDWR | O_CREAT, 0600);
    dup2(file, connection);
    values.push_back(allocate());
    values.push_back(allocate());
    struct stat status {};
    values.push_back(fstat(connection, &status));
    values.push_back(status.st_size);
    return values;
  });
  CHECK(outcome.values == Values{0, CUDA_ERROR_MPS_RPC_FAILURE, CUDA_ERROR_MPS_RPC_FAILURE, 0, 0});
  CHECK(outcome.log.find("closed the connection's descriptor") != std::string::npos);
}

TEST_CASE("a forked child has a connection of its own and nothing of its parent's") {
  Peer peer;
  Guest guest(peer.environment(), [] {
    const NewSockets sockets;
    Values values{start_context(), allocate()};
    const pid_t child = fork();
    if (child == 0) {
      CUcontext context = reinterpret_cast<CUcontext>(1);
      bool good = cuCtxGetCurrent(&context) == CUDA_SUCCESS && context == nullptr;
      good = good && allocate() == CUDA_ERROR_INVALID_CONTEXT;
      good = good && start_context() == CUDA_SUCCESS && allocate() == CUDA_SUCCESS;
      good = good && sockets.count() == 1;
      leave(good);
    }
    int status = -1;
    waitpid(child, &status, 0);
    values.push_back(status);
    values.push_back(allocate());
    return values;
  });
  Connection parents = peer.accept();
  parents.greet();
  FakeExecutor executor = allocating_executor();
  Request request;
  for (int i = 0; i < 3; ++i) {
    REQUIRE(parents.read_request(request));
    parents.answer(request, executor.handlers[request.frame.call](request));
  }
  Connection childs = peer.accept();
  CHECK(childs.read_hello().process_id != 0);
  childs.introduce();
  FakeExecutor second = allocating_executor();
  second.serve(childs);
  CHECK(second.of(VGPU_CALL_cuMemAlloc_v2).size() == 1);
  executor.serve(parents);
  CHECK(guest.finish().values == Values{0, 0, 0, 0});
}

TEST_CASE("a child forked while another thread is in a call is not stuck") {
  Peer peer;
  Guest guest(peer.environment(), [] {
    const CUresult started = start_context();
    // Holds the connection's lock until the executor answers, which it does after the fork.
    std::thread busy([] {
      start_context();
      cuCtxSynchronize();
    });
    std::this_thread::sleep_for(100ms);
    const pid_t child = fork();
    if (child == 0) {
      int count = 0;
      leave(cuDeviceGetCount(&count) == CUDA_SUCCESS && count == 1);
    }
    int status = -1;
    waitpid(child, &status, 0);
    busy.join();
    return Values{started, status};
  });
  Connection parents = peer.accept();
  parents.greet();
  FakeExecutor executor;
  Request request;
  while (parents.read_request(request) && request.frame.call != VGPU_CALL_cuCtxSynchronize) {
    parents.answer(request, executor.handlers[request.frame.call](request));
  }
  Connection childs = peer.accept();
  childs.greet();
  parents.answer(request);
  const Outcome outcome = guest.finish();
  CAPTURE(outcome.log);
  CHECK(outcome.values == Values{0, 0});
}

TEST_CASE("a child forked while another thread is deciding decides by itself") {
  Peer peer;
  Guest guest(peer.environment(), [] {
    // As the constructor does in another thread, which opens the library.
    vgpu_state_set(kDeciding);
    const pid_t child = fork();
    if (child == 0) {
      int count = 0;
      leave(cuInit(0) == CUDA_SUCCESS && cuDeviceGetCount(&count) == CUDA_SUCCESS && count == 1);
    }
    int status = -1;
    waitpid(child, &status, 0);
    return Values{status};
  });
  Connection childs = peer.accept();
  childs.greet();
  const Outcome outcome = guest.finish();
  CAPTURE(outcome.log);
  CHECK(outcome.values == Values{0});
}

TEST_CASE("a child of a child starts anew, too") {
  Peer peer;
  Guest guest(peer.environment(), [] {
    const CUresult started = start_context();
    const pid_t child = fork();
    if (child == 0) {
      const pid_t grandchild = fork();
      if (grandchild == 0) leave(start_context() == CUDA_SUCCESS);
      int status = -1;
      waitpid(grandchild, &status, 0);
      leave(status == 0 && start_context() == CUDA_SUCCESS);
    }
    int status = -1;
    waitpid(child, &status, 0);
    return Values{started, status};
  });
  std::vector<Connection> open;
  for (int i = 0; i < 3; ++i) {
    open.push_back(peer.accept());
    open.back().greet();
    FakeExecutor executor;
    Request request;
    for (int calls = 0; calls < 2; ++calls) {
      REQUIRE(open.back().read_request(request));
      open.back().answer(request, executor.handlers[request.frame.call](request));
    }
  }
  CHECK(guest.finish().values == Values{0, 0});
}

TEST_CASE("many threads that make their first call together share one connection") {
  constexpr int kThreads = 32;
  FakeExecutor executor = allocating_executor();
  const Outcome outcome = run_with(executor, [] {
    const NewSockets sockets;
    std::atomic<int> failures = 0;
    std::atomic<bool> go = false;
    std::vector<std::thread> threads;
    threads.reserve(kThreads);
    for (int i = 0; i < kThreads; ++i) {
      threads.emplace_back([&] {
        while (!go) std::this_thread::yield();
        // The context is per thread.
        if (start_context() != CUDA_SUCCESS || allocate() != CUDA_SUCCESS) ++failures;
      });
    }
    go = true;
    for (std::thread& thread : threads) thread.join();
    return Values{failures, sockets.count()};
  });
  CHECK(outcome.values == Values{0, 1});
  CHECK(executor.of(VGPU_CALL_cuMemAlloc_v2).size() == kThreads);
}

TEST_CASE("a thread without a context of its own has none") {
  FakeExecutor executor = allocating_executor();
  const Outcome outcome = run_with(executor, [] {
    Values values{start_context()};
    std::thread([&values] { values.push_back(allocate()); }).join();
    values.push_back(allocate());
    return values;
  });
  CHECK(outcome.values == Values{0, CUDA_ERROR_INVALID_CONTEXT, 0});
}

}  // namespace
}  // namespace vgpu::test
