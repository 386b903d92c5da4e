#include "image/fat_binary.h"

#include <lz4.h>
#include <zstd.h>

#include <bit>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string_view>
#include <vector>

#include "vgpu/software_gpu/error.h"

namespace vgpu::software {
namespace {

using Bytes = std::span<const std::byte>;

// The layout is NVIDIA's and undocumented; these are the fields that matter, as fatbinary 13.0 writes them.
constexpr std::uint32_t kFatBinaryMagic = 0xBA55ED50;
constexpr std::size_t kHeaderSizeAt = 6;
constexpr std::size_t kContentSizeAt = 8;
constexpr std::size_t kHeaderBytes = 16;

constexpr std::size_t kEntryKindAt = 0;
constexpr std::size_t kEntryHeaderSizeAt = 4;
constexpr std::size_t kEntrySizeAt = 8;
constexpr std::size_t kEntryCompressedSizeAt = 16;
constexpr std::size_t kEntryArchitectureAt = 28;
constexpr std::size_t kEntryFlagsAt = 40;
constexpr std::size_t kEntryUncompressedSizeAt = 56;
constexpr std::size_t kEntryHeaderBytes = 64;

constexpr std::uint16_t kKindPtx = 1;
constexpr std::uint16_t kKindMachineCode = 2;

constexpr std::uint64_t kFlagLz4 = 0x2000;
constexpr std::uint64_t kFlagZstd = 0x8000;
constexpr std::uint64_t kFlagArchitectureSpecific = 0x100000;  // compute_90a
constexpr std::uint64_t kFlagFamilySpecific = 0x200000;        // compute_100f

// A few compressed bytes can claim to become any amount. Real PTX shrinks to a tenth, seldom to a hundredth.
constexpr std::uint64_t kMaximumPtxBytes = std::uint64_t{1} << 30;
constexpr std::uint64_t kMaximumRatio = 1000;

constexpr std::string_view kRemedy = "; build the program with -gencode arch=compute_75,code=compute_75";

[[noreturn]] void fail_invalid(const std::string& message) {
  throw Error(Status::invalid_image, "device code: " + message);
}

struct Entry {
  std::uint16_t kind = 0;
  std::uint32_t architecture = 0;
  std::uint64_t flags = 0;
  std::uint64_t compressed_size = 0;
  std::uint64_t uncompressed_size = 0;
  Bytes content;

