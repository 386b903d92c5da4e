// What the library makes of a process: its class, the configuration file, the first CUDA calls of many
// threads.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <thread>

#include "peer.h"

extern "C" {
#include "start/configuration.h"
}

namespace vgpu::test {
namespace {

using namespace std::chrono_literals;

constexpr int kThreads = 8;

struct Case {
  const char* what;
  vgpu_process_facts facts;
  vgpu_configured configured;
  vgpu_class expected;
  vgpu_reason reason;
};

vgpu_process_facts program(const char* name) {
  vgpu_process_facts facts{};
  facts.name = name;
  return facts;
}

vgpu_process_facts with(vgpu_process_facts facts, const char* disable, const char* early_init) {
  facts.disable = disable;
  facts.early_init = early_init;
  return facts;
}

TEST_CASE("what a process is") {
  vgpu_process_facts secure = program("ollama");
  secure.secure = true;
  vgpu_process_facts kernels = program("modprobe");
  kernels.started_by_kernel = true;
  const vgpu_configured nothing{};
  const vgpu_configured bad{true, false, false};
  const vgpu_configured denied{false, true, true};
  const vgpu_configured early{false, false, true};
  const Case cases[] = {
      {"setuid", secure, early, VGPU_REFUSED, VGPU_BECAUSE_SECURE},
      {"kernel", kernels, early, VGPU_REFUSED, VGPU_BECAUSE_KERNEL_STARTED_IT},
      {"init", program("init"), early, VGPU_REFUSED, VGPU_BECAUSE_SYSTEM_PROGRAM},
      {"systemd", program("systemd"), nothing, VGPU_REFUSED, VGPU_BECAUSE_SYSTEM_PROGRAM},
      {"prefix", program("systemd-journald"), nothing, VGPU_REFUSED, VGPU_BECAUSE_SYSTEM_PROGRAM},
      {"no prefix", program("systemdx"), nothing, VGPU_DEFERRED, VGPU_BECAUSE_ORDINARY},
      {"sshd", program("sshd"), nothing, VGPU_REFUSED, VGPU_BECAUSE_SYSTEM_PROGRAM},
      {"sshd's child", program("sshd-session"), nothing, VGPU_REFUSED, VGPU_BECAUSE_SYSTEM_PROGRAM},
      {"su", program("su"), nothing, VGPU_REFUSED, VGPU_BECAUSE_SYSTEM_PROGRAM},
      {"not su", program("sum"), nothing, VGPU_DEFERRED, VGPU_BECAUSE_ORDINARY},
      {"not init", program("initdb"), nothing, VGPU_DEFERRED, VGPU_BECAUSE_ORDINARY},
      {"system and asked", with(program("cron"), nullptr, "1"), early, VGPU_REFUSED,
       VGPU_BECAUSE_SYSTEM_PROGRAM},
      {"disabled", with(program("ollama"), "1", "1"), early, VGPU_REFUSED, VGPU_BECAUSE_DISABLED},
      {"not disabled", with(program("sh"), "0", nullptr), nothing, VGPU_DEFERRED, VGPU_BECAUSE_ORDINARY},
      {"denied", program("ollama"), denied, VGPU_REFUSED, VGPU_BECAUSE_DENIED},
      {"known", program("ollama"), nothing, VGPU_EARLY, VGPU_BECAUSE_GPU_PROGRAM},
      {"known, later", with(program("llama-server"), nullptr, "0"), nothing, VGPU_DEFERRED,
       VGPU_BECAUSE_ORDINARY},
      {"configured", program("mine"), early, VGPU_EARLY, VGPU_BECAUSE_CONFIGURED_EARLY},
      {"asked", with(program("mine"), nullptr, "1"), nothing, VGPU_EARLY, VGPU_BECAUSE_ASKED_EARLY},
      {"bad file", with(program("ollama"), nullptr, "1"), bad, VGPU_DEFERRED, VGPU_BECAUSE_CONFIGURATION_BAD},
      {"no name", program(""), nothing, VGPU_DEFERRED, VGPU_BECAUSE_ORDINARY},
  };
  for (const Case& each : cases) {
    CAPTURE(each.what);
    const vgpu_decision decision = vgpu_classify(&each.facts, &each.configured);
    CHECK(decision.kind == each.expected);
    CHECK(decision.reason == each.reason);
    CHECK(std::string(vgpu_describe_reason(decision.reason)).size() > 10);
  }
}

TEST_CASE("a word of a list is a name or its beginning") {
  CHECK(vgpu_name_matches("ollama", "ollama"));
  CHECK_FALSE(vgpu_name_matches("ollama", "ollama2"));
  CHECK_FALSE(vgpu_name_matches("ollama", "ollam"));
  CHECK(vgpu_name_matches("ollama*", "ollama2"));
  CHECK(vgpu_name_matches("ollama*", "ollama"));
  CHECK(vgpu_name_matches("*", ""));
  CHECK_FALSE(vgpu_name_matches("", "x"));
  CHECK(std::string(vgpu_file_name("/usr/bin/true")) == "true");
  CHECK(std::string(vgpu_file_name("true")) == "true");
  CHECK(std::string(vgpu_file_name("/")) == "");
}

struct File {
  TemporaryFolder folder;
  std::string path = folder.path() + "/shim.conf";
  explicit File(const std::string& text) { std::ofstream(path, std::ios::binary) << text; }
};

vgpu_configuration read_configuration(const std::string& path, const char* name = "me") {
  vgpu_configuration configuration{};
  vgpu_configuration_read(path.c_str(), name, &configuration);
  return configuration;
}

TEST_CASE("a configuration file says where the executor is and what programs are") {
  const File file(
      "# comment\n\n  executor =unix:/run/vgpu/executor.sock \r\n\ttoken-file= /etc/vgpu/token\n"
      "log = journal\nconnect-timeout-ms = 250\ndeny = one two\ndeny = three*\nearly-init = x  me\ty");
  const vgpu_configuration found = read_configuration(file.path);
  CHECK(found.problem == nullptr);
  CHECK_FALSE(found.configured.bad);
  CHECK(std::string(found.executor) == "unix:/run/vgpu/executor.sock");
  CHECK(std::string(found.token_file) == "/etc/vgpu/token");
  CHECK(std::string(found.log) == "journal");
  CHECK(found.connect_timeout == 250);
  CHECK(found.configured.early);
  CHECK_FALSE(found.configured.denied);
  for (const char* name : {"one", "two", "three", "threefold"}) {
    CAPTURE(name);
    CHECK(read_configuration(file.path, name).configured.denied);
  }
}

TEST_CASE("a file that is not there says nothing") {
  for (const char* path : {"/nonexistent/shim.conf", "/etc/passwd/shim.conf"}) {
    const vgpu_configuration found = read_configuration(path);
    CHECK(found.problem == nullptr);
    CHECK_FALSE(found.configured.bad);
  }
}

TEST_CASE("a file with a mistake says nothing at all, but that it is bad") {
  struct Row {
    std::string text;
    const char* problem;
    unsigned line;
  };
  const std::string good = "executor = unix:/s\nearly-init = me\n";
  const Row rows[] = {
      {good + "executr = unix:/s\n", "no such setting", 3},
      {good + "executor\n", "neither a comment", 3},
      {good + "executor =\n", "no value", 3},
      {good + "= x\n", "no such setting", 3},
      {good + "connect-timeout-ms = soon\n", "milliseconds", 3},
      {good + "connect-timeout-ms = 0\n", "milliseconds", 3},
      {good + "connect-timeout-ms = 99999999999999999999\n", "milliseconds", 3},
      {good + "connect-timeout-ms = -1\n", "milliseconds", 3},
      {good + "log = " + std::string(300, 'x') + "\n", "too long", 3},
      {good + "#" + std::string(2000, 'x') + "\n", "too long", 3},
      {good + std::string("deny = \0\n", 9), "not text", 3},
      {good + std::string("\x7f"
                          "ELF\x02\x01\x01\0\0\0",
                          10),
       "not text", 3},
      {good + std::string(65536, '\n'), "64 KiB", 0},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text.substr(0, 100));
    const File file(row.text);
    const vgpu_configuration found = read_configuration(file.path);
    CHECK(found.configured.bad);
    CHECK_FALSE(found.configured.early);
    CHECK(std::string(found.executor) == "");
    REQUIRE(found.problem != nullptr);
    CHECK(std::string(found.problem).find(row.problem) != std::string::npos);
    CHECK(found.line == row.line);
  }
}

TEST_CASE("the largest file is read, and what is no regular file is bad at once") {
  std::string text = "executor = unix:/s\n";
  text.resize(65536, '\n');
  const File largest(text);
  CHECK(read_configuration(largest.path).problem == nullptr);

  const TemporaryFolder folder;
  CHECK(read_configuration(folder.path()).configured.bad);
  const std::string pipe = folder.path() + "/pipe";
  REQUIRE(mkfifo(pipe.c_str(), 0600) == 0);
  CHECK(read_configuration(pipe).configured.bad);
  CHECK(read_configuration("/dev/zero").configured.bad);
}

TEST_CASE("a file that may not be read is bad") {
  const File file("executor = unix:/s\n");
  REQUIRE(chmod(file.path.c_str(), 0) == 0);
  REQUIRE(chmod(file.folder.path().c_str(), 0755) == 0);
  const Outcome outcome = run_guest({}, [&file] {
    // Root may read everything.
    if (geteuid() == 0 && setuid(65534) != 0) return Values{-1};
    const vgpu_configuration found = read_configuration(file.path);
    return Values{found.configured.bad, std::string(found.problem).find("may not") != std::string::npos};
  });
  CHECK(outcome.values == Values{1, 1});
}

TEST_CASE("with few descriptors allowed the connection has the highest one that is free") {
  FakeExecutor executor;
  const Outcome outcome = run_with(executor, [] {
    rlimit few{};
    getrlimit(RLIMIT_NOFILE, &few);
    few.rlim_cur = 64;
    setrlimit(RLIMIT_NOFILE, &few);
    // The last but one is free.
    const int taken = dup2(0, 63);
    const CUresult result = start_context();
    struct stat status {};
    return Values{taken, result, fstat(62, &status), S_ISSOCK(status.st_mode)};
  });
  CHECK(outcome.values == Values{63, 0, 0, 1});
}

TEST_CASE("threads whose first CUDA call comes at once share one attempt to connect") {
  Peer peer;
  Guest guest(peer.environment(), [] {
    std::atomic<int> succeeded = 0;
    std::vector<std::thread> threads;
    threads.reserve(kThreads);
    for (int i = 0; i < kThreads; ++i) {
      threads.emplace_back([&succeeded] { succeeded += cuInit(0) == CUDA_SUCCESS; });
    }
    for (std::thread& thread : threads) thread.join();
    return Values{succeeded};
  });
  Connection connection = peer.accept();
  connection.read_hello();
  std::this_thread::sleep_for(20ms);
  connection.introduce();
  CHECK(guest.finish().values == Values{kThreads});
  CHECK_FALSE(peer.has_caller(0ms));
}

TEST_CASE("threads do not wait longer for another's attempt than it may take") {
  Peer peer;
  Guest guest(peer.environment(), [] {
    std::atomic<int> refused = 0;
    std::vector<std::thread> threads;
    threads.reserve(kThreads);
    for (int i = 0; i < kThreads; ++i) {
      threads.emplace_back([&refused] { refused += cuInit(0) == CUDA_ERROR_NO_DEVICE; });
    }
    for (std::thread& thread : threads) thread.join();
    return Values{refused};
  });
  const Connection connection = peer.accept();  // and says nothing
  CHECK(guest.finish().values == Values{kThreads});
  CHECK_FALSE(peer.has_caller(0ms));
}

TEST_CASE("the journal gets a line as an entry of fields") {
  const TemporaryFolder folder;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = folder.path() + "/journal";
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  const int journal = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  REQUIRE(bind(journal, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  const Outcome outcome = run_guest({{"VGPU_LOG", "journal:" + path}}, [] { return Values{cuInit(0)}; });
  CHECK(outcome.values == Values{CUDA_ERROR_NO_DEVICE});
  char entry[2048] = "";
  CHECK(recv(journal, entry, sizeof entry - 1, MSG_DONTWAIT) > 0);
  CHECK(std::string(entry) ==
        "PRIORITY=5\nSYSLOG_IDENTIFIER=vgpu\nVGPU_PROGRAM=preload_shim_test\nMESSAGE=preload_shim_test: no "
        "executor: VGPU_EXECUTOR is not set, and /etc/vgpu/shim.conf names none\n");
  close(journal);
}

TEST_CASE("a journal that is not there, or that nobody reads, holds nothing up") {
  const TemporaryFolder folder;
  for (const std::string& path : {folder.path() + "/none", std::string(200, 'x')}) {
    const Outcome outcome = run_guest({{"VGPU_LOG", "journal:" + path}}, [] { return Values{cuInit(0)}; });
    CHECK(outcome.values == Values{CUDA_ERROR_NO_DEVICE});
  }
}

}  // namespace
}  // namespace vgpu::test
