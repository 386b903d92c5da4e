#include "observe.h"

#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <exception>
#include <set>
#include <stdexcept>
#include <system_error>

#include "variant.h"

namespace vgpu::crowd {
namespace {

using Clock = std::chrono::steady_clock;

constexpr rlim_t kFileLimit = 4 << 20;
constexpr int kNotStarted = 126;

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

/// A file without a name.
class Memory {
 public:
  Memory() : descriptor_(memfd_create("crowd", MFD_CLOEXEC)) {
    if (descriptor_ < 0) fail("memfd_create");
  }
  ~Memory() { close(descriptor_); }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;

  [[nodiscard]] int descriptor() const { return descriptor_; }
  [[nodiscard]] std::string content() const {
    std::string text;
    char buffer[1 << 16];
    for (ssize_t got;
         (got = pread(descriptor_, buffer, sizeof buffer, static_cast<off_t>(text.size()))) != 0;) {
      if (got < 0) fail("pread");
      text.append(buffer, static_cast<std::size_t>(got));
    }
    return text;
  }

 private:
  int descriptor_;
};

void become(unsigned user) {
  if (user == 0) return;
  if (setgroups(0, nullptr) != 0 || setgid(user) != 0 || setuid(user) != 0) fail("setuid");
}

[[noreturn]] void run_child(const std::string& variant, const std::vector<std::string>& command,
                            unsigned user, const Memory& output, const Memory& errors) {
  try {
    raise(SIGSTOP);  // until the observer has seized this process
    setsid();
    const int nothing = open("/dev/null", O_RDONLY);
    if (dup2(nothing, STDIN_FILENO) < 0 || dup2(output.descriptor(), STDOUT_FILENO) < 0 ||
        dup2(errors.descriptor(), STDERR_FILENO) < 0) {
      fail("dup2");
    }
    if (nothing > STDERR_FILENO) close(nothing);
    const rlimit file{kFileLimit, kFileLimit};
    if (setrlimit(RLIMIT_FSIZE, &file) != 0) fail("setrlimit");
    std::vector<char*> arguments;
    arguments.reserve(command.size() + 1);
    for (const std::string& argument : command) arguments.push_back(const_cast<char*>(argument.c_str()));
    arguments.push_back(nullptr);
    // As root where that is needed; what gives up rights comes last.
    if (variant == "chroot") apply_variant(variant);
    become(user);
    if (variant != "chroot") apply_variant(variant);
    execv(arguments[0], arguments.data());
    _exit(kNotStarted);
  } catch (const std::exception& error) {
    dprintf(errors.descriptor(), "%s", error.what());
    _exit(kNotStarted);
  }
}

unsigned open_descriptors(pid_t process) {
  DIR* folder = opendir(("/proc/" + std::to_string(process) + "/fd").c_str());
  unsigned count = 0;
  while (folder != nullptr && readdir(folder) != nullptr) ++count;
  if (folder != nullptr) closedir(folder);
  return count;
}

/// The process and all that comes from it.
class Tracer {
 public:
  Tracer(pid_t process, Clock::time_point deadline, Observation& observation)
      : process_(process), deadline_(deadline), observation_(observation) {
    int status = 0;
    if (waitpid(process, &status, WUNTRACED) != process) fail("waitpid");
    constexpr long kOptions = PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
                              PTRACE_O_TRACEEXIT | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;
    if (ptrace(PTRACE_SEIZE, process, nullptr, kOptions) != 0) fail("PTRACE_SEIZE");
    kill(process, SIGCONT);
    tracees_.insert(process);
  }

  ~Tracer() { kill_all(); }
  Tracer(const Tracer&) = delete;
  Tracer& operator=(const Tracer&) = delete;

  /// Until the process has ended or the time is over.
  void run() {
    while (!ended_) {
      int status = 0;
      const pid_t changed = waitpid(-1, &status, __WALL | WNOHANG);
      if (changed < 0 && errno == ECHILD) return;
      if (changed > 0) {
        handle(changed, status);
      } else if (Clock::now() >= deadline_) {
        observation_.ending = "time limit";
        return;
      } else {
        usleep(200);
      }
    }
  }

 private:
  void handle(pid_t task, int status) {
    if (WIFEXITED(status) || WIFSIGNALED(status)) {
      tracees_.erase(task);
      if (task == process_) end(status);
      return;
    }
    if (!WIFSTOPPED(status)) return;
    tracees_.insert(task);
    const int event = status >> 16;
    const int signal = WSTOPSIG(status);
    if (event == PTRACE_EVENT_EXEC) started_ = true;
    if (event == PTRACE_EVENT_CLONE && started_) ++observation_.threads;
    if ((event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_VFORK) && started_) ++observation_.children;
    if (event == PTRACE_EVENT_EXIT && task == process_) observation_.descriptors = open_descriptors(task);
    if (event == PTRACE_EVENT_STOP && signal != SIGTRAP) {
      ptrace(PTRACE_LISTEN, task, nullptr, nullptr);  // it has been stopped by a signal, and stays so
    } else {
      ptrace(PTRACE_CONT, task, nullptr, event == 0 ? signal : 0);
    }
  }

  void end(int status) {
    ended_ = true;
    if (WIFSIGNALED(status)) {
      observation_.ending = "signal " + std::to_string(WTERMSIG(status));
    } else {
      observation_.ending = "exit " + std::to_string(WEXITSTATUS(status));
    }
    if (!started_) observation_.ending = "not started";
  }

  void kill_all() {
    for (const Clock::time_point limit = Clock::now() + std::chrono::seconds(5); Clock::now() < limit;) {
      for (const pid_t task : tracees_) kill(task, SIGKILL);
      int status = 0;
      const pid_t changed = waitpid(-1, &status, __WALL | WNOHANG);
      if (changed < 0 && errno == ECHILD) return;
      if (changed == 0) usleep(200);
      if (changed <= 0) continue;
      if (WIFSTOPPED(status)) {
        tracees_.insert(changed);
        kill(changed, SIGKILL);
        ptrace(PTRACE_CONT, changed, nullptr, nullptr);
      } else {
        tracees_.erase(changed);
      }
    }
  }

  pid_t process_;
  Clock::time_point deadline_;
  Observation& observation_;
  std::set<pid_t> tracees_;
  bool started_ = false;
  bool ended_ = false;
};

}  // namespace

Observation observe(const std::string& variant, const std::vector<std::string>& command, unsigned user,
                    std::chrono::milliseconds limit) {
  const Memory output;
  const Memory errors;
  Observation observation;
  const pid_t process = fork();
  if (process < 0) fail("fork");
  if (process == 0) run_child(variant, command, user, output, errors);
  {
    Tracer tracer(process, Clock::now() + limit, observation);
    tracer.run();
  }
  observation.output = output.content();
  observation.errors = errors.content();
  return observation;
}

}  // namespace vgpu::crowd
