// The statements of random kernels.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "instruction_types.h"
#include "instruction_values.h"
#include "random_kernel.h"

namespace vgpu::software::test {

/// Registers of one kind: %r0, %r1, …
struct RegisterPool {
  char letter;
  unsigned bits;
  unsigned count;
};
inline constexpr std::array<RegisterPool, 7> kPools = {
    {{'p', 1, 6}, {'h', 16, 5}, {'x', 16, 8}, {'r', 32, 8}, {'f', 32, 8}, {'d', 64, 5}, {'g', 64, 4}}};

/// How deep ifs and loops go into each other; each depth has a mask %m and a counter %count of its own.
inline constexpr unsigned kDepths = 4;

/// What may stand at a place of a kernel.
struct Place {
  unsigned depth = 0;
  bool warp = true;      // the lanes in %m<depth> come here together
  bool whole = false;    // and these are all 32
  bool barriers = true;  // all threads of the block come here
  bool leaves = true;    // threads may end here
  bool function = false;
  std::string next;  // labels of the innermost loop, for lanes that go their own way; or empty
  std::string end;
};

class StatementWriter {
 public:
  StatementWriter(Random& random, const RandomKernel& kernel);

  Body body(const Place& place, unsigned statements, std::string end);
  /// From now on the function may be called; a function may call itself.
  void add_function(std::string name) { functions_.push_back(std::move(name)); }
  /// Whether threads may have ended by now.
  [[nodiscard]] bool has_left() const { return exits_ != 0; }

 private:
  Statement statement(const Place& place);
  Statement group(const Place& place);
  Statement plain(const Place& place);

  Statement instruction(const std::vector<std::vector<Row>>& families, const Place& place, bool guarded);
  Statement shuffle(const Place& place);
  Statement special_register();
  Statement branch(const Place& place);
  Statement loop(const Place& place);
  Statement masked_loop(const Place& place);
  Statement table_branch(const Place& place);
  Statement leave(const Place& place);
  Statement barrier();
  Statement exchange();
  Statement input_load();
  Statement column_access();
  Statement mixed_spaces();
  Statement asynchronous_copy();
  Statement counter();
  Statement call(const Place& place);

  /// After a body in which threads may have ended, the mask of those that are left.
  std::string refreshed_mask(const Place& place, unsigned exits_before) const;
  std::string operand(Type type);
  std::string source(const Row& row, Type type, bool& has_constant);
  std::string element_register(unsigned bytes, bool is_load);
  std::string any_of(char letter);
  std::string guard();
  std::string label();
  std::uint64_t below(std::uint64_t bound) { return random_.below(bound); }
  bool chance(std::uint64_t in) { return below(in) == 0; }

  Random& random_;
  const RandomKernel& kernel_;
  MemoryLayout layout_;
  std::vector<std::string> functions_;
  unsigned labels_ = 0;
  unsigned exits_ = 0;  // statements so far at which threads may end
};

/// The rows of the instruction tests, by family: those of single lanes, those that name the members of a
/// warp, and those that need a whole warp.
const std::vector<std::vector<Row>>& lane_rows();
const std::vector<std::vector<Row>>& member_rows();
const std::vector<std::vector<Row>>& whole_warp_rows();

}  // namespace vgpu::software::test
