#include "support/log.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>
#include <utility>

namespace vgpu::executor {
namespace {

// What a client does wrong is logged, so a client could fill the disk: a burst is let through, then a
// trickle.
constexpr double kBurstLines = 200;
constexpr double kLinesPerSecond = 10;

std::string_view name(Level level) {
  switch (level) {
    case Level::debug:
      return "debug";
    case Level::info:
      return "info";
    case Level::warning:
      return "warning";
    case Level::error:
      return "error";
  }
  return "?";
}

std::string timestamp() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  tm parts{};
  gmtime_r(&now.tv_sec, &parts);
  std::array<char, 40> text{};
  const std::size_t length = strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  snprintf(text.data() + length, text.size() - length, ".%03ldZ", now.tv_nsec / 1'000'000);
  return text.data();
}

}  // namespace

Log::Log(int file_descriptor, Level least)
    : file_descriptor_(file_descriptor),
      least_(least),
      refilled_(std::chrono::steady_clock::now()),
      allowance_(kBurstLines) {}

void Log::set_client(std::string_view program, std::uint32_t process_id) {
  const std::lock_guard lock(mutex_);
  client_ = " " + printable(program) + "/" + std::to_string(process_id);
}

bool Log::take_allowance() {
  const auto now = std::chrono::steady_clock::now();
  const std::chrono::duration<double> elapsed = now - refilled_;
  refilled_ = now;
  allowance_ = std::min(kBurstLines, allowance_ + elapsed.count() * kLinesPerSecond);
  if (allowance_ < 1) {
    ++suppressed_;
    return false;
  }
  allowance_ -= 1;
  return true;
}

void Log::write(Level level, std::string_view message) {
  if (level < least_) return;
  const std::lock_guard lock(mutex_);
  if (!take_allowance()) return;

  std::string line =
      timestamp() + " " + std::string(name(level)) + " [" + std::to_string(getpid()) + client_ + "] ";
  line += printable(message);
  if (suppressed_ != 0)
    line += " (" + std::to_string(std::exchange(suppressed_, 0)) + " lines before it left out)";
  line += '\n';
  // Nothing can be done about a log that cannot be written, least of all log it.
  [[maybe_unused]] const ssize_t written = ::write(file_descriptor_, line.data(), line.size());
}

std::string printable(std::string_view text) {
  std::string result(text);
  std::ranges::replace_if(
      result, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, '?');
  return result;
}

}  // namespace vgpu::executor
