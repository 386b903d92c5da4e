// The secret that guest and executor prove to each other where the kernel does not vouch for them.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

namespace vgpu::executor {

/// The file cannot serve; what() names it and says why.
class TokenError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class Token {
 public:
  static constexpr std::size_t kLeastBytes = 16;
  static constexpr std::size_t kMostBytes = 4096;

  /// The file's content without white space at its end. Refuses a file that others than its owner and group
  /// can read. Throws TokenError.
  static Token read(const std::string& path);

  /// HMAC-SHA-256 over the label and both nonces; see VGPU_PROOF_LABEL_GUEST.
  [[nodiscard]] std::array<std::uint8_t, 32> proof(std::string_view label,
                                                   std::span<const std::uint8_t> guest_nonce,
                                                   std::span<const std::uint8_t> executor_nonce) const;

 private:
  explicit Token(std::string secret) : secret_(std::move(secret)) {}
  std::string secret_;
};

}  // namespace vgpu::executor
