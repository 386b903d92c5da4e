#include "differential.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "execution/observer.h"
#include "instruction_harness.h"
#include "instruction_values.h"
#include "random_statements.h"

namespace vgpu::software::test {

namespace {

constexpr std::byte kUntouched{0xc3};

class TransparentObserver final : public Observer {
 public:
  std::unique_ptr<BlockObserver> observe_blocks(const Launch& /*launch*/, unsigned /*thread*/) override {
    return std::make_unique<BlockObserver>();
  }
};

Engine engine(VectorPath path, unsigned threads, Observer* observer,
              CompiledCode compiled_code = CompiledCode::never) {
  GpuOptions options;
  options.memory_bytes = std::size_t{64} << 20;
  options.threads = threads;
  options.vector_path = path;
  options.observer = observer;
  options.compiled_code = compiled_code;
  Engine result;
  result.gpu = Gpu::create(options);
  result.name = std::string(path_name(result.gpu->vector_path())) +
                (threads == 1 ? "" : ", " + std::to_string(threads) + " threads") +
                (observer == nullptr ? "" : ", observed") +
                (compiled_code == CompiledCode::always ? ", compiled" : "");
  return result;
}

/// Numbers of all kinds: what is an awkward f32 is also an odd integer, and a pair of halves.
void fill_input(std::span<std::byte> input, Random& random) {
  constexpr std::array<Type, 10> kTypes = {Type::f32, Type::f32,   Type::f64,    Type::u32,   Type::s64,
                                           Type::f16, Type::f16x2, Type::bf16x2, Type::shift, Type::u64};
  for (std::size_t at = 0; at < input.size(); at += 8) {
    const Type type = kTypes[random.below(kTypes.size())];
    std::uint64_t bits = 0;
    for (unsigned shift = 0; shift < 64; shift += register_bits(type)) {
      const std::vector<std::uint64_t>& edges = edge_values(type);
      bits |= (random.below(3) == 0 ? edges[random.below(edges.size())] : random_value(type, random))
              << shift;
    }
    std::memcpy(&input[at], &bits, sizeof bits);
  }
}

std::string register_name(std::size_t slot) {
  std::string name = "what lies behind the registers";
  std::size_t first = 0;
  for (const RegisterPool& pool : kPools) {
    if (slot >= first && slot < first + pool.count)
      name = std::string("%") + pool.letter + std::to_string(slot - first);
    first += pool.count;
  }
  return name;
}

std::string place_name(const RandomKernel& kernel, std::size_t at) {
  const MemoryLayout layout(kernel.threads());
  if (at < layout.counters) return "the input";
  if (at < layout.boxes) return "counter " + std::to_string((at - layout.counters) / 8);
  if (at < layout.columns) {
    return "the box of thread " + std::to_string((at - layout.boxes) / MemoryLayout::kBoxBytes);
  }
  if (at < layout.output) return "the columns, byte " + std::to_string(at - layout.columns);
  const std::size_t thread = (at - layout.output) / MemoryLayout::kOutputBytes;
  const std::size_t slot = (at - layout.output) % MemoryLayout::kOutputBytes / 8;
  return register_name(slot) + " of thread " + std::to_string(thread);
}

std::string word_at(const Result& result, std::size_t at) {
  std::uint64_t word = 0;
  std::memcpy(&word, &result.memory[at / 8 * 8], sizeof word);
  return hexadecimal(Type::u64, word);
}

}  // namespace

std::vector<Engine> all_engines() {
  static TransparentObserver transparent;
  std::vector<Engine> result;
  for (const VectorPath path : {VectorPath::portable, VectorPath::avx2, VectorPath::avx512}) {
    if (path != VectorPath::portable && std::getenv("VGPU_UNDER_VALGRIND") != nullptr) {
      std::printf("differential: valgrind compares NaN wrongly in %s, so that path is not tested\n",
                  std::string(path_name(path)).c_str());
      continue;
    }
    try {
      result.push_back(engine(path, 1, nullptr));
    } catch (const Error& error) {
      std::printf("differential: %s is not tested: %s\n", std::string(path_name(path)).c_str(), error.what());
    }
  }
  const VectorPath widest = result.back().gpu->vector_path();
  result.push_back(engine(widest, 2, nullptr));
  result.push_back(engine(widest, 1, &transparent));
  try {
    result.push_back(engine(widest, 1, nullptr, CompiledCode::always));
  } catch (const Error& error) {
    std::printf("differential: compiled code is not tested: %s\n", error.what());
  }
  return result;
}

std::optional<std::string> difference(const RandomKernel& kernel, const Result& expected, const Result& got) {
  if (expected.error != got.error) {
    return "expected " + (expected.error.empty() ? "success" : expected.error) + ", got " +
           (got.error.empty() ? "success" : got.error);
  }
  const auto [here, there] = std::ranges::mismatch(expected.memory, got.memory);
  if (here == expected.memory.end() && there == got.memory.end()) return std::nullopt;
  const auto at = static_cast<std::size_t>(here - expected.memory.begin());
  return place_name(kernel, at) + ": expected " + word_at(expected, at) + ", got " + word_at(got, at);
}

Result Differential::run(Engine& engine, const RandomKernel& kernel, const std::string& ptx) {
  const MemoryLayout layout(kernel.threads());
  Result result;
  try {
    const std::unique_ptr<Module> module = load(*engine.gpu, ptx);
    DeviceBuffer memory(*engine.gpu, (std::size_t{layout.bytes} + 7) / 8 * 8);
    std::ranges::fill(memory.bytes(), kUntouched);
    Random random(kernel.seed ^ (kernel.number * 0x2545f4914f6cdd1d));
    fill_input(memory.bytes().first(MemoryLayout::kInputBytes), random);
    const LaunchStatistics statistics = launch(*engine.gpu, module->kernel("test"), kernel.grid, kernel.block,
                                               Parameters().add(memory.address()));
    if (&engine == engines_.data()) thread_instructions_ += statistics.thread_instructions;
    result.memory.assign(memory.bytes().begin(), memory.bytes().end());
  } catch (const Error& error) {
    result.error = error.what();
  }
  return result;
}

std::optional<std::string> Differential::disagreement(const RandomKernel& kernel) {
  const std::string ptx = kernel.ptx();
  const Result expected = run(engines_.front(), kernel, ptx);
  if (!expected.error.empty()) return engines_.front().name + " fails: " + expected.error;
  for (std::size_t i = 1; i < engines_.size(); ++i) {
    if (const auto found = difference(kernel, expected, run(engines_[i], kernel, ptx))) {
      return engines_[i].name + " differs from " + engines_.front().name + " in " + *found;
    }
  }
  return std::nullopt;
}

namespace {

using Check = std::function<bool(const RandomKernel&)>;

/// Takes out what can be, from the last statement to the first. True when something was.
bool shrink(RandomKernel& kernel, std::vector<Statement>& statements, const Check& fails) {
  bool shrunk = false;
  for (std::size_t i = statements.size(); i-- > 0;) {
    Statement removed = std::move(statements[i]);
    statements.erase(statements.begin() + static_cast<std::ptrdiff_t>(i));
    if (fails(kernel)) {
      shrunk = true;
      continue;
    }
    statements.insert(statements.begin() + static_cast<std::ptrdiff_t>(i), std::move(removed));
    for (std::size_t k = 0; k < statements[i].bodies.size(); ++k) {
      shrunk = shrink(kernel, statements[i].bodies[k].statements, fails) || shrunk;
    }
  }
  return shrunk;
}

/// Puts what is in a branch or loop in its place. True when one went.
bool unwrap(RandomKernel& kernel, std::vector<Statement>& statements, const Check& fails) {
  for (Statement& statement : statements) {
    for (std::size_t k = 0; k < statement.bodies.size(); ++k) {
      if (statement.bodies[k].alone) {
        Statement whole = statement;
        const Body& body = whole.bodies[k];
        statement = {body.alone->begin, {{body.statements, body.alone->end}}};
        if (fails(kernel)) return true;
        statement = std::move(whole);
      }
      if (unwrap(kernel, statement.bodies[k].statements, fails)) return true;
    }
  }
  return false;
}

}  // namespace

RandomKernel Differential::minimised(RandomKernel kernel, const Check& fails) {
  bool smaller = true;
  while (smaller) {
    smaller = false;
    for (RandomKernel::Function& function : kernel.functions) {
      smaller = shrink(kernel, function.body.statements, fails) || smaller;
      smaller = unwrap(kernel, function.body.statements, fails) || smaller;
    }
  }
  return kernel;
}

RandomKernel Differential::minimised(const RandomKernel& kernel) {
  const auto kind = [this](const RandomKernel& candidate) {
    const std::optional<std::string> found = disagreement(candidate);
    if (!found) return 0;
    return found->starts_with(engines_.front().name + " fails") ? 1 : 2;
  };
  const int wanted = kind(kernel);
  return minimised(kernel, [&](const RandomKernel& candidate) { return kind(candidate) == wanted; });
}

std::string report(const RandomKernel& kernel, const std::string& disagreement) {
  const auto dimensions = [](Dim3 size) {
    return std::to_string(size.x) + "x" + std::to_string(size.y) + "x" + std::to_string(size.z);
  };
  return "kernel " + std::to_string(kernel.number) + " of seed " + std::to_string(kernel.seed) + ", " +
         dimensions(kernel.grid) + " blocks of " + dimensions(kernel.block) + " threads: " + disagreement +
         "\n" + kernel.ptx();
}

}  // namespace vgpu::software::test
