// A directory for one test.
#pragma once

#include <doctest/doctest.h>

#include <filesystem>
#include <string>

#include "os/windows/system.h"

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::filesystem::path base = std::filesystem::temp_directory_path();
    static int count = 0;
    path_ = base / ("vgpu-test-" + std::to_string(GetCurrentProcessId()) + "-" + std::to_string(++count));
    std::filesystem::create_directory(path_);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory() {
    std::error_code error;
    std::filesystem::remove_all(path_, error);
    // Something in it is still open: the test let go of too little.
    CHECK_FALSE(error);
  }

  [[nodiscard]] std::string file(const std::string& name) const { return (path_ / name).string(); }
  [[nodiscard]] std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};
