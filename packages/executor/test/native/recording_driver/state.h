// What the recording driver keeps: lines, rules, objects, memory, and work that waits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <set>
#include <sstream>
#include <string>

#include "cuda_abi.h"

namespace vgpu::executor::test {

struct Range {
  std::size_t bytes = 0;
  bool host = false;
  bool registered = false;  // mapped by somebody else
};

struct State {
  std::string lines;
  std::map<std::string, std::string, std::less<>> rules;
  std::uint64_t next_object = 0x100;
  std::set<std::uint64_t> objects;
  std::map<std::uint64_t, Range> memory;
  std::deque<std::function<void()>> work;
  std::map<std::uint64_t, std::size_t>
      marks;  // event → how much work was ahead of it, counted from the beginning
  std::size_t done = 0;
  std::uint64_t current_context = 0;
};

State& state();

/// Parts of a call's line: "name=value".
struct Argument {
  const char* name;
  std::uint64_t value;
};

/// Writes the line, and applies a rule: the result to return at once, or CUDA_SUCCESS to go on with the
/// behaviour.
CUresult record(const char* call, std::initializer_list<Argument> arguments);
bool has_rule(const char* call, const char* answer);

/// A new object's handle; forget() gives it back.
std::uint64_t create();
CUresult forget(std::uint64_t object);

/// Work for later. Order is kept over all streams.
CUresult later(std::function<void()> work);
/// Does the work up to this many pieces since the beginning; all by default.
void work_until(std::size_t piece = SIZE_MAX);

/// Memory of `bytes`, at an address of the window unless `host`.
std::uint64_t allocate(std::size_t bytes, bool host);
CUresult release(std::uint64_t address);

template <typename Handle>
std::uint64_t number(Handle handle) {
  return reinterpret_cast<std::uint64_t>(handle);
}
template <typename Handle>
Handle handle(std::uint64_t number) {
  return reinterpret_cast<Handle>(number);
}

}  // namespace vgpu::executor::test
