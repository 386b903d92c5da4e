#include "instruction_harness.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <sstream>

#include "instruction_coverage.h"
#include "instruction_reference.h"
#include "instruction_values.h"

namespace vgpu::software::test {

namespace {

constexpr std::size_t kRandomTuples = 6144;
constexpr std::size_t kReportedMismatches = 4;
constexpr std::uint32_t kBlock = 96;
constexpr std::uint64_t kUntouched = 0xc3c3c3c3c3c3c3c3;

bool processor_has(VectorPath path) {
#if defined(__x86_64__)
  if (path == VectorPath::avx2) return __builtin_cpu_supports("avx2") != 0;
  if (path == VectorPath::avx512) {
    return __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512bw") != 0 &&
           __builtin_cpu_supports("avx512dq") != 0 && __builtin_cpu_supports("avx512vl") != 0;
  }
#endif
  return path == VectorPath::portable;
}

std::vector<std::unique_ptr<Gpu>> create_gpus() {
  std::vector<std::unique_ptr<Gpu>> result;
  for (const VectorPath path : {VectorPath::portable, VectorPath::avx2, VectorPath::avx512}) {
    if (!processor_has(path)) {
      std::printf("instruction tests: this processor has no %s, so that path is not tested\n",
                  std::string(path_name(path)).c_str());
      continue;
    }
    GpuOptions options;
    options.memory_bytes = std::size_t{1} << 30;
    options.threads = 1;
    options.vector_path = path;
    result.push_back(Gpu::create(options));
    if (result.back()->vector_path() != path) {
      throw std::logic_error("asked for the " + std::string(path_name(path)) +
                             " interpreter, got another one");
    }
  }
  return result;
}

}  // namespace

std::string_view path_name(VectorPath path) {
  switch (path) {
    case VectorPath::automatic:
      return "automatic";
    case VectorPath::portable:
      return "portable";
    case VectorPath::avx2:
      return "avx2";
    case VectorPath::avx512:
      return "avx512";
  }
  return "";
}

const std::vector<std::unique_ptr<Gpu>>& gpus() {
  static const std::vector<std::unique_ptr<Gpu>> result = create_gpus();
  return result;
}

DeviceBuffer::DeviceBuffer(Gpu& gpu, std::size_t bytes)
    : gpu_(gpu), bytes_(bytes), address_(gpu.memory().allocate(bytes)) {}

DeviceBuffer::~DeviceBuffer() {
  gpu_.memory().free(address_);
}

std::span<std::byte> DeviceBuffer::bytes() {
  return gpu_.memory().bytes(address_, bytes_);
}

std::unique_ptr<Module> load(Gpu& gpu, std::string_view ptx) {
  return gpu.load(std::as_bytes(std::span(ptx.data(), ptx.size())));
}

LaunchStatistics launch(Gpu& gpu, const Kernel& kernel, Dim3 grid, Dim3 block, const Parameters& parameters,
                        std::uint32_t dynamic_shared_bytes) {
  LaunchConfiguration configuration;
  configuration.grid = grid;
  configuration.block = block;
  configuration.dynamic_shared_bytes = dynamic_shared_bytes;
  configuration.time_limit = std::chrono::seconds(30);
  return gpu.launch(kernel, configuration, parameters.bytes());
}

namespace {

std::string replace_all(std::string text, std::string_view what, std::string_view with) {
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size())) {
    text.replace(at, what.size(), with);
  }
  return text;
}

std::string register_type(Type type) {
  return type == Type::pred ? ".pred" : ".b" + std::to_string(register_bits(type));
}

std::string source_name(std::size_t k) {
  return "%s" + std::to_string(k);
}
std::string destination_name(std::size_t k) {
  return "%d" + std::to_string(k);
}

/// The members of a warp instruction: every lane, or those that are active.
constexpr std::string_view kAllLanes = "%all";
constexpr std::string_view kActiveLanes = "%group";

/// How the instruction is executed: in all lanes, under a guard predicate, in a branch that only some lanes
/// take, or in all lanes with the destination in the same register as a source.
struct Variant {
  enum class Kind { plain, guarded, branched, in_place };
  Kind kind = Kind::plain;
  std::size_t source = 0;
};

