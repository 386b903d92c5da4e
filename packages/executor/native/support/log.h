// The log: one line per event on a file descriptor (stderr), in one write so that processes do not mix lines.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

namespace vgpu::executor {

enum class Level { debug, info, warning, error };

/// "2026-01-31T12:00:00.000Z warning [4711 vector_add/42] message". Safe to use from several threads.
class Log {
 public:
  explicit Log(int file_descriptor, Level least = Level::info);

  /// Who the following lines are about: the client's program and its process id as it gave them.
  void set_client(std::string_view program, std::uint32_t process_id);
  void write(Level level, std::string_view message);

 private:
  bool take_allowance();

  int file_descriptor_;
  Level least_;
  std::mutex mutex_;
  std::string client_;
  std::chrono::steady_clock::time_point refilled_;
  double allowance_;
  std::uint64_t suppressed_ = 0;
};

/// `text` without anything that could end a line or control a terminal.
std::string printable(std::string_view text);

}  // namespace vgpu::executor
