#include "ring_peer.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>
#include <system_error>
#include <thread>

namespace vgpu::test {
namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr auto kPatience = 30s;

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

}  // namespace

RingFile::RingFile(std::size_t bytes, bool sealed) {
  descriptor_ = memfd_create("test-rings", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (descriptor_ < 0) fail("memfd_create");
  if (ftruncate(descriptor_, static_cast<off_t>(bytes)) != 0) fail("ftruncate");
  if (sealed && fcntl(descriptor_, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
    fail("F_ADD_SEALS");
}

RingFile::~RingFile() {
  ::close(descriptor_);
}

RingConnection::RingConnection(Peer& peer) : connection_(peer.accept()) {
  if ((connection_.read_hello().features & VGPU_FEATURE_SHARED_MEMORY) == 0)
    throw std::runtime_error("the guest does not ask for shared memory");
  const RingFile file;
  void* mapped =
      mmap(nullptr, sizeof(vgpu_shared_rings), PROT_READ | PROT_WRITE, MAP_SHARED, file.descriptor(), 0);
  if (mapped == MAP_FAILED) fail("mmap");
  rings_ = static_cast<vgpu_shared_rings*>(mapped);
  requests_.ring = &rings_->requests;
  responses_.ring = &rings_->responses;
  Introduction introduction;
  introduction.welcome.features = VGPU_FEATURE_SHARED_MEMORY;
  connection_.send(packed(introduction.welcome, introduction.devices.front()), file.descriptor());
}

RingConnection::~RingConnection() {
  munmap(rings_, sizeof(*rings_));
}

/// Takes bells off the socket.
bool RingConnection::has_left() {
  std::byte bells[64];
  const ssize_t received = recv(connection_.descriptor(), bells, sizeof(bells), MSG_DONTWAIT);
  return received == 0 || (received < 0 && errno != EAGAIN && errno != EINTR);
}

bool RingConnection::receive(void* bytes, std::size_t length) {
  auto* destination = static_cast<std::byte*>(bytes);
  const auto deadline = Clock::now() + kPatience;
  while (length > 0) {
    const vgpu_ring_stretch content = vgpu_ring_content(&requests_);
    if (content.broken) throw std::runtime_error("the guest wrote an impossible position");
    const std::size_t taken = std::min(length, content.length);
    if (taken == 0) {
      if (has_left()) return false;
      if (Clock::now() > deadline) throw std::runtime_error("the guest sends nothing");
      // Never asleep: the guest need not wake this end.
      std::this_thread::sleep_for(100us);
      continue;
    }
    std::memcpy(destination, content.bytes, taken);
    requests_.read += taken;
    destination += taken;
    length -= taken;
    if (vgpu_ring_release(&requests_)) ring_bell();
  }
  return true;
}

bool RingConnection::read_request(Request& request) {
  if (!receive(&request.frame, sizeof request.frame)) return false;
  request.payload.resize(request.frame.payload_bytes);
  return receive(request.payload.data(), request.payload.size());
}

void RingConnection::put(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const vgpu_ring_stretch room = vgpu_ring_room(&responses_);
    const std::size_t length = std::min(bytes.size(), room.length);
    if (room.broken || length == 0) throw std::runtime_error("no room for the answer");
    std::memcpy(room.bytes, bytes.data(), length);
    responses_.written += length;
    bytes = bytes.subspan(length);
  }
}

void RingConnection::publish(bool wake) {
  if (vgpu_ring_publish(&responses_) && wake) ring_bell();
}

void RingConnection::ring_bell() {
  const std::byte bell{};
  connection_.send({&bell, 1});
}

void RingConnection::answer(const Request& request, const Answer& answer, bool wake) {
  vgpu_frame frame{};
  frame.call = request.frame.call;
  frame.sequence = request.frame.sequence;
  frame.status = answer.status;
  frame.payload_bytes = static_cast<std::uint32_t>(answer.payload.size());
  put(packed(frame));
  put(answer.payload);
  publish(wake);
}

bool RingConnection::guest_sleeps(std::chrono::milliseconds limit) const {
  const auto deadline = Clock::now() + limit;
  while (__atomic_load_n(&rings_->responses.reader_sleeps, __ATOMIC_SEQ_CST) == 0) {
    if (Clock::now() > deadline) return false;
    std::this_thread::sleep_for(100us);
  }
  return true;
}

void serve(FakeExecutor& executor, RingConnection& connection) {
  Request request;
  while (connection.read_request(request)) {
    executor.requests.push_back(request);
    const auto handler = executor.handlers.find(request.frame.call);
    const Answer answer = handler == executor.handlers.end() ? Answer{} : handler->second(request);
    if ((request.frame.status & VGPU_FRAME_DEFERRED) == 0) connection.answer(request, answer);
  }
}

}  // namespace vgpu::test
