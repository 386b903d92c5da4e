// Mutates the sample images and PTX and feeds them to the front end and the decoder, which may refuse them
// with vgpu::software::Error and with nothing else. Meant to be built with -fsanitize=address,undefined.
//
//   fuzz_front_end NUMBER_OF_INPUTS [SEED [FIRST_INPUT]]
//
// Input number N of a seed is always the same. When one fails, its number is printed; running with that
// number as FIRST_INPUT and 1 as NUMBER_OF_INPUTS repeats it alone.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <exception>
#include <filesystem>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "image/fat_binary.h"
#include "numbered_inputs.h"
#include "ptx_support.h"
#include "vgpu/software_gpu/gpu.h"

// Called by the sanitizers before they end the process; absent, and so null, in a build without them.
extern "C" __attribute__((weak)) void __sanitizer_set_death_callback(void (*callback)());

namespace vgpu::software::test {
namespace {

// The largest sample has 12 KB; a mutation that repeats text stops growing it here.
constexpr std::size_t kMaximumInputBytes = 64 << 10;
// Of processor time: a busy machine makes no input slow.
constexpr double kSlowInputSeconds = 2;

// What the grammar treats specially: mutations that splice these in reach further than random bytes.
constexpr std::array<std::string_view, 72> kFragments{
    "{",
    "}",
    "(",
    ")",
    "[",
    "]",
    "<",
    ">",
    ";",
    ":",
    ",",
    "+",
    "-",
    "~",
    "!",
    "?",
    "|",
    "&&",
    "||",
    "<<",
    ">>",
    "=",
    "@",
    "@!%p1 ",
    "%",
    "/",
    "/*",
    "*/",
    "//",
    "\"",
    "\\",
    "\n",
    ".",
    "::",
    "_",
    "0",
    "-1",
    "0x",
    "0f",
    "0f3f800000",
    "0d",
    "18446744073709551615",
    "4294967296",
    "1e999",
    "9223372036854775808U",
    ".reg ",
    ".reg .b32 %r<4000000000>;",
    ".param ",
    ".global ",
    ".const ",
    ".shared ",
    ".local ",
    ".align 8 ",
    ".v4 ",
    ".b8 ",
    ".pred ",
    ".entry k ",
    ".func f ",
    "[1000000000]",
    "[]",
    " = {{1},{2}}",
    "generic(",
    "0xff(",
    ".branchtargets ",
    ".callprototype ",
    "call ",
    ".loc 1 2 3",
    ".pragma \"",
    ".section .debug ",
    ".alias ",
    "WARP_SZ",
    "%tid.x",
};

using Generator = std::mt19937_64;

std::size_t below(Generator& generator, std::size_t limit) {
  return limit == 0 ? 0 : generator() % limit;
}

/// A number that sits at a limit more often than not.
std::uint64_t edge_value(Generator& generator) {
  constexpr std::array<std::uint64_t, 10> kEdges{0,
                                                 1,
                                                 63,
                                                 64,
                                                 0x7fffffff,
                                                 0x80000000,
                                                 0xffffffff,
                                                 0x7fffffffffffffff,
                                                 0x8000000000000000,
                                                 ~std::uint64_t{0}};
  const std::size_t choice = below(generator, kEdges.size() + 2);
  return choice < kEdges.size() ? kEdges[choice] : generator() >> below(generator, 64);
}

void mutate_once(Generator& generator, std::string& input, const std::vector<std::string>& corpus) {
  const std::size_t place = below(generator, input.size() + 1);
  const std::size_t length = std::min(below(generator, 1 + below(generator, 200)), input.size() - place);
  switch (below(generator, 9)) {
    case 0:
      if (place < input.size()) input[place] = static_cast<char>(generator());
      break;
    case 1:
      if (place < input.size()) input[place] = static_cast<char>(input[place] ^ (1 << below(generator, 8)));
      break;
    case 2:
      input.erase(place, length);
      break;
    case 3:
      input.insert(place, kFragments[below(generator, kFragments.size())]);
      break;
    case 4: {  // the same piece many times: depth and quantity
      const std::string piece = length == 0 ? std::string(kFragments[below(generator, kFragments.size())])
                                            : input.substr(place, length);
      std::string many;
      for (std::size_t i = below(generator, 400); i > 0; --i) many += piece;
      input.insert(place, many);
      break;
    }
    case 5: {  // a piece of another sample, or of this one
      const std::string& other = corpus[below(generator, corpus.size())];
      const std::size_t begin = below(generator, other.size());
      input.insert(place, other.substr(begin, below(generator, 300)));
      break;
    }
    case 6:
      input.resize(place);
      break;
    case 7: {  // a field of a binary header
      const std::uint64_t value = edge_value(generator);
      const std::size_t size = std::size_t{1} << below(generator, 4);
      // The headers of the image and its first entry, whose fields all lie at even offsets.
      const std::size_t offset = 2 * below(generator, 40);
      if (offset + size <= input.size()) {
        std::copy_n(reinterpret_cast<const char*>(&value), size,
                    input.begin() + static_cast<std::ptrdiff_t>(offset));
      }
      break;
    }
    default: {  // a number in the text
      const std::size_t digit = input.find_first_of("0123456789", place);
      if (digit != std::string::npos) {
        const std::size_t end = std::min(input.find_first_not_of("0123456789", digit), input.size());
        input.replace(digit, end - digit, std::to_string(edge_value(generator)));
      }
    }
  }
  if (input.size() > kMaximumInputBytes) input.resize(kMaximumInputBytes);
}

std::vector<std::string> read_corpus() {
  std::vector<std::string> corpus;
  for (const std::string_view folder : {"ptx_samples", "image_samples"}) {
    const std::filesystem::path path = std::filesystem::path(VGPU_TEST_DIRECTORY) / "native" / folder;
    for (const auto& entry : std::filesystem::directory_iterator(path)) {
      const std::string name = entry.path().filename().string();
      if (name.ends_with(".ptx") || name.ends_with(".fatbin")) {
        corpus.push_back(ptx::test::read_sample(folder, name));
      }
    }
  }
  // The order of a directory is not fixed, and the inputs shall be.
  std::sort(corpus.begin(), corpus.end());
  return corpus;
}

/// Every kernel that the text has, each by itself: one that is refused says nothing about the others.
bool decode(Gpu& gpu, std::span<const char> text) {
  const std::unique_ptr<Module> module = gpu.load(std::as_bytes(text));
  bool accepted = true;
  for (const std::string& name : module->kernel_names()) {
    try {
      static_cast<void>(module->kernel(name));
    } catch (const Error&) {
      accepted = false;
    }
  }
  return accepted;
}

enum class Outcome { refused, parsed, decoded };

/// The one thing under test.
Outcome run_front_end(Gpu& gpu, const std::string& input) {
  try {
    // Copies of exactly that size: a string has room behind its end, where a sanitizer sees no mistake.
    const std::vector<char> image(input.begin(), input.end());
    const std::string selected = select_ptx(std::as_bytes(std::span(image)), 75);
    const std::vector<char> text(selected.begin(), selected.end());
    ptx::Module module = ptx::parse_module({text.data(), text.size()});
    Outcome outcome = Outcome::parsed;
    for (ptx::Function& function : module.functions) {
      try {
        ptx::parse_body(function);
      } catch (const Error&) {
        outcome = Outcome::refused;
      }
    }
    const bool decoded = decode(gpu, text);
    return outcome == Outcome::parsed && decoded ? Outcome::decoded : outcome;
  } catch (const Error&) {
    return Outcome::refused;
  }
}

// For the sanitizers' callback, which takes no argument.
std::uint64_t current_seed = 0;
std::uint64_t current_input = 0;

void report_input(const char* what) {
  std::fprintf(stderr, "input %llu of seed %llu: %s\n", static_cast<unsigned long long>(current_input),
               static_cast<unsigned long long>(current_seed), what);
}

int run(std::uint64_t count, std::uint64_t seed, std::uint64_t first) {
  const std::vector<std::string> corpus = read_corpus();
  std::uint64_t parsed = 0;
  std::uint64_t decoded = 0;
  GpuOptions options;
  options.memory_bytes = std::size_t{64} << 20;
  options.threads = 1;
  const std::unique_ptr<Gpu> gpu = Gpu::create(options);
  current_seed = seed;
  if (__sanitizer_set_death_callback != nullptr) {
    __sanitizer_set_death_callback([] { report_input("stopped by a sanitizer"); });
  }
  for (std::uint64_t number = first; number < first + count; ++number) {
    current_input = number;
    std::seed_seq sequence{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32),
                           static_cast<std::uint32_t>(number), static_cast<std::uint32_t>(number >> 32)};
    Generator generator(sequence);
    std::string input = corpus[below(generator, corpus.size())];
    for (std::size_t i = 1 + below(generator, 6); i > 0; --i) mutate_once(generator, input, corpus);

    const std::clock_t start = std::clock();
    try {
      const Outcome outcome = run_front_end(*gpu, input);
      parsed += outcome == Outcome::refused ? 0 : 1;
      decoded += outcome == Outcome::decoded ? 1 : 0;
    } catch (const std::exception& exception) {
      report_input(exception.what());
      return EXIT_FAILURE;
    }
    if (static_cast<double>(std::clock() - start) > kSlowInputSeconds * CLOCKS_PER_SEC) {
      report_input("takes too long");
      return EXIT_FAILURE;
    }
  }
  std::printf("%llu inputs, %llu parsed, %llu of them decoded, the others refused\n",
              static_cast<unsigned long long>(count), static_cast<unsigned long long>(parsed),
              static_cast<unsigned long long>(decoded));
  // A fuzzer whose inputs are all refused at once would test nothing.
  return decoded > 0 || count < 1000 ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace
}  // namespace vgpu::software::test

int main(int argc, char** argv) {
  return vgpu::software::test::run_numbered_inputs(argc, argv, "NUMBER_OF_INPUTS [SEED [FIRST_INPUT]]",
                                                   vgpu::software::test::run);
}