std::vector<Variant> variants(const Row& row) {
  std::vector<Variant> result = {{Variant::Kind::plain}, {Variant::Kind::guarded}, {Variant::Kind::branched}};
  if (row.destinations.size() != 1 || std::count(row.body.begin(), row.body.end(), ';') != 1) return result;
  for (std::size_t k = 0; k < row.sources.size(); ++k) {
    if (register_type(row.sources[k]) == register_type(row.destinations[0]) && row.sources[k] != Type::pred) {
      result.push_back({Variant::Kind::in_place, k});
    }
  }
  return result;
}

/// A record of the input array: the sources, the destinations' values before, whether the lane is active, and
/// two slots of scratch. Records and scratch are aligned for 16-byte accesses.
std::size_t scratch_slot(const Row& row) {
  return (row.sources.size() + row.destinations.size() + 2) / 2 * 2;
}
std::size_t active_slot(const Row& row) {
  return row.sources.size() + row.destinations.size();
}
std::size_t record_slots(const Row& row) {
  return scratch_slot(row) + 2;
}

std::string instructions(const Row& row, std::string_view guard, std::string_view lanes) {
  std::string text = replace_all(replace_all(row.body, "$@", guard), "$mask", lanes);
  for (std::size_t k = 0; k < row.destinations.size(); ++k) {
    text = replace_all(text, "$d" + std::to_string(k), destination_name(k));
  }
  return text;
}

std::string with_sources(const Row& row, std::string text) {
  text = replace_all(text, "$scratch", "%in+" + std::to_string(scratch_slot(row) * 8));
  for (std::size_t k = 0; k < row.sources.size(); ++k) {
    text = replace_all(text, "$s" + std::to_string(k), source_name(k));
  }
  return text;
}

void emit_load(std::ostringstream& out, Type type, const std::string& name, std::size_t slot) {
  if (type == Type::pred) {
    out << "  ld.global.u32 %word, [%in+" << slot * 8 << "];\n  and.b32 %word, %word, 1;\n  setp.ne.u32 "
        << name << ", %word, 0;\n";
  } else {
    out << "  ld.global" << register_type(type) << " " << name << ", [%in+" << slot * 8 << "];\n";
  }
}

void emit_store(std::ostringstream& out, Type type, const std::string& name, std::size_t slot) {
  if (type == Type::pred) {
    out << "  selp.u32 %word, 1, 0, " << name << ";\n  st.global.u32 [%out+" << slot * 8 << "], %word;\n";
  } else {
    out << "  st.global" << register_type(type) << " [%out+" << slot * 8 << "], " << name << ";\n";
  }
}

void emit_prologue(std::ostringstream& out, const Row& row, std::size_t output_slots) {
  out << kPtxHeader << row.module_declarations
      << ".visible .entry test(.param .u64 inputs, .param .u64 outputs, .param .u32 count)\n{\n"
      << "  .reg .pred %outside, %active;\n  .reg .b32 %word, %index, %count;\n  .reg .b64 %in, %out;\n";
  for (std::size_t k = 0; k < row.sources.size(); ++k) {
    out << "  .reg " << register_type(row.sources[k]) << " " << source_name(k) << ";\n";
  }
  for (std::size_t k = 0; k < row.destinations.size(); ++k) {
    out << "  .reg " << register_type(row.destinations[k]) << " " << destination_name(k) << ";\n";
  }
  out << "  .reg .b32 %block, %threads, %thread;\n  mov.u32 %block, %ctaid.x;\n  mov.u32 %threads, %ntid.x;\n"
      << "  mov.u32 %thread, %tid.x;\n  mad.lo.u32 %index, %block, %threads, %thread;\n"
      << "  ld.param.u32 %count, [count];\n  setp.ge.u32 %outside, %index, %count;\n  @%outside ret;\n"
      << "  ld.param.u64 %in, [inputs];\n  ld.param.u64 %out, [outputs];\n"
      << "  mad.wide.u32 %in, %index, " << record_slots(row) * 8 << ", %in;\n"
      << "  mad.wide.u32 %out, %index, " << output_slots * 8 << ", %out;\n";
  for (std::size_t k = 0; k < row.sources.size(); ++k) emit_load(out, row.sources[k], source_name(k), k);
  emit_load(out, Type::pred, "%active", active_slot(row));
  // The upper half of the active lane's slot holds the warp's active lanes.
  out << "  .reg .b32 " << kAllLanes << ", " << kActiveLanes << ";\n  mov.u32 " << kAllLanes
      << ", 0xffffffff;\n  ld.global.u32 " << kActiveLanes << ", [%in+" << active_slot(row) * 8 + 4 << "];\n"
      << row.kernel_declarations;
}

