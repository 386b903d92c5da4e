// What goes wrong below JavaScript. The TypeScript side has checked arguments before; these errors keep a
// mistake there, or an array that changed since, from becoming an access outside it.
#pragma once

#include <cstddef>
#include <stdexcept>
#include <string>

namespace vgpu::compute {

enum class ErrorKind {
  argument,
  capacity,
  overlap,
  memoryLimit,
  outOfMemory,
  divisionByZero,
  singular,
  aborted
};

class Error : public std::runtime_error {
 public:
  /** `first` and `second` are the two numbers that the message names, if there are any. */
  Error(ErrorKind kind, const std::string& message, std::size_t first = 0, std::size_t second = 0)
      : std::runtime_error(message), kind_(kind), first_(first), second_(second) {}

  [[nodiscard]] ErrorKind kind() const { return kind_; }
  [[nodiscard]] std::size_t first() const { return first_; }
  [[nodiscard]] std::size_t second() const { return second_; }

 private:
  ErrorKind kind_;
  std::size_t first_;
  std::size_t second_;
};

}  // namespace vgpu::compute
