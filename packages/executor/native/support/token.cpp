#include "support/token.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "support/file_descriptor.h"
#include "support/hmac.h"

namespace vgpu::executor {
namespace {

[[noreturn]] void fail(const std::string& path, const std::string& what) {
  throw TokenError("token file " + path + ": " + what);
}

std::string read_all(const std::string& path, int file) {
  std::string content(Token::kMostBytes + 1, '\0');
  std::size_t length = 0;
  while (length < content.size()) {
    const ssize_t count = read(file, content.data() + length, content.size() - length);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail(path, std::strerror(errno));
    if (count == 0) break;
    length += static_cast<std::size_t>(count);
  }
  content.resize(length);
  return content;
}

}  // namespace

Token Token::read(const std::string& path) {
  // Without O_NONBLOCK a named pipe would hold the daemon up.
  const FileDescriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file) fail(path, std::strerror(errno));
  struct stat status {};
  if (fstat(file.get(), &status) != 0) fail(path, std::strerror(errno));
  if (!S_ISREG(status.st_mode)) fail(path, "is no regular file");
  if ((status.st_mode & S_IRWXO) != 0) fail(path, "others have access to it (chmod o-rwx)");
  std::string secret = read_all(path, file.get());
  secret.erase(secret.find_last_not_of(" \t\n\v\f\r") + 1);
  if (secret.size() < kLeastBytes || secret.size() > kMostBytes) {
    fail(path, "a token has " + std::to_string(kLeastBytes) + " to " + std::to_string(kMostBytes) +
                   " bytes, this one " + std::to_string(secret.size()));
  }
  return Token(std::move(secret));
}

std::array<std::uint8_t, 32> Token::proof(std::string_view label, std::span<const std::uint8_t> guest_nonce,
                                          std::span<const std::uint8_t> executor_nonce) const {
  std::string message(label);
  message.append(guest_nonce.begin(), guest_nonce.end());
  message.append(executor_nonce.begin(), executor_nonce.end());
  return hmac_sha256(secret_, message);
}

}  // namespace vgpu::executor
