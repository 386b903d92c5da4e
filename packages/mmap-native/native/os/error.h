// A system call that failed.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>

namespace vgpu::os {

/** What callers can act on. Everything else is `io`, with the system's own number and name. */
enum class ErrorKind : std::uint8_t { exists, notFound, access, noSpace, locked, unsupported, io };

class Error : public std::runtime_error {
 public:
  /** `number` is errno, or GetLastError() on Windows. */
  Error(const char* call, std::int64_t number, std::string path);

  [[nodiscard]] ErrorKind kind() const noexcept { return kind_; }
  [[nodiscard]] const char* call() const noexcept { return call_; }
  [[nodiscard]] std::int64_t number() const noexcept { return number_; }
  /** The number's own name, such as ENOSPC or ERROR_DISK_FULL; the number as text where there is none. */
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

 private:
  ErrorKind kind_;
  const char* call_;
  std::int64_t number_;
  std::string name_;
  std::string path_;
};

}  // namespace vgpu::os