  [[nodiscard]] bool runs_on(int compute_capability) const {
    const auto capability = static_cast<std::uint32_t>(compute_capability);
    const bool is_tied_to_one = (flags & (kFlagArchitectureSpecific | kFlagFamilySpecific)) != 0;
    return is_tied_to_one ? architecture == capability : architecture <= capability;
  }
};

template <typename Integer>
Integer read(Bytes bytes, std::size_t offset) {
  static_assert(std::endian::native == std::endian::little);
  Integer value;
  // Entries need not be aligned: std::memcpy, not a cast. Every caller has checked that the field is there.
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

std::string_view as_text(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string_view before_nul(std::string_view text) {
  return text.substr(0, text.find('\0'));
}

std::vector<Entry> read_entries(Bytes image) {
  if (image.size() < kHeaderBytes) fail_invalid("the fat binary ends inside its header");
  const auto header_size = read<std::uint16_t>(image, kHeaderSizeAt);
  const auto content_size = read<std::uint64_t>(image, kContentSizeAt);
  if (header_size < kHeaderBytes || header_size > image.size() || content_size > image.size() - header_size) {
    fail_invalid("the fat binary states " + std::to_string(header_size) + " + " +
                 std::to_string(content_size) + " bytes, but has " + std::to_string(image.size()));
  }

  std::vector<Entry> entries;
  Bytes rest = image.subspan(header_size, content_size);
  while (!rest.empty()) {
    const std::string name = "entry " + std::to_string(entries.size() + 1) + " of the fat binary";
    if (rest.size() < kEntryHeaderBytes) fail_invalid(name + " ends inside its header");
    const auto entry_header_size = read<std::uint32_t>(rest, kEntryHeaderSizeAt);
    const auto size = read<std::uint64_t>(rest, kEntrySizeAt);
    if (entry_header_size < kEntryHeaderBytes || entry_header_size > rest.size() ||
        size > rest.size() - entry_header_size) {
      fail_invalid(name + " states " + std::to_string(entry_header_size) + " + " + std::to_string(size) +
                   " bytes, but has " + std::to_string(rest.size()));
    }
    Entry entry;
    entry.kind = read<std::uint16_t>(rest, kEntryKindAt);
    entry.architecture = read<std::uint32_t>(rest, kEntryArchitectureAt);
    entry.flags = read<std::uint64_t>(rest, kEntryFlagsAt);
    entry.compressed_size = read<std::uint32_t>(rest, kEntryCompressedSizeAt);
    entry.uncompressed_size = read<std::uint64_t>(rest, kEntryUncompressedSizeAt);
    entry.content = rest.subspan(entry_header_size, size);
    entries.push_back(entry);
    rest = rest.subspan(entry_header_size + size);
  }
  return entries;
}

std::string version_name(const Entry& entry) {
  std::string name = std::to_string(entry.architecture / 10) + "." + std::to_string(entry.architecture % 10);
  if ((entry.flags & kFlagArchitectureSpecific) != 0) name += 'a';
  if ((entry.flags & kFlagFamilySpecific) != 0) name += 'f';
  return name;
}

/// "PTX for 8.0, 9.0 and machine code for 7.5"
std::string list_of(const std::vector<Entry>& entries) {
  constexpr std::size_t kListedEntries = 32;
  std::string ptx;
  std::string machine_code;
  std::string others;
  std::size_t listed = 0;
  for (const Entry& entry : entries) {
    if (++listed > kListedEntries) break;
    std::string& list = entry.kind == kKindPtx ? ptx : entry.kind == kKindMachineCode ? machine_code : others;
    list += (list.empty() ? "" : ", ") + version_name(entry);
  }
  std::string result;
  const auto add = [&result](std::string_view what, const std::string& versions) {
    if (versions.empty()) return;
    result += result.empty() ? "" : " and ";
    result += what;
    result += versions;
  };
  add("PTX for ", ptx);
  add("machine code for ", machine_code);
  add("other code (such as link-time intermediate code) for ", others);
  if (entries.size() > kListedEntries) result += " and more";
  return result.empty() ? "nothing" : result;
}

std::string decompress(const Entry& entry) {
  const std::uint64_t size = entry.uncompressed_size;
  if (entry.compressed_size == 0 || entry.compressed_size > entry.content.size()) {
    fail_invalid("compressed PTX states " + std::to_string(entry.compressed_size) + " bytes, but has " +
                 std::to_string(entry.content.size()));
  }
  const Bytes source = entry.content.first(entry.compressed_size);
  if (size > kMaximumPtxBytes || size > source.size() * kMaximumRatio) {
    fail_invalid("compressed PTX of " + std::to_string(source.size()) + " bytes claims to become " +
                 std::to_string(size));
  }
  std::string text(size, '\0');
  if ((entry.flags & kFlagZstd) != 0) {
    const std::size_t result = ZSTD_decompress(text.data(), text.size(), source.data(), source.size());
    if (ZSTD_isError(result) != 0) {
      fail_invalid(std::string("zstd cannot decompress the PTX: ") + ZSTD_getErrorName(result));
    }
    if (result != size) fail_invalid("the PTX decompressed by zstd is shorter than stated");
    return text;
  }
  // LZ4 counts with int; kMaximumPtxBytes keeps the size below its limit, and the source is smaller than 2^31
  // or lies about that size.
  if (source.size() > static_cast<std::size_t>(std::numeric_limits<int>::max())) {
    fail_invalid("compressed PTX is larger than 2 GiB");
  }
  const int result = LZ4_decompress_safe(reinterpret_cast<const char*>(source.data()), text.data(),
                                         static_cast<int>(source.size()), static_cast<int>(size));
  if (result < 0) fail_invalid("LZ4 cannot decompress the PTX");
  if (static_cast<std::uint64_t>(result) != size) {
    fail_invalid("the PTX decompressed by LZ4 is shorter than stated");
  }
  return text;
}

std::string text_of(const Entry& entry) {
  if ((entry.flags & (kFlagZstd | kFlagLz4)) == 0) return std::string(before_nul(as_text(entry.content)));
  std::string text = decompress(entry);
  text.resize(before_nul(text).size());
  return text;
}

bool looks_like_ptx(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n\f\v");
  // A directive or a comment: anything else the parser would refuse too, but less helpfully.
  return first != std::string_view::npos && (text[first] == '.' || text[first] == '/');
}

}  // namespace

std::string select_ptx(std::span<const std::byte> image, int compute_capability) {
  if (image.size() < sizeof kFatBinaryMagic || read<std::uint32_t>(image, 0) != kFatBinaryMagic) {
    const std::string_view text = before_nul(as_text(image));
    if (looks_like_ptx(text)) return std::string(text);
    if (as_text(image).starts_with("\x7f"
                                   "ELF")) {
      throw Error(Status::no_binary_for_gpu,
                  "device code: the image holds machine code only" + std::string(kRemedy));
    }
    fail_invalid("the image is neither PTX text nor a fat binary");
  }

  const std::vector<Entry> entries = read_entries(image);
  const Entry* newest = nullptr;
  for (const Entry& entry : entries) {
    if (entry.kind != kKindPtx || !entry.runs_on(compute_capability)) continue;
    if (newest == nullptr || entry.architecture > newest->architecture) newest = &entry;
  }
  if (newest == nullptr) {
    throw Error(Status::no_binary_for_gpu,
                "device code: no PTX that compute capability " + std::to_string(compute_capability / 10) +
                    "." + std::to_string(compute_capability % 10) + " can run; the image holds " +
                    list_of(entries) + std::string(kRemedy));
  }
  return text_of(*newest);
}

}  // namespace vgpu::software