void emit_initial_values(std::ostringstream& out, const Row& row) {
  for (std::size_t k = 0; k < row.destinations.size(); ++k) {
    emit_load(out, row.destinations[k], destination_name(k), row.sources.size() + k);
  }
}

void emit_variant(std::ostringstream& out, const Row& row, const Variant& variant, std::size_t number) {
  emit_initial_values(out, row);
  switch (variant.kind) {
    case Variant::Kind::plain:
      out << "  " << with_sources(row, instructions(row, "", kAllLanes)) << "\n";
      break;
    case Variant::Kind::guarded:
      out << "  " << with_sources(row, instructions(row, "@%active ", kActiveLanes)) << "\n";
      break;
    case Variant::Kind::branched:
      out << "  @!%active bra SKIP" << number << ";\n  "
          << with_sources(row, instructions(row, "", kActiveLanes)) << "\nSKIP" << number << ":\n";
      break;
    case Variant::Kind::in_place:
      out << "  mov" << register_type(row.destinations[0]) << " %d0, " << source_name(variant.source)
          << ";\n  "
          << with_sources(row, replace_all(instructions(row, "", kAllLanes),
                                           "$s" + std::to_string(variant.source), destination_name(0)))
          << "\n";
      break;
  }
  for (std::size_t k = 0; k < row.destinations.size(); ++k) {
    emit_store(out, row.destinations[k], destination_name(k), number * row.destinations.size() + k);
  }
}

}  // namespace

std::string row_ptx(const Row& row) {
  std::ostringstream out;
  const std::vector<Variant> list = variants(row);
  emit_prologue(out, row, list.size() * row.destinations.size());
  for (std::size_t v = 0; v < list.size(); ++v) emit_variant(out, row, list[v], v);
  out << "  ret;\n}\n";
  return out.str();
}

std::vector<std::uint64_t> immediate_values(Type type) {
  if (literal(type, 0).empty()) return {};
  std::vector<std::uint64_t> values = core_values(type);
  // Spread over the list rather than its head, which is all small numbers.
  std::vector<std::uint64_t> result;
  for (std::size_t i = 0; i < values.size(); i += 2) {
    // The assembler takes no constant above 255 as a bit position.
    if (type != Type::shift || values[i] <= 255) result.push_back(values[i]);
  }
  return result;
}

std::string immediate_ptx(const Row& row, std::size_t operand) {
  std::ostringstream out;
  const std::vector<std::uint64_t> values = immediate_values(row.sources[operand]);
  emit_prologue(out, row, values.size() * row.destinations.size());
  for (std::size_t v = 0; v < values.size(); ++v) {
    const std::string constant = literal(row.sources[operand], values[v]);
    emit_initial_values(out, row);
    out << "  "
        << with_sources(
               row, replace_all(instructions(row, "", kAllLanes), "$s" + std::to_string(operand), constant))
        << "\n";
    for (std::size_t k = 0; k < row.destinations.size(); ++k) {
      emit_store(out, row.destinations[k], destination_name(k), v * row.destinations.size() + k);
    }
  }
  out << "  ret;\n}\n";
  return out.str();
}

namespace {

long double float_value(Type type, std::uint64_t bits) {
  if (type == Type::f16) return widen(from_bits<Half>(bits));
  if (type == Type::f32) return from_bits<float>(bits);
  return from_bits<double>(bits);
}

bool bits_are_nan(Type type, std::uint64_t bits) {
  if (type == Type::f16) return is_nan(from_bits<Half>(bits));
  if (type == Type::f32) return is_nan(from_bits<float>(bits));
  return type == Type::f64 && is_nan(from_bits<double>(bits));
}

bool same_number(Type type, std::uint64_t expected, std::uint64_t got) {
  if (type == Type::f16x2) {
    return same_number(Type::f16, expected & 0xffff, got & 0xffff) &&
           same_number(Type::f16, expected >> 16, got >> 16);
  }
  return expected == got || (bits_are_nan(type, expected) && bits_are_nan(type, got));
}

}  // namespace

