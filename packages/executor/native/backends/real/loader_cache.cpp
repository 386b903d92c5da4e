// The format is that of glibc's elf/cache.c and sysdeps/generic/dl-cache.h. Files of before glibc 2.32 may
// have an older table in front, which is skipped.
#include "backends/real/loader_cache.h"

#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>
#include <optional>

namespace vgpu::executor {
namespace {

constexpr std::string_view kMagic = "glibc-ld.so.cache1.1";

struct Header {
  char magic[20];
  std::uint32_t library_count;
  std::uint32_t string_bytes;
  std::uint8_t unused[20];
};
static_assert(sizeof(Header) == 48);

struct Entry {
  std::int32_t flags;
  std::uint32_t name;  // both are offsets from the header
  std::uint32_t path;
  std::uint32_t unused;
  std::uint64_t hardware;
};
static_assert(sizeof(Entry) == 24);

#if defined(__x86_64__)
constexpr std::int32_t kThisArchitecture = 0x0303;
#elif defined(__aarch64__)
constexpr std::int32_t kThisArchitecture = 0x0a03;
#else
#error "which flags do libraries of this architecture have in the loader's cache?"
#endif

template <typename Value>
std::optional<Value> read_at(std::span<const std::byte> bytes, std::size_t offset) {
  if (offset > bytes.size() || bytes.size() - offset < sizeof(Value)) return std::nullopt;
  Value value;
  std::memcpy(&value, bytes.data() + offset, sizeof(value));
  return value;
}

std::string_view text_at(std::span<const std::byte> bytes, std::size_t offset) {
  if (offset >= bytes.size()) return {};
  const auto* text = reinterpret_cast<const char*>(bytes.data()) + offset;
  const std::size_t length = strnlen(text, bytes.size() - offset);
  return length == bytes.size() - offset ? std::string_view() : std::string_view(text, length);
}

}  // namespace

std::vector<std::byte> read_loader_cache() {
  std::ifstream file("/etc/ld.so.cache", std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

std::string find_in_loader_cache(std::span<const std::byte> cache, std::string_view name) {
  const std::string_view text(reinterpret_cast<const char*>(cache.data()), cache.size());
  const std::size_t start = text.find(kMagic);
  if (start == std::string_view::npos) return {};
  cache = cache.subspan(start);
  const auto header = read_at<Header>(cache, 0);
  if (!header) return {};
  for (std::uint32_t i = 0; i < header->library_count; ++i) {
    const auto entry = read_at<Entry>(cache, sizeof(Header) + std::size_t{i} * sizeof(Entry));
    if (!entry) return {};
    if (entry->flags == kThisArchitecture && text_at(cache, entry->name) == name) {
      return std::string(text_at(cache, entry->path));
    }
  }
  return {};
}

}  // namespace vgpu::executor
