// Fat binaries: those that nvcc 13.0 writes (image_samples, made from ptx_samples/scale.cu), and forged ones.
//
//   nvcc -fatbin -gencode arch=compute_75,code=compute_75 scale.cu -o zstd.fatbin
//     … -Xfatbin -compress-mode=speed → lz4.fatbin, -Xfatbin -compress-mode=none → uncompressed.fatbin
//     … with -gencode also for compute_80, compute_90a and compute_100f → several.fatbin
#include <doctest/doctest.h>
#include <lz4.h>
#include <zstd.h>

#include <cstdint>
#include <cstring>

#include "image/fat_binary.h"
#include "ptx_support.h"

namespace vgpu::software {
namespace {

using ptx::test::read_sample;

std::string select(std::string_view image, int compute_capability = 75) {
  return select_ptx(std::as_bytes(std::span(image)), compute_capability);
}

struct Refusal {
  Status status = Status::success;
  std::string message;
};

Refusal refusal(std::string_view image, int compute_capability = 75) {
  try {
    select(image, compute_capability);
  } catch (const Error& error) {
    return {error.status(), error.what()};
  }
  return {};
}

/// The fields of an entry that a forger would set.
struct Entry {
  std::uint16_t kind = 1;
  std::uint32_t architecture = 75;
  std::uint64_t flags = 0;
  std::string content;
  std::uint64_t uncompressed_size = 0;
  std::uint32_t compressed_size = 0;
  std::uint32_t header_size = 64;
  std::uint64_t size = ~std::uint64_t{0};  // that of the content
};

template <typename Integer>
void put(std::string& bytes, std::size_t offset, Integer value) {
  std::memcpy(bytes.data() + offset, &value, sizeof value);
}

std::string fat_binary(const std::vector<Entry>& entries) {
  std::string content;
  for (const Entry& entry : entries) {
    std::string header(64, '\0');
    put(header, 0, entry.kind);
    put(header, 4, entry.header_size);
    put(header, 8, entry.size == ~std::uint64_t{0} ? entry.content.size() : entry.size);
    put(header, 16, entry.compressed_size);
    put(header, 28, entry.architecture);
    put(header, 40, entry.flags);
    put(header, 56, entry.uncompressed_size);
    content += header + entry.content;
  }
  std::string image(16, '\0');
  put(image, 0, std::uint32_t{0xBA55ED50});
  put(image, 4, std::uint16_t{1});
  put(image, 6, std::uint16_t{16});
  put(image, 8, static_cast<std::uint64_t>(content.size()));
  return image + content;
}

Entry zstd_entry(const std::string& text) {
  Entry entry;
  entry.flags = 0x8000;
  entry.content.resize(ZSTD_compressBound(text.size()));
  entry.content.resize(
      ZSTD_compress(entry.content.data(), entry.content.size(), text.data(), text.size(), 3));
  entry.compressed_size = static_cast<std::uint32_t>(entry.content.size());
  entry.uncompressed_size = text.size();
  return entry;
}

Entry lz4_entry(const std::string& text) {
  Entry entry;
  entry.flags = 0x2000;
  entry.content.resize(static_cast<std::size_t>(LZ4_compressBound(static_cast<int>(text.size()))));
  entry.content.resize(static_cast<std::size_t>(
      LZ4_compress_default(text.data(), entry.content.data(), static_cast<int>(text.size()),
                           static_cast<int>(entry.content.size()))));
  entry.compressed_size = static_cast<std::uint32_t>(entry.content.size());
  entry.uncompressed_size = text.size();
  return entry;
}

TEST_CASE("PTX text is taken as it is, up to its NUL if it has one") {
  const std::string text = ".version 9.0\n.target sm_75\n";
  CHECK(select(text) == text);
  CHECK(select(text + '\0') == text);
  CHECK(select(text + '\0' + "what follows in memory") == text);
  CHECK(select("\n\t // comment\n" + text) == "\n\t // comment\n" + text);
}

TEST_CASE("what nvcc writes: zstd, LZ4 and no compression hold the same text") {
  const std::string expected = read_sample("ptx_samples", "scale.ptx");
  for (const std::string_view name : {"zstd.fatbin", "lz4.fatbin", "uncompressed.fatbin"}) {
    CAPTURE(name);
    std::string text = select(read_sample("image_samples", name));
    CHECK(text.find('\0') == std::string::npos);
    // The images hold the text without most of its blanks, so what it means is compared.
    const ptx::Module module = ptx::parse_module(text);
    CHECK(module.target == "sm_75");
    REQUIRE(module.functions.size() == 1);
    ptx::Function function = module.functions[0];
    ptx::parse_body(function);
    ptx::Function original = ptx::parse_module(expected).functions[0];
    ptx::parse_body(original);
    CHECK(function.name == original.name);
    CHECK(function.statements.size() == original.statements.size());
  }
}

TEST_CASE("the newest PTX that is not above the compute capability is taken") {
  const std::string image = read_sample("image_samples", "several.fatbin");
  const auto target = [&](int compute_capability) {
    const std::string text = select(image, compute_capability);
    return std::string(ptx::parse_module(text).target);
  };
  CHECK(target(75) == "sm_75");
  CHECK(target(79) == "sm_75");
  CHECK(target(80) == "sm_80");
  CHECK(target(89) == "sm_80");
  CHECK(target(90) == "sm_90a");
  // Code for one architecture with its particular features does not run on the next one.
  CHECK(target(99) == "sm_80");
  CHECK(target(100) == "sm_100f");
  CHECK(target(103) == "sm_80");
}

TEST_CASE("an image without suitable PTX is refused with a list of what it holds") {
  const Refusal none = refusal(read_sample("image_samples", "several.fatbin"), 70);
  CHECK(none.status == Status::no_binary_for_gpu);
  CHECK(none.message ==
        "device code: no PTX that compute capability 7.0 can run; the image holds PTX for 7.5, 8.0, 9.0a, "
        "10.0f; "
        "build the program with -gencode arch=compute_75,code=compute_75");

  Entry cubin;
  cubin.kind = 2;
  Entry intermediate;
  intermediate.kind = 8;
  const Refusal machine_code = refusal(fat_binary({cubin, intermediate}));
  CHECK(machine_code.status == Status::no_binary_for_gpu);
  CHECK(machine_code.message.find("the image holds machine code for 7.5 and other code (such as link-time "
                                  "intermediate code) for 7.5;") != std::string::npos);
  CHECK(refusal(fat_binary({})).message.find("the image holds nothing;") != std::string::npos);
  CHECK(refusal(fat_binary(std::vector<Entry>(1000, cubin))).message.size() < 500);
}

TEST_CASE("a bare machine code file is named") {
  const Refusal elf =
      refusal(std::string("\x7f"
                          "ELF\2\1\1",
                          7));
  CHECK(elf.status == Status::no_binary_for_gpu);
  CHECK(elf.message ==
        "device code: the image holds machine code only; build the program with -gencode "
        "arch=compute_75,code=compute_75");
}

TEST_CASE("garbage is an invalid image") {
  for (const std::string_view image :
       {std::string_view(), std::string_view("\0\0\0\0", 4), std::string_view("x"),
        std::string_view("\xb1\x43\x62\x46", 4), std::string_view("  \n ")}) {
    const Refusal garbage = refusal(image);
    CHECK(garbage.status == Status::invalid_image);
    CHECK(garbage.message == "device code: the image is neither PTX text nor a fat binary");
  }
}

TEST_CASE("an image cut off at any byte is refused, or has lost nothing but what follows its end") {
  for (const std::string_view name : {"several.fatbin", "uncompressed.fatbin"}) {
    const std::string image = read_sample("image_samples", name);
    for (std::size_t length = 0; length < image.size(); ++length) {
      CAPTURE(length);
      REQUIRE(refusal(image.substr(0, length)).status == Status::invalid_image);
    }
    CHECK(select(image + "what follows in memory") == select(image));
  }
}

TEST_CASE("a header whose sizes lie") {
  std::string image = fat_binary({zstd_entry(".version 9.0")});
  put(image, 8, ~std::uint64_t{0});
  CHECK(refusal(image).message.starts_with(
      "device code: the fat binary states 16 + 18446744073709551615 bytes"));
  put(image, 8, std::uint64_t{10});
  CHECK(refusal(image).message == "device code: entry 1 of the fat binary ends inside its header");
  put(image, 6, std::uint16_t{0});
  CHECK(refusal(image).status == Status::invalid_image);
  put(image, 6, std::uint16_t{65535});
  CHECK(refusal(image).status == Status::invalid_image);
}

TEST_CASE("an entry whose sizes lie") {
  for (const std::uint32_t header_size : {0U, 63U, 100000U, ~0U}) {
    Entry entry = zstd_entry(".version 9.0");
    entry.header_size = header_size;
    CHECK(refusal(fat_binary({entry})).status == Status::invalid_image);
  }
  for (const std::uint64_t size : {std::uint64_t{1} << 20, ~std::uint64_t{0} - 64, ~std::uint64_t{0} - 1}) {
    Entry entry = zstd_entry(".version 9.0");
    entry.size = size;
    CHECK(refusal(fat_binary({entry})).status == Status::invalid_image);
  }
}

TEST_CASE("compressed entries whose sizes lie") {
  const std::string text = ".version 9.0\n.target sm_75\n";
  for (const Entry& good : {zstd_entry(text), lz4_entry(text)}) {
    REQUIRE(select(fat_binary({good})) == text);
    for (const std::uint32_t size : {0U, 1U, good.compressed_size + 1, ~0U}) {
      Entry entry = good;
      entry.compressed_size = size;
      CHECK(refusal(fat_binary({entry})).status == Status::invalid_image);
    }
    for (const std::uint64_t size : {std::uint64_t{0}, good.uncompressed_size - 1, good.uncompressed_size + 1,
                                     std::uint64_t{1} << 31, ~std::uint64_t{0}}) {
      Entry entry = good;
      entry.uncompressed_size = size;
      CHECK(refusal(fat_binary({entry})).status == Status::invalid_image);
    }
    for (std::size_t i = 0; i < good.content.size(); ++i) {
      Entry entry = good;
      entry.content[i] = static_cast<char>(~entry.content[i]);
      const Refusal damaged = refusal(fat_binary({entry}));
      CHECK((damaged.status == Status::invalid_image || damaged.status == Status::success));
    }
  }
}

TEST_CASE("a bomb is not inflated") {
  const Entry bomb = zstd_entry(std::string(std::size_t{64} << 20, '.'));
  const Refusal refused = refusal(fat_binary({bomb}));
  CHECK(refused.status == Status::invalid_image);
  CHECK(refused.message.find("claims to become 67108864") != std::string::npos);
}

TEST_CASE("decompressed text ends at its NUL") {
  const std::string text = ".version 9.0\n.target sm_75\n";
  CHECK(select(fat_binary({zstd_entry(text + '\0' + "rest")})) == text);
  CHECK(select(fat_binary({lz4_entry(text + std::string(7, '\0'))})) == text);
  Entry plain;
  plain.content = text + std::string(5, '\0');
  CHECK(select(fat_binary({plain})) == text);
}

}  // namespace
}  // namespace vgpu::software