bool matches(Type type, const Expected& expected, std::uint64_t got) {
  const std::uint64_t mask = bits_mask(register_bits(type));
  got &= mask;
  switch (expected.kind) {
    case Expected::Kind::bits:
      return got == (expected.bits & mask) || (expected.alternative && got == (*expected.alternative & mask));
    case Expected::Kind::number:
      return same_number(type, expected.bits & mask, got) ||
             (expected.alternative && same_number(type, *expected.alternative & mask, got));
    case Expected::Kind::interval:
      return !bits_are_nan(type, got) && float_value(type, got) >= expected.low &&
             float_value(type, got) <= expected.high;
    case Expected::Kind::nan:
      return bits_are_nan(type, got);
    case Expected::Kind::anything:
      return true;
  }
  return false;
}

namespace {

std::string hexadecimal(Type type, std::uint64_t bits) {
  std::array<char, 96> text{};
  const int digits = std::max(1, static_cast<int>(register_bits(type) / 4));
  const auto masked = static_cast<unsigned long long>(bits & bits_mask(register_bits(type)));
  if (type == Type::f16 || type == Type::f32 || type == Type::f64) {
    std::snprintf(text.data(), text.size(), "0x%0*llx (%.9Lg)", digits, masked, float_value(type, masked));
  } else {
    std::snprintf(text.data(), text.size(), "0x%0*llx", digits, masked);
  }
  return text.data();
}

}  // namespace

std::string describe(Type type, const Expected& expected) {
  switch (expected.kind) {
    case Expected::Kind::bits:
    case Expected::Kind::number:
      return hexadecimal(type, expected.bits) +
             (expected.alternative ? " or " + hexadecimal(type, *expected.alternative) : "");
    case Expected::Kind::interval: {
      std::array<char, 96> text{};
      std::snprintf(text.data(), text.size(), "[%.12Lg, %.12Lg]", expected.low, expected.high);
      return text.data();
    }
    case Expected::Kind::nan:
      return "a NaN";
    case Expected::Kind::anything:
      return "anything";
  }
  return "";
}

