// Proving the token to an executor on another machine.
#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <string>

#include "peer.h"

extern "C" {
#include "transport/sha256.h"
#include "transport/token.h"
}

namespace vgpu::test {
namespace {

using Digest = std::array<std::uint8_t, VGPU_SHA256_BYTES>;

std::string hexadecimal(const Digest& digest) {
  std::string text;
  for (const std::uint8_t byte : digest) {
    constexpr const char* kDigits = "0123456789abcdef";
    text += {kDigits[byte >> 4], kDigits[byte & 15]};
  }
  return text;
}

std::string sha256(const std::string& message) {
  struct vgpu_sha256 hash;
  Digest digest{};
  vgpu_sha256_begin(&hash);
  // In two parts, the first of which ends anywhere.
  vgpu_sha256_add(&hash, message.data(), message.size() / 3);
  vgpu_sha256_add(&hash, message.data() + message.size() / 3, message.size() - message.size() / 3);
  vgpu_sha256_end(&hash, digest.data());
  return hexadecimal(digest);
}

std::string hmac(const std::string& key, const std::string& message) {
  Digest digest{};
  vgpu_hmac_sha256(key.data(), key.size(), message.data(), message.size(), digest.data());
  return hexadecimal(digest);
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

constexpr const char* kSecret = "correct horse battery staple";

class TokenFile {
 public:
  explicit TokenFile(const std::string& content = std::string(kSecret) + "\n", mode_t mode = 0600) {
    std::ofstream(path()) << content;
    REQUIRE(chmod(path().c_str(), mode) == 0);
  }
  [[nodiscard]] std::string path() const { return folder_.path() + "/token"; }

 private:
  TemporaryFolder folder_;
};

/// Listens at a TCP port of this machine that the system chooses.
class TcpPeer {
 public:
  TcpPeer() : descriptor_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof(address);
    REQUIRE(bind(descriptor_, reinterpret_cast<const sockaddr*>(&address), length) == 0);
    REQUIRE(listen(descriptor_, 8) == 0);
    REQUIRE(getsockname(descriptor_, reinterpret_cast<sockaddr*>(&address), &length) == 0);
    port_ = ntohs(address.sin_port);
  }
  ~TcpPeer() { close(descriptor_); }
  TcpPeer(const TcpPeer&) = delete;
  TcpPeer& operator=(const TcpPeer&) = delete;

  [[nodiscard]] Environment environment(const std::string& token_file = "") const {
    Environment environment{{"VGPU_EXECUTOR", "tcp:127.0.0.1:" + std::to_string(port_)}};
    if (!token_file.empty()) environment["VGPU_TOKEN_FILE"] = token_file;
    return environment;
  }
  [[nodiscard]] Connection accept() const {
    const int connection = accept4(descriptor_, nullptr, nullptr, SOCK_CLOEXEC);
    REQUIRE(connection >= 0);
    return Connection(connection);
  }

 private:
  int descriptor_;
  std::uint16_t port_ = 0;
};

struct vgpu_token read_token(const std::string& path) {
  struct vgpu_token token {};
  REQUIRE(vgpu_token_read(path.c_str(), &token) == 0);
  return token;
}

Introduction demand(unsigned char first) {
  Introduction introduction;
  introduction.devices.clear();
  introduction.welcome.device_count = 0;
  introduction.welcome.status = VGPU_STATUS_PROVE;
  introduction.welcome.nonce[0] = first;
  return introduction;
}

Values initialise() {
  return {cuInit(0)};
}

/// Plays an executor that knows `secret` through the handshake. False when the guest gave no proof.
bool demand_and_welcome(Connection& connection, const struct vgpu_token& token) {
  const vgpu_hello hello = connection.read_hello();
  const Introduction question = demand(7);
  connection.introduce(question);
  vgpu_proof given{};
  if (!connection.receive(&given, sizeof(given))) return false;
  unsigned char expected[VGPU_PROOF_BYTES];
  vgpu_token_proof(&token, VGPU_PROOF_LABEL_GUEST, hello.nonce, question.welcome.nonce, expected);
  CHECK(vgpu_same_proof(given.proof, expected));
  Introduction introduction;
  vgpu_token_proof(&token, VGPU_PROOF_LABEL_EXECUTOR, hello.nonce, question.welcome.nonce,
                   introduction.welcome.proof);
  connection.introduce(introduction);
  return true;
}

TEST_CASE("SHA-256 agrees with FIPS 180-4's examples, whatever the length") {
  CHECK(sha256("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(sha256("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") ==
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  CHECK(sha256(std::string(1000000, 'a')) ==
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_CASE("HMAC-SHA-256 agrees with RFC 4231") {
  const std::string long_key(131, '\xaa');
  CHECK(hmac(std::string(20, '\x0b'), "Hi There") ==
        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  CHECK(hmac("Jefe", "what do ya want for nothing?") ==
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  CHECK(hmac(std::string(20, '\xaa'), std::string(50, '\xdd')) ==
        "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe");
  CHECK(hmac(long_key, "Test Using Larger Than Block-Size Key - Hash Key First") ==
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST_CASE("a guest with the token gets its device over TCP") {
  const TokenFile file;
  const TcpPeer peer;
  Guest guest(peer.environment(file.path()), [] {
    int count = 0;
    return Values{cuInit(0), cuDeviceGetCount(&count), count};
  });
  Connection connection = peer.accept();
  CHECK(demand_and_welcome(connection, read_token(file.path())));
  CHECK(guest.finish().values == Values{CUDA_SUCCESS, CUDA_SUCCESS, 1});
}

TEST_CASE("an executor that does not know the token is not trusted") {
  const TokenFile file;
  const TokenFile other("quite another secret");
  const TcpPeer peer;
  Guest guest(peer.environment(file.path()), initialise);
  Connection connection = peer.accept();
  const vgpu_hello hello = connection.read_hello();
  connection.introduce(demand(1));
  vgpu_proof given{};
  REQUIRE(connection.receive(&given, sizeof(given)));
  Introduction introduction;
  const struct vgpu_token wrong = read_token(other.path());
  vgpu_token_proof(&wrong, VGPU_PROOF_LABEL_EXECUTOR, hello.nonce, demand(1).welcome.nonce,
                   introduction.welcome.proof);
  connection.introduce(introduction);
  const Outcome outcome = guest.finish();
  CHECK(outcome.values == Values{CUDA_ERROR_NOT_PERMITTED});
  CHECK(contains(outcome.log, "it does not know the token itself"));
}

TEST_CASE("an executor that returns the guest's own proof is not trusted") {
  const TokenFile file;
  const TcpPeer peer;
  Guest guest(peer.environment(file.path()), initialise);
  Connection connection = peer.accept();
  connection.read_hello();
  connection.introduce(demand(1));
  vgpu_proof given{};
  REQUIRE(connection.receive(&given, sizeof(given)));
  Introduction introduction;
  std::memcpy(introduction.welcome.proof, given.proof, sizeof(given.proof));
  connection.introduce(introduction);
  CHECK(guest.finish().values == Values{CUDA_ERROR_NOT_PERMITTED});
}

TEST_CASE("an executor that does not ask for the token is not trusted") {
  const TokenFile file;
  const TcpPeer peer;
  Guest guest(peer.environment(file.path()), initialise);
  Connection connection = peer.accept();
  connection.greet();
  const Outcome outcome = guest.finish();
  CHECK(outcome.values == Values{CUDA_ERROR_NOT_PERMITTED});
  CHECK(contains(outcome.log, "it does not ask for the token"));
}

TEST_CASE("an executor that asks again and again gets one proof") {
  const TokenFile file;
  const TcpPeer peer;
  Guest guest(peer.environment(file.path()), initialise);
  Connection connection = peer.accept();
  connection.read_hello();
  connection.introduce(demand(1));
  connection.introduce(demand(2));
  CHECK(guest.finish().values == Values{CUDA_ERROR_NOT_PERMITTED});
  vgpu_proof given{};
  CHECK(connection.receive(&given, sizeof(given)));
  CHECK_FALSE(connection.receive(&given, sizeof(given)));
}

TEST_CASE("a guest without a token says so") {
  const TcpPeer peer;
  Guest guest(peer.environment(), initialise);
  Connection connection = peer.accept();
  connection.read_hello();
  connection.introduce(demand(1));
  const Outcome outcome = guest.finish();
  CHECK(outcome.values == Values{CUDA_ERROR_NOT_PERMITTED});
  CHECK(contains(outcome.log, "set VGPU_TOKEN_FILE"));
}

TEST_CASE("each connection has a random number of its own, and none without a token") {
  const TokenFile file;
  const TcpPeer peer;
  const Bytes zeros(VGPU_NONCE_BYTES);
  std::array<Bytes, 2> nonces;
  for (Bytes& nonce : nonces) {
    Guest guest(peer.environment(file.path()), initialise);
    Connection connection = peer.accept();
    nonce = packed(connection.read_hello().nonce);
    connection.close();
    guest.finish();
  }
  CHECK(nonces[0] != nonces[1]);
  CHECK(nonces[0] != zeros);
  Guest guest(peer.environment(), initialise);
  Connection connection = peer.accept();
  CHECK(packed(connection.read_hello().nonce) == zeros);
  connection.close();
  guest.finish();
}

TEST_CASE("token files that cannot be secret, or hold no token, are refused before anybody is called") {
  const TokenFile readable(kSecret, 0644);
  const TokenFile brief("0123456789abcde\n");
  const TokenFile lengthy(std::string(4097, 'x'));
  const TemporaryFolder folder;
  const std::string pipe = folder.path() + "/pipe";
  REQUIRE(mkfifo(pipe.c_str(), 0600) == 0);
  const std::map<std::string, std::string> causes{{readable.path(), "others have access to it"},
                                                  {brief.path(), "16 to 4096 bytes"},
                                                  {lengthy.path(), "16 to 4096 bytes"},
                                                  {pipe, "16 to 4096 bytes"},
                                                  {folder.path(), ""},
                                                  {"/nonexistent/token", "no such file"}};
  for (const auto& entry : causes) {
    const std::string& path = entry.first;
    CAPTURE(path);
    const Outcome outcome =
        run_guest({{"VGPU_EXECUTOR", "tcp:127.0.0.1:1"}, {"VGPU_TOKEN_FILE", path}}, initialise);
    CHECK(outcome.values == Values{CUDA_ERROR_NOT_PERMITTED});
    CHECK_MESSAGE(contains(outcome.log, "token file " + path + ": "), outcome.log);
    CHECK_MESSAGE(contains(outcome.log, entry.second), outcome.log);
    CHECK(outcome.elapsed < at_most(std::chrono::milliseconds(100)));
  }
}

TEST_CASE("at a unix socket the token file is not looked at") {
  Peer peer;
  Environment environment = peer.environment();
  environment["VGPU_TOKEN_FILE"] = "/nonexistent/token";
  Guest guest(environment, initialise);
  Connection connection = peer.accept();
  connection.greet();
  CHECK(guest.finish().values == Values{CUDA_SUCCESS});
}

TEST_CASE("a machine that does not answer costs the connect timeout") {
  // A queue that is full: connecting neither succeeds nor fails.
  const int full = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof(address);
  REQUIRE(bind(full, reinterpret_cast<const sockaddr*>(&address), length) == 0);
  REQUIRE(listen(full, 0) == 0);
  REQUIRE(getsockname(full, reinterpret_cast<sockaddr*>(&address), &length) == 0);
  std::array<int, 4> callers{};
  for (int& caller : callers) {
    caller = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    static_cast<void>(connect(caller, reinterpret_cast<const sockaddr*>(&address), length));
  }
  const Outcome outcome =
      run_guest({{"VGPU_EXECUTOR", "tcp:127.0.0.1:" + std::to_string(ntohs(address.sin_port))},
                 {"VGPU_CONNECT_TIMEOUT_MS", "300"}},
                initialise);
  CHECK(outcome.values == Values{CUDA_ERROR_NO_DEVICE});
  CHECK(outcome.elapsed >= std::chrono::milliseconds(300));
  CHECK(outcome.elapsed < at_most(std::chrono::milliseconds(350)));
  CHECK(contains(outcome.log, "no answer in time"));
  for (const int caller : callers) close(caller);
  close(full);
}

}  // namespace
}  // namespace vgpu::test
