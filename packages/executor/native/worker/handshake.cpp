#include "worker/handshake.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <string_view>
#include <vector>

#include "vgpu_protocol.h"
#include "worker/socket_io.h"
#include "worker/timed_io.h"

namespace vgpu::executor {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::array<std::uint8_t, 32> kSchemaHash = VGPU_SCHEMA_HASH;

bool send_bytes(int socket, std::span<const std::byte> bytes) {
  return send_until(socket, bytes, Clock::now() + kHelloDeadline);
}

template <std::size_t Size>
void copy_text(char (&destination)[Size], std::string_view text) {
  std::memcpy(destination, text.data(), std::min(text.size(), Size - 1));
}

bool is_compatible(const vgpu_hello& hello) {
  return hello.protocol_version == VGPU_PROTOCOL_VERSION &&
         std::ranges::equal(hello.schema_hash, kSchemaHash);
}

}  // namespace

vgpu_welcome new_welcome() {
  vgpu_welcome welcome{};
  welcome.magic = VGPU_MAGIC;
  welcome.protocol_version = VGPU_PROTOCOL_VERSION;
  std::ranges::copy(kSchemaHash, welcome.schema_hash);
  return welcome;
}

std::optional<vgpu_hello> receive_hello(int socket, std::chrono::milliseconds deadline, Log& log) {
  vgpu_hello hello{};
  const auto bytes = std::as_writable_bytes(std::span(&hello, 1));
  const auto end = Clock::now() + deadline;

  // Another version of the protocol may have another hello: only its beginning is certain to come.
  const std::size_t beginning = offsetof(vgpu_hello, schema_hash);
  Receipt receipt = receive_until(socket, bytes.first(beginning), end);
  if (receipt == Receipt::complete) {
    if (hello.magic != VGPU_MAGIC) {
      log.write(Level::warning, "a client does not speak the vgpu protocol");
      return std::nullopt;
    }
    if (hello.protocol_version == VGPU_PROTOCOL_VERSION) {
      receipt = receive_until(socket, bytes.subspan(beginning), end);
    }
  }
  if (receipt == Receipt::silence) {
    log.write(Level::warning,
              "a client said nothing, or only half a hello, for " + std::to_string(deadline.count()) + " ms");
    return std::nullopt;
  }
  if (receipt == Receipt::end) {
    log.write(Level::debug, "a client left before its hello");
    return std::nullopt;
  }

  hello.program[sizeof(hello.program) - 1] = '\0';
  log.set_client(hello.program, hello.process_id);
  if (is_compatible(hello)) return hello;
  send_refusal(socket, CUDA_ERROR_SYSTEM_DRIVER_MISMATCH,
               "client and executor were built from different versions of vgpu", log);
  return std::nullopt;
}

bool send_welcome(int socket, Backend& backend, const SharedRings* rings, const Proof& proof, Log& log) {
  const std::vector<vgpu_device> devices = backend.devices();
  vgpu_welcome welcome = new_welcome();
  std::ranges::copy(proof, welcome.proof);
  welcome.device_count = static_cast<std::uint32_t>(devices.size());
  welcome.driver_version = backend.driver_version();
  if (rings != nullptr) welcome.features |= VGPU_FEATURE_SHARED_MEMORY;
  copy_text(welcome.backend, backend.name());
  copy_text(welcome.driver_release, backend.driver_release());

  std::vector<std::byte> answer;
  const auto append = [&answer](std::span<const std::byte> bytes) {
    answer.insert(answer.end(), bytes.begin(), bytes.end());
  };
  append(std::as_bytes(std::span(&welcome, 1)));
  append(std::as_bytes(std::span(devices)));
  std::array parts = {part(answer)};
  if (send_all(socket, parts, rings == nullptr ? -1 : rings->descriptor())) return true;
  log.write(Level::debug, "the client left before it was welcome");
  return false;
}

bool send_status(int socket, const std::string& report, const Proof& proof, Log& log) {
  vgpu_welcome welcome = new_welcome();
  std::ranges::copy(proof, welcome.proof);
  const std::uint64_t length = report.size();
  std::vector<std::byte> answer;
  for (const auto bytes : {std::as_bytes(std::span(&welcome, 1)), std::as_bytes(std::span(&length, 1)),
                           std::as_bytes(std::span(report))}) {
    answer.insert(answer.end(), bytes.begin(), bytes.end());
  }
  if (send_bytes(socket, answer)) return true;
  log.write(Level::debug, "the client left before it got the status");
  return false;
}

void send_refusal(int socket, CUresult status, const std::string& reason, Log& log) {
  log.write(Level::warning, "client refused with " + std::to_string(status) + ": " + reason);
  vgpu_welcome welcome = new_welcome();
  welcome.status = status;
  copy_text(welcome.message, reason);
  // A client that has left does not miss the reason.
  static_cast<void>(send_bytes(socket, std::as_bytes(std::span(&welcome, 1))));
}

}  // namespace vgpu::executor
