// A program that uses the guest library: a forked child of the test, because the library's state is per
// process.
#pragma once

#include <doctest/doctest.h>
#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace vgpu::test {

using Environment = std::map<std::string, std::string>;

/// What the child's code reports; it has no other way to talk.
using Values = std::vector<std::int64_t>;

struct Outcome {
  Values values;
  std::string output;  // stdout and stderr together: the library must never write there
  std::string log;     // what it wrote to VGPU_LOG
  int status = -1;     // as waitpid reports it; 0 when the code ran to its end
  std::chrono::milliseconds elapsed{};
};

/// A folder of its own, with everything in it removed at the end.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// An upper bound on a duration, longer under valgrind and sanitizers, and always with room for a busy
/// machine. What is to be told apart, an answer at once from a timeout, differs by more.
std::chrono::milliseconds at_most(std::chrono::milliseconds expected);

class Guest {
 public:
  /// Runs `code` in a child with only `environment` (and VGPU_LOG). Killed after 60 s.
  Guest(const Environment& environment, const std::function<Values()>& code);
  /// Kills a child that nobody waited for.
  ~Guest();
  Guest(const Guest&) = delete;
  Guest& operator=(const Guest&) = delete;

  /// Waits for the child's end. Checks that it ended by itself and wrote nothing to stdout or stderr.
  Outcome finish();

 private:
  TemporaryFolder folder_;
  pid_t process_ = -1;
  int values_ = -1;
  int output_ = -1;
  std::chrono::steady_clock::time_point start_;
};

/// A guest without a peer.
Outcome run_guest(const Environment& environment, const std::function<Values()>& code);

/// Ends a process that guest code forked, with exit status 0 or 1. By way of another program: what other
/// threads of the parent owned is no leak in the child, but valgrind would call it one.
[[noreturn]] void leave(bool good);

/// What the guest code sees as AT_SECURE, in this process and the children it starts.
void pretend_privileged(bool privileged);

}  // namespace vgpu::test

template <>
struct doctest::StringMaker<vgpu::test::Values> {
  static String convert(const vgpu::test::Values& values) {
    std::string text;
    for (const std::int64_t value : values) text += (text.empty() ? "" : ", ") + std::to_string(value);
    return text.c_str();
  }
};
