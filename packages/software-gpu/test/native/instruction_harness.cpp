#include "instruction_harness.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "execution/observer.h"
#include "instruction_counts.h"
#include "instruction_coverage.h"
#include "instruction_kernel.h"
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

/// Valgrind's emulation of AVX answers comparisons with NaN as if they were the other kind (ordered for
/// unordered and the reverse), so under it only the path without AVX can be compared with a reference.
bool is_emulated_wrongly(VectorPath path) {
  return path != VectorPath::portable && std::getenv("VGPU_UNDER_VALGRIND") != nullptr;
}

class TransparentObserver final : public Observer {
 public:
  std::unique_ptr<BlockObserver> observe_blocks(const Launch& /*launch*/, unsigned /*thread*/) override {
    return std::make_unique<BlockObserver>();
  }
};

/// One that compiles every kernel before it runs.
void add_compiling_gpu(std::vector<std::unique_ptr<Gpu>>& gpus) {
  GpuOptions options;
  options.memory_bytes = std::size_t{1} << 30;
  options.threads = 1;
  options.compiled_code = CompiledCode::always;
  try {
    gpus.push_back(Gpu::create(options));
  } catch (const Error& error) {
    if (error.status() != Status::not_supported || processor_has(VectorPath::avx512)) throw;
    std::printf("instruction tests: %s, so that is not tested\n", error.what());
  }
}

std::vector<std::unique_ptr<Gpu>> create_gpus() {
  std::vector<std::unique_ptr<Gpu>> result;
  for (const VectorPath path : {VectorPath::portable, VectorPath::avx2, VectorPath::avx512}) {
    if (!processor_has(path)) {
      std::printf("instruction tests: this processor has no %s, so that path is not tested\n",
                  std::string(path_name(path)).c_str());
      continue;
    }
    if (is_emulated_wrongly(path)) {
      std::printf("instruction tests: valgrind compares NaN wrongly in %s, so that path is not tested\n",
                  std::string(path_name(path)).c_str());
      continue;
    }
    GpuOptions options;
    options.memory_bytes = std::size_t{1} << 30;
    options.threads = 1;
    options.vector_path = path;
    options.compiled_code = CompiledCode::never;
    result.push_back(Gpu::create(options));
    if (result.back()->vector_path() != path) {
      throw std::logic_error("asked for the " + std::string(path_name(path)) +
                             " interpreter, got another one");
    }
  }
  add_compiling_gpu(result);
  // Once more under an observer that leaves everything as it is: every handler through observation.cpp.
  static TransparentObserver transparent;
  GpuOptions options;
  options.memory_bytes = std::size_t{1} << 30;
  options.threads = 1;
  options.vector_path = result.back()->vector_path();
  options.observer = &transparent;
  result.push_back(Gpu::create(options));
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

namespace {

/// Of all launches so far.
std::size_t launched_threads = 0;

std::size_t volume(Dim3 size) {
  return std::size_t{size.x} * size.y * size.z;
}

}  // namespace

LaunchStatistics launch(Gpu& gpu, const Kernel& kernel, Dim3 grid, Dim3 block, const Parameters& parameters,
                        std::uint32_t dynamic_shared_bytes) {
  LaunchConfiguration configuration;
  configuration.grid = grid;
  configuration.block = block;
  configuration.dynamic_shared_bytes = dynamic_shared_bytes;
  configuration.time_limit = std::chrono::seconds(30);
  launched_threads += volume(grid) * volume(block);
  return gpu.launch(kernel, configuration, parameters.bytes());
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
/// Where only whole warps make sense, all or none.
std::vector<bool> active_lanes(std::size_t tuples, bool whole_warps) {
  Random random(0xac71fe);
  std::vector<bool> active(tuples);
  for (std::size_t i = 0; i < tuples; i += 32) {
    const std::uint64_t kind = random.below(8);
    std::uint64_t mask = 0x55555555;
    if (kind >= 4) mask = random.next();
    if (kind == 6) mask = std::uint64_t{1} << random.below(32);
    if (kind == 7) mask = 0;
    if (whole_warps) mask = kind % 2 == 0 ? 0xffffffff : 0;
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
  for (std::size_t i = 0; i < std::size_t{kBlock} * 64; ++i) {
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
  const std::vector<bool> active = active_lanes(experiment.tuples, row.whole_warps);
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
    count_row(row, result.inputs);
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
      const std::size_t before = launched_threads;
      check(*gpu, *module);
      // Every path has the same inputs.
      if (gpu == gpus().front()) count_program(program.forms, launched_threads - before);
    } catch (const Error& error) {
      const bool expected =
          error.status() == Status::not_supported && is_expected_refusal("program " + program.name);
      CHECK_MESSAGE(expected, program.name << ": " << std::string(error.what()));
    }
  }
}

}  // namespace vgpu::software::test
