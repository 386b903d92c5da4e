#include "worker/proof.h"

#include <sys/random.h>

#include <algorithm>
#include <cerrno>
#include <span>
#include <system_error>

#include "support/hmac.h"
#include "worker/handshake.h"
#include "worker/timed_io.h"

namespace vgpu::executor {
namespace {

std::array<std::uint8_t, VGPU_NONCE_BYTES> new_nonce() {
  std::array<std::uint8_t, VGPU_NONCE_BYTES> nonce{};
  // So few bytes come all at once.
  while (getrandom(nonce.data(), nonce.size(), 0) != static_cast<ssize_t>(nonce.size())) {
    if (errno != EINTR) throw std::system_error(errno, std::generic_category(), "getrandom");
  }
  return nonce;
}

}  // namespace

std::optional<Proof> demand_proof(int socket, const vgpu_hello& hello, const Token& token,
                                  std::chrono::milliseconds deadline, Log& log) {
  const auto end = std::chrono::steady_clock::now() + deadline;
  const auto nonce = new_nonce();
  vgpu_welcome demand = new_welcome();
  demand.status = VGPU_STATUS_PROVE;
  std::ranges::copy(nonce, demand.nonce);
  vgpu_proof given{};
  if (!send_until(socket, std::as_bytes(std::span(&demand, 1)), end) ||
      receive_until(socket, std::as_writable_bytes(std::span(&given, 1)), end) != Receipt::complete) {
    log.write(Level::warning, "a client does not prove that it knows the token");
    return std::nullopt;
  }
  if (!same_secret(given.proof, token.proof(VGPU_PROOF_LABEL_GUEST, hello.nonce, nonce))) {
    send_refusal(socket, CUDA_ERROR_NOT_PERMITTED, "the token is another one than the executor's", log);
    return std::nullopt;
  }
  return token.proof(VGPU_PROOF_LABEL_EXECUTOR, hello.nonce, nonce);
}

}  // namespace vgpu::executor
