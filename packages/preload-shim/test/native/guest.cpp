#include "guest.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/auxv.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>
#include <stdexcept>
#include <system_error>

namespace vgpu::test {
namespace {

constexpr unsigned kTimeLimitSeconds = 60;

bool privileged = false;

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

std::string read_all(int descriptor) {
  std::string text;
  char buffer[4096];
  for (ssize_t got; (got = read(descriptor, buffer, sizeof buffer)) != 0;) {
    if (got > 0) text.append(buffer, static_cast<std::size_t>(got));
    if (got < 0 && errno != EINTR) fail("read");
  }
  close(descriptor);
  return text;
}

[[noreturn]] void run_child(const Environment& environment, const std::string& log, int values, int output,
                            const std::function<Values()>& code) {
  alarm(kTimeLimitSeconds);
  if (dup2(output, STDOUT_FILENO) < 0 || dup2(output, STDERR_FILENO) < 0) _exit(120);
  clearenv();
  setenv("VGPU_LOG", log.c_str(), 1);
  for (const auto& [name, value] : environment) setenv(name.c_str(), value.c_str(), 1);
  int status = 0;
  try {
    const Values result = code();
    const std::size_t bytes = result.size() * sizeof(Values::value_type);
    if (write(values, result.data(), bytes) != static_cast<ssize_t>(bytes)) status = 121;
  } catch (...) {
    status = 122;
  }
  // Not exit: the test framework's own ending belongs to the parent.
  _exit(status);
}

}  // namespace

#ifdef __SANITIZE_THREAD__
// Guests fork, and some of their children start threads.
extern "C" const char* __tsan_default_options() {
  return "die_after_fork=0";
}
#endif

// The test program is linked with --wrap=getauxval, so that no setuid program is needed.
extern "C" unsigned long __real_getauxval(unsigned long type);
extern "C" unsigned long __wrap_getauxval(unsigned long type) {
  return type == AT_SECURE ? static_cast<unsigned long>(privileged) : __real_getauxval(type);
}

void leave(bool good) {
  const char* program = good ? "/bin/true" : "/bin/false";
  execl(program, program, nullptr);
  _exit(123);
}

void pretend_privileged(bool value) {
  privileged = value;
}

TemporaryFolder::TemporaryFolder() {
  // Short: a socket's path has at most 107 bytes.
  char name[] = "/tmp/vgpu-guest-XXXXXX";
  if (mkdtemp(name) == nullptr) fail("mkdtemp");
  path_ = name;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::chrono::milliseconds at_most(std::chrono::milliseconds expected) {
  const char* preloaded = getenv("LD_PRELOAD");
  const bool valgrind = preloaded != nullptr && std::string(preloaded).find("vgpreload") != std::string::npos;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  constexpr int kSlower = 2;
#else
  constexpr int kSlower = 1;
#endif
  // Where a timeout is waited for, a busy machine may take longer still; none of the others is so near.
  const std::chrono::milliseconds busy(expected >= std::chrono::milliseconds(400) ? 2500 : 250);
  return expected * (valgrind ? 20 : kSlower) + busy;
}

Guest::Guest(const Environment& environment, const std::function<Values()>& code) {
  int values[2];
  int output[2];
  if (pipe2(values, O_CLOEXEC) != 0 || pipe2(output, O_CLOEXEC) != 0) fail("pipe");
  // Or the child would hold what the test framework has not written yet, and valgrind flushes that when it
  // ends.
  std::cout.flush();
  std::fflush(nullptr);
  start_ = std::chrono::steady_clock::now();
  process_ = fork();
  if (process_ < 0) fail("fork");
  if (process_ == 0) run_child(environment, folder_.path() + "/log", values[1], output[1], code);
  close(values[1]);
  close(output[1]);
  values_ = values[0];
  output_ = output[0];
}

Guest::~Guest() {
  if (process_ < 0) return;
  kill(process_, SIGKILL);
  waitpid(process_, nullptr, 0);
  close(values_);
  close(output_);
}

Outcome Guest::finish() {
  Outcome outcome;
  const std::string bytes = read_all(values_);
  outcome.elapsed =
      std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start_);
  outcome.output = read_all(output_);
  while (waitpid(process_, &outcome.status, 0) < 0 && errno == EINTR) {
  }
  process_ = -1;
  outcome.values.resize(bytes.size() / sizeof(Values::value_type));
  std::copy_n(bytes.data(), outcome.values.size() * sizeof(Values::value_type),
              reinterpret_cast<char*>(outcome.values.data()));
  std::stringstream log;
  log << std::ifstream(folder_.path() + "/log").rdbuf();
  outcome.log = log.str();
  CHECK_MESSAGE(outcome.status == 0, "the guest ended with wait status " << outcome.status);
  CHECK(outcome.output == "");
  return outcome;
}

Outcome run_guest(const Environment& environment, const std::function<Values()>& code) {
  return Guest(environment, code).finish();
}

}  // namespace vgpu::test
