// Owns a file descriptor.
#pragma once

#include <unistd.h>

#include <utility>

namespace vgpu::executor {

class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int number) : number_(number) {}
  ~FileDescriptor() { reset(); }
  FileDescriptor(FileDescriptor&& other) noexcept : number_(other.release()) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    if (this != &other) {
      reset();
      number_ = other.release();
    }
    return *this;
  }
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;

  [[nodiscard]] int get() const { return number_; }
  explicit operator bool() const { return number_ >= 0; }
  int release() { return std::exchange(number_, -1); }
  // close() has freed the number even where it reports an error, and nothing here writes to files.
  void reset() {
    if (number_ >= 0) static_cast<void>(close(std::exchange(number_, -1)));
  }

 private:
  int number_ = -1;
};

}  // namespace vgpu::executor
