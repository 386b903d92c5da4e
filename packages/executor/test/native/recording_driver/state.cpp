#include "state.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

#include "recording_driver.h"

namespace vgpu::executor::test {
namespace {

// In the window of the real backend, and away from where the sanitizers have their own memory.
constexpr std::uint64_t kFirstAddress = 0x2800'0000'0000;
constexpr std::size_t kPage = 4096;

std::size_t pages(std::size_t bytes) {
  return (bytes + kPage - 1) / kPage * kPage;
}

void add_rules(const char* text) {
  if (text == nullptr) return;
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    const auto equals = word.find('=');
    state().rules[word.substr(0, equals)] = equals == std::string::npos ? "" : word.substr(equals + 1);
  }
}

void reset() {
  for (const auto& [address, range] : state().memory) {
    if (!range.registered) munmap(reinterpret_cast<void*>(address), pages(range.bytes));
  }
  state() = State{};
  add_rules(std::getenv("VGPU_RECORDING_RULES"));
}

void rule(const char* call, const char* answer) {
  state().rules[call] = answer;
}
const char* calls() {
  return state().lines.c_str();
}
void clear_calls() {
  state().lines.clear();
}
std::uint64_t alive() {
  return state().objects.size() + state().memory.size();
}

}  // namespace

State& state() {
  static State the_state;
  return the_state;
}

CUresult record(const char* call, std::initializer_list<Argument> arguments) {
  static const bool prepared = (add_rules(std::getenv("VGPU_RECORDING_RULES")), true);
  static_cast<void>(prepared);
  std::ostringstream line;
  line << call;
  for (const auto& [name, value] : arguments) line << ' ' << name << '=' << value;
  state().lines += line.str() + "\n";
  const auto found = state().rules.find(call);
  if (found == state().rules.end()) return CUDA_SUCCESS;
  if (found->second == "hang") {
    for (;;) pause();
  }
  if (found->second == "exit") _exit(7);
  return static_cast<CUresult>(std::strtol(found->second.c_str(), nullptr, 10));
}

bool has_rule(const char* call, const char* answer) {
  const auto found = state().rules.find(call);
  return found != state().rules.end() && found->second == answer;
}

std::uint64_t create() {
  state().objects.insert(state().next_object);
  return state().next_object++;
}

CUresult forget(std::uint64_t object) {
  return state().objects.erase(object) == 1 ? CUDA_SUCCESS : CUDA_ERROR_INVALID_HANDLE;
}

CUresult later(std::function<void()> work) {
  state().work.push_back(std::move(work));
  return CUDA_SUCCESS;
}

void work_until(std::size_t piece) {
  while (!state().work.empty() && state().done < piece) {
    state().work.front()();
    state().work.pop_front();
    ++state().done;
  }
}

std::uint64_t allocate(std::size_t bytes, bool host) {
  static std::uint64_t next = kFirstAddress;
  void* wanted = host ? nullptr : reinterpret_cast<void*>(next);
  void* mapped = mmap(wanted, pages(bytes), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) std::abort();
  next += pages(bytes) + kPage;
  const auto address = reinterpret_cast<std::uint64_t>(mapped);
  state().memory[address] = Range{bytes, host, false};
  return address;
}

CUresult release(std::uint64_t address) {
  const auto found = state().memory.find(address);
  if (found == state().memory.end()) return CUDA_ERROR_INVALID_VALUE;
  // Freeing waits for the device.
  work_until();
  if (!found->second.registered) munmap(reinterpret_cast<void*>(address), pages(found->second.bytes));
  state().memory.erase(found);
  return CUDA_SUCCESS;
}

}  // namespace vgpu::executor::test

extern "C" __attribute__((visibility("default"))) const vgpu::executor::test::Recording vgpu_recording = {
    vgpu::executor::test::reset, vgpu::executor::test::rule, vgpu::executor::test::calls,
    vgpu::executor::test::clear_calls, vgpu::executor::test::alive};
