// Instructions in which the lanes of a warp see each other (PTX ISA 9.0: shfl 9.7.9.6, vote 9.7.13.9, match
// 9.7.13.10, activemask 9.7.13.11), and those that one thread cannot observe at all.
#include <algorithm>
#include <bit>

#include "instruction_coverage.h"
#include "instruction_types.h"

// PTX is put together once for each form; reading like PTX matters more than temporary strings.
// NOLINTBEGIN(performance-inefficient-string-concatenation)
namespace vgpu::software::test {

namespace {

template <class F>
void for_each_active(const Warp& warp, F f) {
  for (unsigned lane = 0; lane < 32; ++lane) {
    if (((warp.active >> lane) & 1) != 0) f(lane);
  }
}

bool is_active(const Warp& warp, unsigned lane) {
  return lane < 32 && ((warp.active >> lane) & 1) != 0;
}

Row warp_row(const std::string& form, const std::string& body, std::vector<Type> destinations,
             std::vector<Type> sources, Row::WarpReference reference) {
  Row row;
  row.form = form;
  row.body = body;
  row.destinations = std::move(destinations);
  row.sources = std::move(sources);
  row.warp_reference = std::move(reference);
  row.immediates = false;
  row.source_values = [](std::size_t /*source*/, std::size_t /*warp*/, std::uint64_t random) {
    return random;
  };
  return row;
}

/// Predicates that are all set, all clear, nearly all of one kind, or mixed, warp by warp.
std::uint64_t voted_value(std::size_t /*source*/, std::size_t warp, std::uint64_t random) {
  switch (warp % 5) {
    case 0:
      return 1;
    case 1:
      return 0;
    case 2:
      return random % 32 == 0 ? 1 : 0;
    case 3:
      return random % 32 == 0 ? 0 : 1;
    default:
      return random & 1;
  }
}

void add_votes(std::vector<Row>& rows) {
  struct Mode {
    std::string name;
    bool (*holds)(std::uint32_t ballot, std::uint32_t active);
  };
  const std::array<Mode, 3> modes = {{
      {"all", [](std::uint32_t ballot, std::uint32_t active) { return ballot == active; }},
      {"any", [](std::uint32_t ballot, std::uint32_t) { return ballot != 0; }},
      {"uni", [](std::uint32_t ballot, std::uint32_t active) { return ballot == 0 || ballot == active; }},
  }};
  for (const bool negated : {false, true}) {
    const std::string operand = negated ? "!$s0" : "$s0";
    const auto ballot_of = [negated](const Warp& warp) {
      std::uint32_t ballot = 0;
      for_each_active(warp, [&](unsigned lane) {
        if (((warp.operands[lane][0] & 1) != 0) != negated) ballot |= 1U << lane;
      });
      return ballot;
    };
    for (const Mode& mode : modes) {
      const std::string form = "vote.sync." + mode.name + ".pred";
      rows.push_back(warp_row(form, "$@" + form + " $d0, " + operand + ", $mask;", {Type::pred}, {Type::pred},
                              [ballot_of, holds = mode.holds](Warp& warp) {
                                const bool result = holds(ballot_of(warp), warp.active);
                                for_each_active(warp, [&](unsigned lane) {
                                  warp.destinations[lane][0] = exactly(result);
                                });
                              }));
    }
    for (const std::string form : {"vote.sync.ballot.b32", "vote.ballot.sync.b32"}) {
      rows.push_back(warp_row(form, "$@" + form + " $d0, " + operand + ", $mask;", {Type::u32}, {Type::pred},
                              [ballot_of](Warp& warp) {
                                const std::uint32_t ballot = ballot_of(warp);
                                for_each_active(warp, [&](unsigned lane) {
                                  warp.destinations[lane][0] = exactly(ballot);
                                });
                              }));
    }
  }
  for (Row& row : rows) row.source_values = voted_value;
}

/// Few different values, so that lanes match; now and then all the same.
std::uint64_t matched_value(std::size_t /*source*/, std::size_t warp, std::uint64_t random) {
  constexpr std::uint64_t kSpread = 0x0000000100000001;  // differs in both halves of a 64-bit value
  return warp % 3 == 0 ? 7 * kSpread : (random % (warp % 7 + 2)) << (random % 2 * 32);
}

void add_matches(std::vector<Row>& rows) {
  for (const Type type : {Type::u32, Type::u64}) {
    const std::string suffix = type == Type::u32 ? ".b32" : ".b64";
    const std::uint64_t value_mask = bits_mask(register_bits(type));
    const auto same = [value_mask](const Warp& warp, unsigned a, unsigned b) {
      return ((warp.operands[a][0] ^ warp.operands[b][0]) & value_mask) == 0;
    };
    const std::string any = "match.any.sync" + suffix;
    Row any_row = warp_row(any, "$@" + any + " $d0, $s0, $mask;", {Type::u32}, {type}, [same](Warp& warp) {
      for_each_active(warp, [&](unsigned lane) {
        std::uint32_t mask = 0;
        for_each_active(warp, [&](unsigned other) { mask |= same(warp, lane, other) ? 1U << other : 0; });
        warp.destinations[lane][0] = exactly(mask);
      });
    });
    any_row.source_values = matched_value;
    rows.push_back(any_row);
    const auto all = [same](const Warp& warp) {
      const auto first = static_cast<unsigned>(std::countr_zero(warp.active));
      bool equal = true;
      for_each_active(warp, [&](unsigned lane) { equal = equal && same(warp, first, lane); });
      return equal;
    };
    const std::string form = "match.all.sync" + suffix;
    Row all_row = warp_row(form, "$@" + form + " $d0|$d1, $s0, $mask;", {Type::u32, Type::pred}, {type},
                           [all](Warp& warp) {
                             const bool equal = all(warp);
                             for_each_active(warp, [&](unsigned lane) {
                               warp.destinations[lane][0] = exactly(equal ? warp.active : 0U);
                               warp.destinations[lane][1] = exactly(equal);
                             });
                           });
    all_row.source_values = matched_value;
    rows.push_back(all_row);
    all_row.body = "$@" + form + " $d0, $s0, $mask;";
    all_row.destinations = {Type::u32};
    all_row.warp_reference = [all](Warp& warp) {
      const std::uint32_t result = all(warp) ? warp.active : 0;
      for_each_active(warp, [&](unsigned lane) { warp.destinations[lane][0] = exactly(result); });
    };
    rows.push_back(all_row);
  }
}

/// redux.sync of the active lanes' values.
void add_reductions(std::vector<Row>& rows) {
  using Step = std::uint32_t (*)(std::uint32_t, std::uint32_t);
  const std::array<std::pair<std::string, Step>, 9> operations = {{
      {"add.u32", [](std::uint32_t a, std::uint32_t b) { return a + b; }},
      {"add.s32", [](std::uint32_t a, std::uint32_t b) { return a + b; }},
      {"min.u32", [](std::uint32_t a, std::uint32_t b) { return std::min(a, b); }},
      {"max.u32", [](std::uint32_t a, std::uint32_t b) { return std::max(a, b); }},
      {"min.s32",
       [](std::uint32_t a, std::uint32_t b) {
         return static_cast<std::uint32_t>(
             std::min(static_cast<std::int32_t>(a), static_cast<std::int32_t>(b)));
       }},
      {"max.s32",
       [](std::uint32_t a, std::uint32_t b) {
         return static_cast<std::uint32_t>(
             std::max(static_cast<std::int32_t>(a), static_cast<std::int32_t>(b)));
       }},
      {"and.b32", [](std::uint32_t a, std::uint32_t b) { return a & b; }},
      {"or.b32", [](std::uint32_t a, std::uint32_t b) { return a | b; }},
      {"xor.b32", [](std::uint32_t a, std::uint32_t b) { return a ^ b; }},
  }};
  for (const auto& [name, step] : operations) {
    const std::string form = "redux.sync." + name;
    rows.push_back(warp_row(
        form, "$@" + form + " $d0, $s0, $mask;", {Type::u32}, {Type::u32}, [step = step](Warp& warp) {
          std::optional<std::uint32_t> result;
          for_each_active(warp, [&](unsigned lane) {
            const auto value = static_cast<std::uint32_t>(warp.operands[lane][0]);
            result = result ? step(*result, value) : value;
          });
          for_each_active(warp, [&](unsigned lane) { warp.destinations[lane][0] = exactly(*result); });
        }));
  }
}

enum class Shuffle { up, down, butterfly, index };

struct Exchange {
  int source;
  bool in_range;
};

Exchange exchange(Shuffle mode, int lane, std::uint32_t b, std::uint32_t c) {
  const int offset = static_cast<int>(b & 31);
  const int clamp = static_cast<int>(c & 31);
  const int segment = static_cast<int>((c >> 8) & 31);
  const int lowest = lane & segment;
  const int bound = lowest | (clamp & ~segment);
  int source = 0;
  switch (mode) {
    case Shuffle::up:
      source = lane - offset;
      return source >= bound ? Exchange{source, true} : Exchange{lane, false};
    case Shuffle::down:
      source = lane + offset;
      break;
    case Shuffle::butterfly:
      source = lane ^ offset;
      break;
    case Shuffle::index:
      source = lowest | (offset & ~segment & 31);
      break;
  }
  return source <= bound ? Exchange{source, true} : Exchange{lane, false};
}

/// `fixed` are the constants of b and c when they are not registers.
Row::WarpReference shuffle_reference(Shuffle mode,
                                     std::optional<std::pair<std::uint32_t, std::uint32_t>> fixed) {
  return [mode, fixed](Warp& warp) {
    for_each_active(warp, [&](unsigned lane) {
      const std::uint32_t b = fixed ? fixed->first : static_cast<std::uint32_t>(warp.operands[lane][1]);
      const std::uint32_t c = fixed ? fixed->second : static_cast<std::uint32_t>(warp.operands[lane][2]);
      const Exchange result = exchange(mode, static_cast<int>(lane), b, c);
      const auto source = static_cast<unsigned>(result.source);
      // What comes from a lane that does not take part is undefined.
      warp.destinations[lane][0] =
          is_active(warp, source) ? Expected(exactly(static_cast<std::uint32_t>(warp.operands[source][0])))
                                  : Expected(anything<std::uint32_t>());
      if (warp.destinations[lane].size() > 1) warp.destinations[lane][1] = exactly(result.in_range);
    });
  };
}

/// b and c as programs use them: widths that are powers of two, the clamp of the mode; sometimes anything.
std::uint64_t shuffled_value(std::size_t source, std::size_t warp, std::uint64_t random) {
  constexpr std::array<std::uint64_t, 6> kSegments = {0, 16, 24, 28, 30, 31};
  if (source == 0) return random;
  const bool wild = warp % 4 == 3;
  if (source == 1) return wild ? random : random % 34;
  if (wild) return random;
  return kSegments[warp % kSegments.size()] << 8 | (warp % 2 == 0 ? 31 : 0);
}

void add_shuffles(std::vector<Row>& rows) {
  const std::array<std::pair<std::string, Shuffle>, 4> modes = {
      {{"up", Shuffle::up}, {"down", Shuffle::down}, {"bfly", Shuffle::butterfly}, {"idx", Shuffle::index}}};
  for (const auto& [name, mode] : modes) {
    const std::string form = "shfl.sync." + name + ".b32";
    const std::vector<Type> sources = {Type::u32, Type::u32, Type::u32};
    rows.push_back(warp_row(form, "$@" + form + " $d0|$d1, $s0, $s1, $s2, $mask;", {Type::u32, Type::pred},
                            sources, shuffle_reference(mode, std::nullopt)));
    rows.push_back(warp_row(form, "$@" + form + " $d0, $s0, $s1, $s2, $mask;", {Type::u32}, sources,
                            shuffle_reference(mode, std::nullopt)));
    for (const std::uint32_t b : {0U, 1U, 2U, 4U, 8U, 16U, 31U}) {
      for (const std::uint32_t c : {31U, 0U, 0x181fU, 0x1800U}) {
        rows.push_back(warp_row(
            form, "$@" + form + " $d0|$d1, $s0, " + std::to_string(b) + ", " + std::to_string(c) + ", $mask;",
            {Type::u32, Type::pred}, {Type::u32}, shuffle_reference(mode, std::pair{b, c})));
      }
    }
  }
}

/// Instructions whose effect no result shows: what is tested is that they are accepted and disturb nothing.
void add_silent(std::vector<Row>& rows) {
  const std::array<std::pair<std::string, std::string>, 11> forms = {{
      {"membar.cta", ""},
      {"membar.gl", ""},
      {"membar.sys", ""},
      {"fence.sc.cta", ""},
      {"fence.acq_rel.gpu", ""},
      {"fence.acq_rel.sys", ""},
      {"nanosleep.u32", " 20"},
      {"prefetch.global.L2", " [%in]"},
      {"prefetch.global.L1", " [%in]"},
      {"bar.warp.sync", " $mask"},
      {"pmevent", " 1"},
  }};
  for (const auto& [form, operands] : forms) {
    Row silent =
        row(form, "$@" + form + operands + "; $@mov.b32 $d0, $s0;", [](std::uint32_t a) { return a; });
    silent.exhaustive = false;
    rows.push_back(std::move(silent));
  }
}

}  // namespace

std::vector<Row> warp_rows() {
  std::vector<Row> rows;
  add_votes(rows);
  add_matches(rows);
  add_reductions(rows);
  std::vector<Row> shuffles;
  add_shuffles(shuffles);
  for (Row& row : shuffles) {
    row.source_values = shuffled_value;
    rows.push_back(std::move(row));
  }
  rows.push_back(
      warp_row("activemask.b32", "$@activemask.b32 $d0;", {Type::u32}, {Type::u32}, [](Warp& warp) {
        for_each_active(warp, [&](unsigned lane) { warp.destinations[lane][0] = exactly(warp.active); });
      }));
  add_silent(rows);
  return rows;
}

}  // namespace vgpu::software::test
// NOLINTEND(performance-inefficient-string-concatenation)
