// Runs a program under ptrace, and counts what it does that nobody sees in its output.
#pragma once

#include <chrono>
#include <string>
#include <vector>

namespace vgpu::crowd {

struct Observation {
  std::string ending;  // "exit 0", "signal 11", "time limit", "not started: …"
  std::string output;  // stdout
  std::string errors;  // stderr
  unsigned threads = 0;
  unsigned children = 0;
  unsigned descriptors = 0;  // that are open when it ends
};

/// Runs `command` in the current folder with /dev/null for its stdin, under the circumstances `variant`, as
/// user and group `user` unless that is 0. What it leaves running is killed.
Observation observe(const std::string& variant, const std::vector<std::string>& command, unsigned user,
                    std::chrono::milliseconds limit);

}  // namespace vgpu::crowd
