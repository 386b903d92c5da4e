#include "support/hmac.h"

#include <algorithm>
#include <string>

#include "support/sha256.h"

namespace vgpu::executor {
namespace {

constexpr std::size_t kBlockBytes = 64;

template <typename Bytes>
std::string as_text(const Bytes& bytes) {
  return {bytes.begin(), bytes.end()};
}

std::string mixed(std::string key, char pad) {
  std::ranges::for_each(key, [pad](char& character) { character = static_cast<char>(character ^ pad); });
  return key;
}

}  // namespace

std::array<std::uint8_t, 32> hmac_sha256(std::string_view key, std::string_view message) {
  std::string block = key.size() > kBlockBytes ? as_text(sha256(key)) : std::string(key);
  block.resize(kBlockBytes, '\0');
  const auto inner = sha256(mixed(block, 0x36) + std::string(message));
  return sha256(mixed(block, 0x5c) + as_text(inner));
}

bool same_secret(std::span<const std::uint8_t> one, std::span<const std::uint8_t> other) {
  if (one.size() != other.size()) return false;
  unsigned difference = 0;
  for (std::size_t i = 0; i < one.size(); ++i) difference |= static_cast<unsigned>(one[i] ^ other[i]);
  return difference == 0;
}

}  // namespace vgpu::executor
