#include "random_statements.h"

#include <algorithm>

// PTX is put together once for each kernel; reading like PTX matters more than temporary strings.
// NOLINTBEGIN(performance-inefficient-string-concatenation)
namespace vgpu::software::test {

namespace {

std::string mask(unsigned depth) {
  return "%m" + std::to_string(depth);
}

std::string same_mask(const Place& place) {
  return "  mov.b32 " + mask(place.depth) + ", " + mask(place.depth - 1) + ";\n";
}

Place inside(const Place& place) {
  Place result = place;
  ++result.depth;
  result.barriers = result.whole = false;
  return result;
}

/// Where lanes go their own ways: nothing that needs others.
Place alone(const Place& place) {
  Place result = inside(place);
  result.warp = false;
  return result;
}

}  // namespace

StatementWriter::StatementWriter(Random& random, const RandomKernel& kernel)
    : random_(random), kernel_(kernel), layout_(kernel.threads()) {}

std::string StatementWriter::label() {
  return "L" + std::to_string(labels_++);
}

Body StatementWriter::body(const Place& place, unsigned statements, std::string end) {
  Body result;
  for (unsigned i = 0; i < statements; ++i) result.statements.push_back(statement(place));
  result.end = std::move(end);
  return result;
}

Statement StatementWriter::statement(const Place& place) {
  if (!chance(3)) return instruction(lane_rows(), place, chance(4));
  if (chance(3) && place.depth + 1 < kDepths) return group(place);
  return plain(place);
}

Statement StatementWriter::group(const Place& place) {
  switch (below(5)) {
    case 0:
      return table_branch(place);
    case 1:
    case 2:
      return place.warp && chance(2) ? masked_loop(place) : loop(place);
    default:
      return branch(place);
  }
}

Statement StatementWriter::plain(const Place& place) {
  const bool barriers = place.barriers && !has_left();
  switch (below(13)) {
    case 0:
      if (place.warp) return instruction(member_rows(), place, false);
      break;
    case 1:
      if (place.warp) return shuffle(place);
      break;
    case 2:
      if (place.whole && !has_left()) return instruction(whole_warp_rows(), place, false);
      break;
    case 3:
      if (barriers) return barrier();
      break;
    case 4:
    case 5:
      if (barriers) return exchange();
      break;
    case 6:
      return column_access();
    case 7:
      return mixed_spaces();
    case 8:
      return counter();
    case 9:
      if (!functions_.empty() && (!place.function || place.depth == 0)) return call(place);
      break;
    case 10:
      if (place.leaves && chance(4)) return leave(place);
      break;
    case 11:
      return chance(3) ? asynchronous_copy() : special_register();
    default:
      break;
  }
  return input_load();
}

std::string StatementWriter::refreshed_mask(const Place& place, unsigned exits_before) const {
  if (!place.warp || exits_before == exits_) return "";
  return "  vote.sync.ballot.b32 " + mask(place.depth) + ", %true, " + mask(place.depth) + ";\n";
}

Statement StatementWriter::branch(const Place& place) {
  const unsigned exits_before = exits_;
  const std::string condition = any_of('p');
  const std::string other = label();
  const std::string end = label();
  const Place side = place.warp && !chance(3) ? inside(place) : alone(place);
  Statement result;
  if (side.warp) {
    result.text =
        "  vote.sync.ballot.b32 " + mask(side.depth) + ", " + condition + ", " + mask(place.depth) + ";\n";
  }
  result.text += "  @!" + condition + " bra " + other + ";\n";
  const std::string others =
      side.warp ? "  xor.b32 " + mask(side.depth) + ", " + mask(side.depth) + ", " + mask(place.depth) + ";\n"
                : "";
  result.bodies.push_back(
      body(side, 1 + static_cast<unsigned>(below(5)), "  bra " + end + ";\n" + other + ":\n" + others));
  result.bodies.push_back(body(side, static_cast<unsigned>(below(4)), ""));
  const std::string refresh = refreshed_mask(place, exits_before);
  result.bodies.back().end = end + ":\n" + refresh;
  for (Body& each : result.bodies) each.alone = {side.warp ? same_mask(side) : "", refresh};
  return result;
}

/// Rounds that all lanes go through together, or as many as each has of them; the mask shrinks with the
/// lanes.
Statement StatementWriter::masked_loop(const Place& place) {
  Place round = inside(place);
  const bool together = chance(2);
  if (together) {
    round.barriers = place.barriers;
    round.whole = place.whole;
  }
  round.leaves = false;
  const std::string count = "%count" + std::to_string(round.depth);
  const std::string again = label();
  const std::string end = label();
  Statement result;
  result.text = together ? "  mov.u32 " + count + ", " + std::to_string(1 + below(4)) + ";\n"
                         : "  and.b32 " + count + ", " + any_of('r') + ", 3;\n";
  result.text += same_mask(round) + again + ":\n  setp.eq.u32 %q, " + count +
                 ", 0;\n  vote.sync.ballot.b32 " + mask(round.depth) + ", !%q, " + mask(round.depth) +
                 ";\n  @%q bra " + end + ";\n";
  result.bodies.push_back(
      body(round, 1 + static_cast<unsigned>(below(5)),
           "  sub.u32 " + count + ", " + count + ", 1;\n  bra " + again + ";\n" + end + ":\n"));
  result.bodies.back().alone = {same_mask(round), ""};
  return result;
}

/// Rounds that lanes may cut short.
Statement StatementWriter::loop(const Place& place) {
  const unsigned exits_before = exits_;
  Place round = alone(place);
  round.next = label();
  round.end = label();
  const std::string count = "%count" + std::to_string(round.depth);
  const std::string again = label();
  Statement result;
  result.text =
      "  and.b32 " + count + ", " + (chance(3) ? "%thread" : any_of('r')) + ", 3;\n" + again + ":\n";
  result.bodies.push_back(body(round, 1 + static_cast<unsigned>(below(5)), ""));
  result.bodies.back().end = round.next + ":\n  sub.u32 " + count + ", " + count +
                             ", 1;\n  setp.ge.s32 %q, " + count + ", 0;\n  @%q bra " + again + ";\n" +
                             round.end + ":\n" + refreshed_mask(place, exits_before);
  result.bodies.back().alone = {"",
                                round.next + ":\n" + round.end + ":\n" + refreshed_mask(place, exits_before)};
  return result;
}

Statement StatementWriter::table_branch(const Place& place) {
  const unsigned exits_before = exits_;
  const Place side = alone(place);
  const std::string table = label();
  const std::string end = label();
  std::array<std::string, 4> targets;
  for (std::string& target : targets) target = label();
  Statement result;
  result.text = "  and.b32 %t, " + any_of('r') + ", 3;\n" + table + ": .branchtargets " + targets[0] + ", " +
                targets[1] + ", " + targets[2] + ", " + targets[3] + ";\n  brx.idx %t, " + table + ";\n" +
                targets[0] + ":\n";
  for (std::size_t i = 0; i < targets.size(); ++i) {
    const std::string after =
        i + 1 < targets.size() ? "  bra " + end + ";\n" + targets[i + 1] + ":\n" : end + ":\n";
    result.bodies.push_back(body(side, static_cast<unsigned>(below(4)), after));
  }
  const std::string refresh = refreshed_mask(place, exits_before);
  result.bodies.back().end += refresh;
  for (Body& each : result.bodies) each.alone = {"", refresh};
  return result;
}

/// Out of the loop, out of the function, or out of the kernel.
Statement StatementWriter::leave(const Place& place) {
  if (!place.end.empty() && !chance(3)) {
    return {"  " + guard() + "bra " + (chance(2) ? place.end : place.next) + ";\n", {}};
  }
  if (place.function) return {"  st.param.b64 [result], " + any_of('d') + ";\n  " + guard() + "ret;\n", {}};
  ++exits_;
  return {"  st.global.b32 [%own_output+" + std::to_string(MemoryLayout::kOutputBytes - 8) + "], " +
              any_of('r') + ";\n  " + guard() + (chance(2) ? "exit" : "ret") + ";\n" +
              (place.warp
                   ? "  vote.sync.ballot.b32 " + mask(place.depth) + ", %true, " + mask(place.depth) + ";\n"
                   : ""),
          {}};
}

Statement StatementWriter::barrier() {
  const std::string number = std::to_string(below(16));
  switch (below(5)) {
    case 0:
      return {"  barrier.sync " + number + ";\n", {}};
    case 1:
      return {"  bar.red.popc.u32 " + any_of('r') + ", " + number + ", " + any_of('p') + ";\n", {}};
    case 2:
      return {"  bar.red.and.pred " + any_of('p') + ", " + number + ", " + any_of('p') + ";\n", {}};
    case 3:
      return {"  bar.red.or.pred " + any_of('p') + ", " + number + ", !" + any_of('p') + ";\n", {}};
    default:
      return {"  bar.sync " + number + ";\n", {}};
  }
}

/// Every thread writes a word of shared memory and reads another thread's.
Statement StatementWriter::exchange() {
  const unsigned bytes = chance(2) ? 4 : 8;
  const char letter = bytes == 4 ? (chance(2) ? 'r' : 'f') : (chance(2) ? 'd' : 'g');
  const std::string type = bytes == 4 ? ".b32" : ".b64";
  const std::string threads = std::to_string(kernel_.threads_per_block());
  const std::string other = chance(2) ? "  add.u32 %t, %thread, " + std::to_string(below(40)) + ";\n"
                                      : "  mov.b32 %t, " + any_of('r') + ";\n";
  return {"  {\n  .reg .b32 %area, %slot;\n  mov.u32 %area, exchanged;\n  mad.lo.u32 %slot, %thread, " +
              std::to_string(bytes) + ", %area;\n  st.shared" + type + " [%slot], " + any_of(letter) +
              ";\n  bar.sync 0;\n" + other + "  rem.u32 %t, %t, " + threads + ";\n  mad.lo.u32 %slot, %t, " +
              std::to_string(bytes) + ", %area;\n  ld.shared" + type + " " + any_of(letter) +
              ", [%slot];\n  bar.sync 0;\n  }\n",
          {}};
}

/// What a lane gets from one that does not take part is undefined, so it is replaced.
Statement StatementWriter::shuffle(const Place& place) {
  const unsigned segment = 32 - (4U << below(4));
  const std::string kept = std::to_string(segment);
  std::string delta = chance(2) ? any_of('r') : std::to_string(below(32));
  const std::array<std::string, 4> names = {"up", "down", "bfly", "idx"};
  const std::array<std::string, 4> sources = {
      "  sub.u32 %from, %lane, %delta;\n", "  add.u32 %from, %lane, %delta;\n",
      "  xor.b32 %from, %lane, %delta;\n",
      "  and.b32 %from, %lane, " + kept + ";\n  and.b32 %t, %delta, " + std::to_string(31 - segment) +
          ";\n  or.b32 %from, %from, %t;\n"};
  const std::size_t mode = below(names.size());
  const std::string clamp = std::to_string(segment << 8 | (mode == 0 ? 0 : 31));
  return {"  {\n  .reg .b32 %delta, %from, %got;\n  .reg .pred %inside, %member;\n  and.b32 %delta, " +
              delta + ", 31;\n  shfl.sync." + names[mode] + ".b32 %got|%inside, " + operand(Type::u32) +
              ", %delta, " + clamp + ", " + mask(place.depth) + ";\n" + sources[mode] +
              "  selp.b32 %from, %from, %lane, %inside;\n  shr.u32 %from, " + mask(place.depth) +
              ", %from;\n  and.b32 %from, %from, 1;\n  setp.eq.u32 %member, %from, 1;\n  selp.b32 " +
              operand(Type::u32) + ", %got, " + operand(Type::u32) + ", %member;\n  }\n",
          {}};
}

Statement StatementWriter::special_register() {
  constexpr std::array<std::string_view, 12> kNames = {
      "%tid.x",  "%tid.y",       "%ctaid.x",     "%nctaid.x",    "%ntid.x",      "%ntid.z",
      "%laneid", "%lanemask_eq", "%lanemask_lt", "%lanemask_ge", "%lanemask_gt", "%lanemask_le"};
  return {"  mov.u32 " + any_of('r') + ", " + std::string(kNames[below(kNames.size())]) + ";\n", {}};
}

Statement StatementWriter::call(const Place& place) {
  const std::string arguments = "  st.param.b32 [first], " + operand(Type::u32) +
                                ";\n  st.param.b64 [second], " + operand(Type::u64) +
                                ";\n  st.param.b64 [third], %memory;\n";
  const std::string depth = place.function ? "  sub.u32 %t, %depth, 1;\n  st.param.b32 [fourth], %t;\n"
                                           : "  st.param.b32 [fourth], " + std::to_string(below(3)) + ";\n";
  std::string made;
  const std::string& name = functions_[below(functions_.size())];
  if (chance(2)) {
    const std::string prototype = label();
    made =
        prototype +
        ": .callprototype (.param .b64 _) _ (.param .b32 _, .param .b64 _, .param .b64 _, .param .b32 _);\n"
        "  .reg .b64 %target, %other;\n  mov.u64 %target, " +
        name + ";\n  mov.u64 %other, " + functions_[below(functions_.size())] +
        ";\n  selp.b64 %target, %target, %other, " + any_of('p') +
        ";\n  call (result), %target, (first, second, third, fourth), " + prototype + ";\n";
  } else {
    made = "  call (result), " + name + ", (first, second, third, fourth);\n";
  }
  const std::string text =
      "  {\n  .param .b32 first;\n  .param .b64 second;\n  .param .b64 third;\n  .param .b32 fourth;\n"
      "  .param .b64 result;\n" +
      arguments + depth + made + "  ld.param.b64 " + any_of(chance(2) ? 'd' : 'g') + ", [result];\n  }\n";
  if (!place.function) return {text, {}};
  const std::string end = label();
  return {"  setp.le.s32 %q, %depth, 0;\n  @%q bra " + end + ";\n" + text + end + ":\n", {}};
}

}  // namespace vgpu::software::test
// NOLINTEND(performance-inefficient-string-concatenation)
