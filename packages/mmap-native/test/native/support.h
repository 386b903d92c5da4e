// What the tests of the system layer share on Linux and macOS.
#pragma once

#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <stdexcept>

#include "common/support.h"

namespace vgpu::test {

/** Runs `work` in a process of its own, which ends with what it returns. Gives waitpid()'s status. */
template <typename Work>
int inChild(Work work) {
  const pid_t child = fork();
  if (child < 0) throw std::runtime_error("fork failed");
  if (child == 0) _exit(work());
  int status = 0;
  if (waitpid(child, &status, 0) != child) throw std::runtime_error("waitpid failed");
  return status;
}

}  // namespace vgpu::test
