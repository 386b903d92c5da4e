// What the tests of the system layer share on all systems.
#pragma once

#include <atomic>
#include <filesystem>
#include <string>

#include "os/directory.h"
#include "os/error.h"

namespace vgpu::test {

/** A directory that vanishes with its contents. */
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    static std::atomic<int> count = 0;
    const std::string name =
        "vgpu-test-" + std::to_string(os::processId()) + "-" + std::to_string(count.fetch_add(1));
    const std::filesystem::path folder = std::filesystem::temp_directory_path() / name;
    // What a process of the same number left behind when it crashed.
    std::filesystem::remove_all(folder);
    std::filesystem::create_directory(folder);
    path_ = folder.string();
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  TemporaryDirectory(TemporaryDirectory&&) = delete;
  TemporaryDirectory& operator=(TemporaryDirectory&&) = delete;
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  [[nodiscard]] std::string path(const std::string& name = "") const {
    return name.empty() ? path_ : path_ + "/" + name;
  }

 private:
  std::string path_;
};

/** The name of the error that `work` throws; empty when it throws none. */
template <typename Work>
std::string errorName(Work work) {
  try {
    work();
  } catch (const os::Error& error) {
    return error.name();
  }
  return "";
}

}  // namespace vgpu::test
