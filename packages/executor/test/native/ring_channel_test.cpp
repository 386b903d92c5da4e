// Shared memory from the worker's side: bytes arrive as they were sent, nobody sleeps for ever, and a client
// that lies ends its own connection only.
#include "worker/ring_channel.h"

#include <doctest/doctest.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <random>
#include <thread>
#include <vector>

#include "ring_client.h"
#include "support.h"
#include "worker/timed_io.h"
#include "worker/worker.h"

using namespace vgpu::executor;
using test::RingClient;

namespace {

struct Ends {
  std::array<FileDescriptor, 2> sockets = test::connected_sockets();
  SharedRings shared;
  RingChannel channel{sockets[1].get(), shared.rings()};
  RingClient client{shared.rings()};

  void ring_bell() const { REQUIRE(send(sockets[0].get(), "", 1, MSG_NOSIGNAL) == 1); }
  /// Waits for the worker's bell, and empties the socket.
  void sleep() const {
    pollfd readable{.fd = sockets[0].get(), .events = POLLIN, .revents = 0};
    REQUIRE(poll(&readable, 1, 20'000) == 1);
    std::array<char, 64> bells{};
    REQUIRE(recv(sockets[0].get(), bells.data(), bells.size(), MSG_DONTWAIT) > 0);
  }
};

std::vector<std::byte> numbered_bytes(std::size_t count) {
  std::vector<std::byte> bytes(count);
  for (std::size_t i = 0; i < count; ++i) bytes[i] = std::byte((i * 7 + i / 4099) & 0xff);
  return bytes;
}

/// Sends everything, sleeping when there is no room.
void send_all_bytes(Ends& ends, std::span<const std::byte> bytes, std::size_t piece) {
  std::uint32_t& sleeps = ends.shared.rings().requests.writer_sleeps;
  while (!bytes.empty()) {
    const std::size_t done = ends.client.put(bytes.first(std::min(piece, bytes.size())));
    bytes = bytes.subspan(done);
    if (ends.client.publish()) ends.ring_bell();
    if (done != 0) continue;
    vgpu_ring_set_sleeps(&sleeps, true);
    if (ends.client.put(bytes.first(1)) == 0) {
      ends.sleep();
    } else {
      bytes = bytes.subspan(1);
    }
    vgpu_ring_set_sleeps(&sleeps, false);
  }
}

}  // namespace

TEST_CASE("what a client sends arrives, also when the ring is full again and again") {
  const auto sent = numbered_bytes(std::size_t{3} * VGPU_RING_BYTES + 12'345);
  for (const std::size_t piece : {std::size_t{977}, std::size_t{100'000}, sent.size()}) {
    CAPTURE(piece);
    Ends ends;
    std::thread sender([&] { send_all_bytes(ends, sent, piece); });
    std::vector<std::byte> received;
    std::vector<std::byte> buffer(65'536);
    for (bool borrow = false; received.size() < sent.size(); borrow = !borrow) {
      std::span<const std::byte> piece_read;
      if (borrow) {
        piece_read = ends.channel.borrow(50'000);
        CHECK(piece_read.size() <= 50'000);
      } else {
        piece_read = std::span(buffer).first(ends.channel.read(buffer));
      }
      REQUIRE_FALSE(piece_read.empty());
      received.insert(received.end(), piece_read.begin(), piece_read.end());
    }
    sender.join();
    CHECK(received == sent);
  }
}

TEST_CASE("a response larger than the ring arrives") {
  Ends ends;
  const auto payload = numbered_bytes(std::size_t{2} * VGPU_RING_BYTES + 999);
  const vgpu_frame header{.payload_bytes = static_cast<std::uint32_t>(payload.size()),
                          .call = 1,
                          .sequence = 2,
                          .status = 0,
                          .context = 0};
  std::thread worker([&] { CHECK(ends.channel.send(header, payload, -1)); });
  std::vector<std::byte> received(sizeof(header) + payload.size());
  std::uint32_t& sleeps = ends.shared.rings().responses.reader_sleeps;
  for (std::size_t done = 0; done < received.size();) {
    bool wake = false;
    const std::size_t taken = ends.client.take(std::span(received).subspan(done), wake);
    done += taken;
    if (wake) ends.ring_bell();
    if (taken != 0) continue;
    vgpu_ring_set_sleeps(&sleeps, true);
    std::byte byte{};
    if (ends.client.take({&byte, 1}, wake) == 1) {
      received[done++] = byte;
    } else {
      ends.sleep();
    }
    vgpu_ring_set_sleeps(&sleeps, false);
  }
  worker.join();
  CHECK(std::memcmp(received.data(), &header, sizeof(header)) == 0);
  CHECK(std::memcmp(received.data() + sizeof(header), payload.data(), payload.size()) == 0);
}

TEST_CASE("no wake-up is lost, however the two ends meet") {
  Ends ends;
  constexpr int kRounds = 3000;
  std::thread worker([&] {
    std::array<std::byte, 8> request{};
    const vgpu_frame answer{};
    for (int i = 0; i < kRounds; ++i) {
      REQUIRE(ends.channel.read(request) == request.size());
      REQUIRE(ends.channel.send(answer, {}, -1));
    }
  });
  std::mt19937 random(1);  // NOLINT(cert-msc51-cpp,cert-msc32-c): the same every time
  std::uint32_t& sleeps = ends.shared.rings().responses.reader_sleeps;
  const std::array<std::byte, 8> request{};
  std::array<std::byte, sizeof(vgpu_frame)> answer{};
  for (int i = 0; i < kRounds; ++i) {
    // From shorter than a spin to longer than the longest.
    if (random() % 4 == 0) std::this_thread::sleep_for(std::chrono::microseconds(random() % 100));
    REQUIRE(ends.client.put(request) == request.size());
    if (ends.client.publish()) ends.ring_bell();
    for (std::size_t taken = 0; taken == 0;) {
      bool wake = false;
      vgpu_ring_set_sleeps(&sleeps, true);
      taken = ends.client.take(answer, wake);
      if (taken == 0) ends.sleep();
      vgpu_ring_set_sleeps(&sleeps, false);
    }
  }
  worker.join();
}

TEST_CASE("what a client said before it left still counts") {
  Ends ends;
  const auto sent = numbered_bytes(100);
  REQUIRE(ends.client.put(sent) == sent.size());
  ends.client.publish();
  ends.sockets[0].reset();
  std::array<std::byte, 64> buffer{};
  CHECK(ends.channel.read(buffer) == 64);
  CHECK(ends.channel.read(buffer) == 36);
  CHECK(ends.channel.read(buffer) == 0);
  CHECK(ends.channel.borrow(10).empty());
  CHECK_FALSE(ends.channel.send_alive());
}

TEST_CASE("a response that a client left behind does not hold the worker") {
  Ends ends;
  const std::vector<std::byte> payload(std::size_t{2} * VGPU_RING_BYTES);
  std::thread client([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    ends.sockets[0].reset();
  });
  CHECK_FALSE(ends.channel.send(vgpu_frame{}, payload, -1));
  client.join();
}

TEST_CASE("impossible positions end the connection") {
  std::array<std::byte, 64> buffer{};
  for (const std::uint64_t position :
       {std::uint64_t{VGPU_RING_BYTES} + 1, UINT64_MAX, std::uint64_t{1} << 63}) {
    CAPTURE(position);
    Ends ends;
    ends.shared.rings().requests.written = position;
    CHECK_THROWS_WITH(ends.channel.read(buffer), doctest::Contains("impossible positions"));
    CHECK_THROWS_WITH(ends.channel.borrow(10), doctest::Contains("impossible positions"));
  }
  Ends ends;
  const std::vector<std::byte> payload(VGPU_RING_BYTES);
  ends.shared.rings().responses.read = 5'000'000'000;
  CHECK_THROWS_WITH(ends.channel.send(vgpu_frame{}, payload, -1), doctest::Contains("impossible positions"));
}

TEST_CASE("a client cannot shorten the memory under the worker") {
  const SharedRings shared;
  CHECK(ftruncate(shared.descriptor(), 0) == -1);
  CHECK(errno == EPERM);
}

namespace {

/// Connects as a guest does. The worker is a process of its own, as in the daemon.
struct ServedClient {
  ServedClient() {
    auto sockets = test::connected_sockets();
    // Before there is a worker, which gives a client only so long to say it.
    say_hello(sockets[0].get());
    worker = fork();
    if (worker == 0) {
      sockets[0].reset();
      const FileDescriptor nowhere(open("/dev/null", O_WRONLY | O_CLOEXEC));
      Log log(nowhere.get());
      _exit(serve_client(std::move(sockets[1]),
                         {.kind = BackendKind::software, .memory_bytes = std::size_t{16} << 20, .threads = 1},
                         ServingOptions{}, log));
    }
    socket = std::move(sockets[0]);
    sockets[1].reset();
    receive_welcome();
  }

  ~ServedClient() {
    if (rings != nullptr) munmap(rings, sizeof(*rings));
    if (worker > 0) {
      kill(worker, SIGKILL);
      waitpid(worker, nullptr, 0);
    }
  }
  ServedClient(const ServedClient&) = delete;
  ServedClient& operator=(const ServedClient&) = delete;

  static void say_hello(int socket) {
    vgpu_hello hello{};
    hello.magic = VGPU_MAGIC;
    hello.protocol_version = VGPU_PROTOCOL_VERSION;
    constexpr std::array<std::uint8_t, 32> kHash = VGPU_SCHEMA_HASH;
    std::ranges::copy(kHash, hello.schema_hash);
    hello.features = VGPU_FEATURE_SHARED_MEMORY;
    REQUIRE(send(socket, &hello, sizeof(hello), MSG_NOSIGNAL) == sizeof(hello));
  }

  void receive_welcome() {
    alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(sizeof(int))> control{};
    std::array<std::byte, sizeof(vgpu_welcome) + sizeof(vgpu_device)> bytes{};
    iovec whole{.iov_base = bytes.data(), .iov_len = bytes.size()};
    msghdr message{};
    message.msg_iov = &whole;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    REQUIRE(recvmsg(socket.get(), &message, MSG_WAITALL | MSG_CMSG_CLOEXEC) ==
            static_cast<ssize_t>(bytes.size()));
    CHECK(test::value_at<vgpu_welcome>(bytes).features == VGPU_FEATURE_SHARED_MEMORY);
    int file = -1;
    REQUIRE(CMSG_FIRSTHDR(&message) != nullptr);
    std::memcpy(&file, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(file));
    const FileDescriptor owner(file);
    void* mapped = mmap(nullptr, sizeof(*rings), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    REQUIRE(mapped != MAP_FAILED);
    rings = static_cast<vgpu_shared_rings*>(mapped);
  }

  /// How the worker ended within a minute of the connection's end.
  int end() {
    socket.reset();
    int status = -1;
    for (int i = 0; i < 6000; ++i) {
      if (waitpid(worker, &status, WNOHANG) == worker) {
        worker = -1;
        return status;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return -1;
  }

  FileDescriptor socket;
  vgpu_shared_rings* rings = nullptr;
  pid_t worker = -1;
};

/// A call and its answer, within 20 s.
bool is_served(ServedClient& client, RingClient& end) {
  const vgpu_frame request{.payload_bytes = 0, .call = 9999, .sequence = 5, .status = 0, .context = 0};
  end.put(std::as_bytes(std::span(&request, 1)));
  end.publish();
  send(client.socket.get(), "", 1, MSG_NOSIGNAL);
  vgpu_frame answer{};
  std::size_t taken = 0;
  for (int i = 0; i < 2000 && taken < sizeof(answer); ++i) {
    bool wake = false;
    taken += end.take(std::as_writable_bytes(std::span(&answer, 1)).subspan(taken), wake);
    if (taken < sizeof(answer)) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return taken == sizeof(answer) && answer.sequence == 5 && answer.status == CUDA_ERROR_NOT_SUPPORTED;
}

}  // namespace

TEST_CASE("what has come in time is no silence to who looks only after it") {
  const auto sockets = test::connected_sockets();
  const auto past = std::chrono::steady_clock::now() - std::chrono::seconds(1);
  std::array<std::byte, 2> bytes{};
  CHECK(receive_until(sockets[1].get(), bytes, past) == Receipt::silence);
  REQUIRE(send(sockets[0].get(), "ab", 2, MSG_NOSIGNAL) == 2);
  CHECK(receive_until(sockets[1].get(), bytes, past) == Receipt::complete);
  CHECK(bytes[1] == std::byte{'b'});
}

TEST_CASE("a client that scribbles over the rings loses its worker, and nobody else notices") {
  ServedClient other;
  RingClient other_end(*other.rings);
  REQUIRE(is_served(other, other_end));
  std::mt19937_64 random(7);  // NOLINT(cert-msc51-cpp,cert-msc32-c): the same every time
  for (int client = 0; client < 20; ++client) {
    CAPTURE(client);
    ServedClient scribbler;
    auto* words = reinterpret_cast<std::uint64_t*>(scribbler.rings);
    constexpr std::size_t kWords = sizeof(vgpu_shared_rings) / sizeof(std::uint64_t);
    for (int i = 0; i < 2000; ++i) {
      // Positions are what hurts most; plausible ones get furthest.
      scribbler.rings->requests.written = random() % 3 == 0 ? random() : random() % VGPU_RING_BYTES;
      scribbler.rings->responses.read = random() % 3 == 0 ? random() : random() % VGPU_RING_BYTES;
      scribbler.rings->requests.reader_sleeps = static_cast<std::uint32_t>(random());
      for (int word = 0; word < 50; ++word)
        words[random() % kWords] = random() % 2 == 0 ? random() : random() % 100;
      if (send(scribbler.socket.get(), "", 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 && errno == EPIPE) break;
    }
    const int status = scribbler.end();
    CHECK(WIFEXITED(status));
  }
  CHECK(is_served(other, other_end));
  CHECK(other.end() == 0);
}