namespace {

/// Everything a run of one kernel needs; the reference is computed once and shared by the paths.
struct Experiment {
  const Row& row;
  std::string ptx;
  std::vector<std::string> variant_names;
  std::size_t tuples = 0;
  std::vector<std::uint64_t> records;           // the input array, record_slots(row) slots each
  std::vector<std::vector<Expected>> expected;  // per variant: tuple-major, destinations.size() each
};

/// Half of the warps with every other lane off, the others with random lanes off, now and then all but one.
std::vector<bool> active_lanes(std::size_t tuples) {
  Random random(0xac71fe);
  std::vector<bool> active(tuples);
  for (std::size_t i = 0; i < tuples; i += 32) {
    const std::uint64_t kind = random.below(8);
    std::uint64_t mask = 0x55555555;
    if (kind >= 4) mask = random.next();
    if (kind == 6) mask = std::uint64_t{1} << random.below(32);
    if (kind == 7) mask = 0;
    for (std::size_t lane = 0; lane < 32 && i + lane < tuples; ++lane)
      active[i + lane] = ((mask >> lane) & 1) != 0;
  }
  return active;
}

std::uint32_t active_mask(const std::vector<bool>& active, std::size_t warp) {
  std::uint32_t mask = 0;
  for (std::size_t lane = 0; lane < 32 && warp * 32 + lane < active.size(); ++lane) {
    if (active[warp * 32 + lane]) mask |= 1U << lane;
  }
  return mask;
}

std::vector<std::uint64_t> make_records(const Row& row,
                                        const std::vector<std::vector<std::uint64_t>>& operands,
                                        std::size_t tuples, const std::vector<bool>& active) {
  Random random(0x1217);
  std::vector<std::uint64_t> records;
  records.reserve(tuples * record_slots(row));
  for (std::size_t i = 0; i < tuples; ++i) {
    for (const auto& operand : operands) records.push_back(operand[i]);
    for (std::size_t k = 0; k < row.destinations.size(); ++k) records.push_back(random.next());
    if (row.memory_source) records.back() = operands[*row.memory_source][i];
    records.push_back((active[i] ? 1 : 0) | std::uint64_t{active_mask(active, i / 32)} << 32);
    records.resize((i + 1) * record_slots(row));
  }
  return records;
}

/// What every lane's destinations must hold after the lanes in `active` have executed the row.
std::vector<Expected> reference_results(const Row& row, const std::vector<std::uint64_t>& records,
                                        const std::vector<bool>& active) {
  const std::size_t count = row.destinations.size();
  std::vector<Expected> results(active.size() * count);
  const auto operands = [&](std::size_t i) {
    return std::span(records).subspan(i * record_slots(row), row.sources.size() + count);
  };
  const auto destinations = [&](std::size_t i) { return std::span(results).subspan(i * count, count); };
  for (std::size_t first = 0; row.warp_reference && first < active.size(); first += 32) {
    Warp warp;
    warp.active = active_mask(active, first / 32);
    for (std::size_t lane = 0; lane < 32; ++lane) {
      warp.operands[lane] = operands(first + lane);
      warp.destinations[lane] = destinations(first + lane);
    }
    if (warp.active != 0) row.warp_reference(warp);
  }
  for (std::size_t i = 0; i < active.size(); ++i) {
    if (!active[i]) {
      const std::span<const std::uint64_t> before = operands(i).subspan(row.sources.size());
      for (std::size_t k = 0; k < count; ++k) {
        destinations(i)[k] = {Expected::Kind::bits, before[k], std::nullopt, 0, 0};
      }
    } else if (!row.warp_reference) {
      row.reference(operands(i), destinations(i));
    }
  }
  return results;
}

/// Complete warps of values that the row makes itself.
std::vector<std::vector<std::uint64_t>> own_operands(const Row& row) {
  std::vector<std::vector<std::uint64_t>> operands(row.sources.size());
  Random random(0x11a6e);
  for (std::size_t i = 0; i < kBlock * 64; ++i) {
    for (std::size_t k = 0; k < operands.size(); ++k) {
      operands[k].push_back(row.source_values(k, i / 32, random.next()) &
                            bits_mask(register_bits(row.sources[k])));
    }
  }
  return operands;
}

Experiment row_experiment(const Row& row) {
  Experiment experiment{row, row_ptx(row), {}, 0, {}, {}};
  const std::vector<std::vector<std::uint64_t>> operands =
      row.source_values ? own_operands(row)
                        : operand_tuples(row, row.exhaustive ? kRandomTuples : kRandomTuples / 8);
  experiment.tuples = operands[0].size();
  const std::vector<bool> active = active_lanes(experiment.tuples);
  experiment.records = make_records(row, operands, experiment.tuples, active);
  const std::vector<Expected> all =
      reference_results(row, experiment.records, std::vector<bool>(experiment.tuples, true));
  const std::vector<Expected> masked = reference_results(row, experiment.records, active);
  for (const Variant& variant : variants(row)) {
    const bool is_masked = variant.kind == Variant::Kind::guarded || variant.kind == Variant::Kind::branched;
    experiment.expected.push_back(is_masked ? masked : all);
    constexpr std::array names = {"all lanes", "guarded", "branched"};
    experiment.variant_names.push_back(variant.kind == Variant::Kind::in_place
                                           ? "destination is source " + std::to_string(variant.source)
                                           : names[static_cast<std::size_t>(variant.kind)]);
  }
  return experiment;
}

Experiment immediate_experiment(const Row& row, std::size_t operand) {
  Experiment experiment{row, immediate_ptx(row, operand), {}, 0, {}, {}};
  const std::vector<std::vector<std::uint64_t>> operands = operand_tuples(row, 512);
  experiment.tuples = std::min<std::size_t>(operands[0].size(), 2048);
  const std::vector<bool> active(experiment.tuples, true);
  experiment.records = make_records(row, operands, experiment.tuples, active);
  for (const std::uint64_t value : immediate_values(row.sources[operand])) {
    std::vector<std::uint64_t> records = experiment.records;
    for (std::size_t i = 0; i < experiment.tuples; ++i) records[i * record_slots(row) + operand] = value;
    experiment.expected.push_back(reference_results(row, records, active));
    experiment.variant_names.push_back("source " + std::to_string(operand) + " is the constant " +
                                       literal(row.sources[operand], value));
  }
  return experiment;
}

std::string mismatch_text(const Experiment& experiment, VectorPath path, std::size_t variant,
                          std::size_t tuple, std::size_t destination, std::uint64_t got) {
  const Row& row = experiment.row;
  std::string text = row.form + " (" + std::string(path_name(path)) + ", " +
                     experiment.variant_names[variant] + ", lane " + std::to_string(tuple % kBlock % 32) +
                     "):";
  for (std::size_t k = 0; k < row.sources.size(); ++k) {
    text += " s" + std::to_string(k) + "=" +
            hexadecimal(row.sources[k], experiment.records[tuple * record_slots(row) + k]);
  }
  const Type type = row.destinations[destination];
  const Expected& expected = experiment.expected[variant][tuple * row.destinations.size() + destination];
  return text + " d" + std::to_string(destination) + ": expected " + describe(type, expected) + ", got " +
         hexadecimal(type, got);
}

void compare(const Experiment& experiment, VectorPath path, std::span<const std::uint64_t> outputs,
             std::vector<std::string>& mismatches) {
  const std::size_t destinations = experiment.row.destinations.size();
  const std::size_t stride = experiment.expected.size() * destinations;
  for (std::size_t variant = 0; variant < experiment.expected.size(); ++variant) {
    std::size_t reported = 0;
    for (std::size_t i = 0; i < experiment.tuples; ++i) {
      for (std::size_t k = 0; k < destinations; ++k) {
        const std::uint64_t got = outputs[i * stride + variant * destinations + k];
        if (matches(experiment.row.destinations[k], experiment.expected[variant][i * destinations + k], got))
          continue;
        // A few of each variant are enough to see the pattern; the count says how common it is.
        if (++reported <= kReportedMismatches) {
          mismatches.push_back(mismatch_text(experiment, path, variant, i, k, got));
        }
      }
    }
    if (reported > kReportedMismatches) {
      mismatches.push_back("… and " + std::to_string(reported - kReportedMismatches) + " more like that");
    }
  }
}

void run_experiment(const Experiment& experiment, RowResult& result) {
  for (const std::unique_ptr<Gpu>& gpu : gpus()) {
    const std::unique_ptr<Module> module = load(*gpu, experiment.ptx);
    const Kernel& kernel = module->kernel("test");
    DeviceBuffer inputs(*gpu, experiment.records.size() * 8);
    std::ranges::copy(experiment.records, inputs.as<std::uint64_t>().begin());
    DeviceBuffer outputs(
        *gpu, experiment.tuples * experiment.expected.size() * experiment.row.destinations.size() * 8);
    std::ranges::fill(outputs.as<std::uint64_t>(), kUntouched);
    Parameters parameters;
    parameters.add(inputs.address())
        .add(outputs.address())
        .add(static_cast<std::uint32_t>(experiment.tuples));
    const auto blocks = static_cast<std::uint32_t>((experiment.tuples + kBlock - 1) / kBlock);
    launch(*gpu, kernel, {blocks, 1, 1}, {kBlock, 1, 1}, parameters);
    compare(experiment, gpu->vector_path(), outputs.as<std::uint64_t>(), result.mismatches);
  }
}

}  // namespace

