#include "execution/observation.h"

#include <array>

#include "execution/observed_access.h"
#include "execution/observer.h"

namespace vgpu::software {
namespace {

BlockObserver& observer_of(const Warp* warp) {
  return *warp->block->observer;
}

const Instruction* run_plain(const Instruction* in, Warp* warp) {
  const HandlerTables& tables = warp->block->launch->plain_tables;
  const Handler* handlers = warp->active == kAllLanes ? tables.full : tables.masked;
  return handlers[static_cast<std::uint16_t>(in->operation)](in, warp);
}

/// Whether lanes come to an instruction for the first time, and not back to it after waiting.
bool is_new(const Warp* warp) {
  return !warp->released;
}

/// Whether lanes are about to wait for the rest of the warp, with which they will execute the instruction.
bool is_too_early(const Instruction* in, const Warp* warp) {
  return lanes_are_missing(warp) && takes_whole_warp(in->operation);
}

const Instruction* run_told(const Instruction* in, Warp* warp) {
  if (is_new(warp) && !is_too_early(in, warp)) observer_of(warp).executes(*scheduled(warp), *in);
  return run_plain(in, warp);
}

const Instruction* run_access(const Instruction* in, Warp* warp) {
  if (is_too_early(in, warp)) return run_plain(in, warp);
  observer_of(warp).executes(*scheduled(warp), *in);
  const LaneMask active = warp->active;
  const LaneMask allowed = tell_accesses(observer_of(warp), *scheduled(warp), *in);
  if (allowed == active) return run_plain(in, warp);
  if (allowed == 0 || takes_whole_warp(in->operation)) return in + 1;
  set_active(warp, allowed);
  const Instruction* next = run_plain(in, warp);
  set_active(warp, active);
  return next;
}

const Instruction* run_barrier(const Instruction* in, Warp* warp) {
  if (is_new(warp)) {
    observer_of(warp).executes(*scheduled(warp), *in);
    observer_of(warp).arrives({
        .warp = *scheduled(warp),
        .instruction = *in,
        .lanes = warp->active,
        .number = uniform_value(warp, in->a),
        .expected = (in->flags & kNoThreadCount) != 0 ? 0 : uniform_value(warp, in->b),
        .waits = in->operation != Operation::barrier_arrive,
    });
  }
  return run_plain(in, warp);
}

std::uint32_t member_row(const Instruction& in) {
  switch (in.operation) {
    case Operation::shfl_up:
    case Operation::shfl_down:
    case Operation::shfl_bfly:
    case Operation::shfl_idx:
      return in.d;
    case Operation::warp_sync:
      return in.a;
    default:
      return in.b;
  }
}

/// Lanes may name different members: each group its own.
void tell_exchange(const Instruction* in, Warp* warp) {
  const auto* masks = frame_row<const std::uint32_t>(warp, member_row(*in));
  for (LaneMask lanes = warp->active; lanes != 0;) {
    const LaneMask members = masks[__builtin_ctz(lanes)];
    const LaneMask group = lanes_naming(warp, masks, members);
    observer_of(warp).arrives_for_exchange(*scheduled(warp), *in, group, members);
    if (!lanes_are_apart(warp, members))
      observer_of(warp).lanes_meet(*scheduled(warp), members & warp->active);
    lanes &= ~group;
  }
}

const Instruction* run_exchange(const Instruction* in, Warp* warp) {
  const auto* masks = frame_row<const std::uint32_t>(warp, member_row(*in));
  if (is_new(warp) && !lanes_must_part(warp, masks)) {
    observer_of(warp).executes(*scheduled(warp), *in);
    tell_exchange(in, warp);
  }
  return run_plain(in, warp);
}

constexpr Operation kAccesses[] = {
    Operation::ld_u8_16,       Operation::ld_u8_32,   Operation::ld_u8_64,       Operation::ld_s8_16,
    Operation::ld_s8_32,       Operation::ld_s8_64,   Operation::ld_u16_16,      Operation::ld_u16_32,
    Operation::ld_u16_64,      Operation::ld_s16_32,  Operation::ld_s16_64,      Operation::ld_u32_32,
    Operation::ld_u32_64,      Operation::ld_s32_64,  Operation::ld_u64_64,      Operation::st_8_16,
    Operation::st_8_32,        Operation::st_8_64,    Operation::st_16_16,       Operation::st_16_32,
    Operation::st_16_64,       Operation::st_32_32,   Operation::st_32_64,       Operation::st_64_64,
    Operation::atom_any,       Operation::copy_async, Operation::mbarrier_init,  Operation::mbarrier_arrive,
    Operation::mbarrier_test,  Operation::ldmatrix,   Operation::ldmatrix_trans, Operation::load_fragment,
    Operation::store_fragment,
};
constexpr Operation kBarriers[] = {
    Operation::barrier_sync,    Operation::barrier_arrive, Operation::barrier_red_popc,
    Operation::barrier_red_and, Operation::barrier_red_or,
};
constexpr Operation kExchanges[] = {
    Operation::shfl_up,      Operation::shfl_down,    Operation::shfl_bfly,    Operation::shfl_idx,
    Operation::vote_all,     Operation::vote_any,     Operation::vote_uni,     Operation::vote_ballot,
    Operation::match_any_32, Operation::match_any_64, Operation::match_all_32, Operation::match_all_64,
    Operation::redux,        Operation::warp_sync,
};

using Table = std::array<Handler, static_cast<std::size_t>(Operation::count)>;

Table make_table() {
  Table table;
  table.fill(run_told);
  const auto add = [&table](std::span<const Operation> operations, Handler handler) {
    for (const Operation operation : operations) table[static_cast<std::size_t>(operation)] = handler;
  };
  add(kAccesses, run_access);
  add(kBarriers, run_barrier);
  add(kExchanges, run_exchange);
  // These are the decoder's, not the program's.
  for (const Operation operation : {Operation::guard, Operation::join}) {
    table[static_cast<std::size_t>(operation)] = run_plain;
  }
  return table;
}

}  // namespace

HandlerTables observed_tables() {
  static const Table table = make_table();
  return {table.data(), table.data()};
}

}  // namespace vgpu::software
