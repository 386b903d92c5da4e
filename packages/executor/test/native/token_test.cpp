#include "support/token.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <string>

#include "support/hmac.h"
#include "vgpu_protocol.h"

using namespace vgpu::executor;
namespace fs = std::filesystem;

namespace {

std::string hexadecimal(const std::array<std::uint8_t, 32>& bytes) {
  std::string text;
  for (const std::uint8_t byte : bytes) {
    constexpr const char* kDigits = "0123456789abcdef";
    text += {kDigits[byte >> 4], kDigits[byte & 15]};
  }
  return text;
}

class TokenFile {
 public:
  TokenFile(const std::string& content, mode_t mode) {
    std::string pattern = (fs::temp_directory_path() / "vgpu-test-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp");
    folder_ = pattern;
    std::ofstream(path()) << content;
    if (chmod(path().c_str(), mode) != 0) throw std::runtime_error("chmod");
  }
  ~TokenFile() { fs::remove_all(folder_); }
  [[nodiscard]] std::string path() const { return folder_ / "token"; }

 private:
  fs::path folder_;
};

std::string complaint(const std::string& path) {
  try {
    static_cast<void>(Token::read(path));
  } catch (const TokenError& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("HMAC-SHA-256 agrees with RFC 4231") {
  const std::string long_key(131, '\xaa');
  CHECK(hexadecimal(hmac_sha256(std::string(20, '\x0b'), "Hi There")) ==
        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  CHECK(hexadecimal(hmac_sha256("Jefe", "what do ya want for nothing?")) ==
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  CHECK(hexadecimal(hmac_sha256(std::string(20, '\xaa'), std::string(50, '\xdd'))) ==
        "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe");
  CHECK(hexadecimal(hmac_sha256(long_key, "Test Using Larger Than Block-Size Key - Hash Key First")) ==
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
  CHECK(hexadecimal(hmac_sha256(long_key,
                                "This is a test using a larger than block-size key and a larger than "
                                "block-size data. The key needs to be hashed before being used by the "
                                "HMAC algorithm.")) ==
        "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2");
}

TEST_CASE("secrets are compared to their end") {
  std::array<std::uint8_t, 32> one{};
  std::array<std::uint8_t, 32> other{};
  CHECK(same_secret(one, other));
  for (std::size_t i = 0; i < one.size(); ++i) {
    other[i] = 0x80;
    CHECK_FALSE(same_secret(one, other));
    other[i] = 0;
  }
  CHECK_FALSE(same_secret(one, std::span(other).first(31)));
}

TEST_CASE("a token is what the file holds, without the line's end") {
  const TokenFile bare("0123456789abcdef", 0640);
  const TokenFile line("0123456789abcdef \r\n", 0400);
  const std::array<std::uint8_t, 2> nonce{1, 2};
  const auto proof = [&](const TokenFile& file, std::string_view label) {
    return Token::read(file.path()).proof(label, nonce, nonce);
  };
  CHECK(proof(bare, VGPU_PROOF_LABEL_GUEST) == proof(line, VGPU_PROOF_LABEL_GUEST));
  CHECK(proof(bare, VGPU_PROOF_LABEL_GUEST) != proof(bare, VGPU_PROOF_LABEL_EXECUTOR));
}

TEST_CASE("files that cannot be secret, or are no token, are refused") {
  for (const mode_t mode : {mode_t{0644}, mode_t{0601}, mode_t{0602}}) {
    CHECK(complaint(TokenFile("0123456789abcdef", mode).path()).find("others have access to it") !=
          std::string::npos);
  }
  CHECK(complaint(TokenFile("0123456789abcde\n", 0600).path()).find("this one 15") != std::string::npos);
  CHECK(complaint(TokenFile(std::string(4097, 'x'), 0600).path()).find("this one 4097") != std::string::npos);
  CHECK(complaint("/dev/null").find("no regular file") != std::string::npos);
  CHECK(complaint("/nonexistent/token").find("No such file") != std::string::npos);
}