RowResult run_row(const Row& row) {
  RowResult result;
  try {
    const Experiment experiment = row_experiment(row);
    result.inputs = experiment.tuples;
    run_experiment(experiment, result);
    if (!row.immediates || row.sources.size() < 2) return result;
    for (std::size_t k = 0; k < row.sources.size(); ++k) {
      if (immediate_values(row.sources[k]).empty()) continue;
      run_experiment(immediate_experiment(row, k), result);
    }
  } catch (const Error& error) {
    if (error.status() == Status::not_supported) {
      result.refused = error.what();
    } else {
      result.mismatches.push_back(row.form + ": " + error.what());
    }
  }
  return result;
}

void check_rows(std::string_view family, const std::vector<Row>& rows) {
  std::size_t inputs = 0;
  std::size_t refused = 0;
  for (const Row& row : rows) {
    const RowResult result = run_row(row);
    inputs += result.inputs;
    if (!result.refused.empty()) {
      ++refused;
      CHECK_MESSAGE(is_expected_refusal(row.form), row.form << " is refused: " << result.refused);
    }
    for (const std::string& mismatch : result.mismatches) FAIL_CHECK(mismatch);
  }
  std::printf("%-24s %4zu forms, %8zu inputs each on %zu paths, %zu refused\n", std::string(family).c_str(),
              rows.size(), inputs, gpus().size(), refused);
}

void run_program(const Program& program, const std::function<void(Gpu& gpu, Module& module)>& check) {
  check_claims(program);
  for (const std::unique_ptr<Gpu>& gpu : gpus()) {
    INFO(program.name << " (" << path_name(gpu->vector_path()) << ")");
    try {
      const std::unique_ptr<Module> module = load(*gpu, program.ptx);
      check(*gpu, *module);
    } catch (const Error& error) {
      const bool expected =
          error.status() == Status::not_supported && is_expected_refusal("program " + program.name);
      CHECK_MESSAGE(expected, program.name << ": " << error.what());
    }
  }
}

}  // namespace vgpu::software::test
