// Feeds mutated frames, through a stream of bytes or through shared memory whose positions change under the
// worker's hands, to the frame reader and to the dispatch before a software GPU: executor_fuzz [FRAMES
// [SEED]]. Nothing is checked but that it neither crashes, hangs nor trips a sanitizer, and that every answer
// keeps the rules.
#include <array>
#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <optional>
#include <vector>

#include "backends/software/software_backend.h"
#include "executor_dispatch.h"
#include "fuzz_requests.h"
#include "ring_client.h"
#include "support.h"
#include "test_module.h"
#include "worker/frame_reader.h"
#include "worker/ring_channel.h"
#include "worker/session.h"

namespace vgpu::executor::test {
namespace {

constexpr std::size_t kFramesPerStream = 64;
constexpr std::size_t kMemoryBytes = std::size_t{16} << 20;

void check(bool condition, const char* what) {
  if (condition) return;
  fprintf(stderr, "broken rule: %s\n", what);
  std::abort();
}

struct Counts {
  std::uint64_t frames = 0;
  std::uint64_t successes = 0;
  std::uint64_t died = 0;
  std::uint64_t closed = 0;
  std::uint64_t truncated = 0;
  std::uint64_t liars = 0;
};

/// A worker's end of shared memory into which a client has written a stream before it left.
class Rings {
 public:
  Rings(std::span<const std::byte> stream, Random& random) : sockets_(connected_sockets()) {
    RingClient client(shared_.rings());
    check(client.put(stream) == stream.size(), "the stream fits into the ring");
    client.publish();
    if (random.one_in(4)) {
      // Impossible, or a little off; a ring full of zeros would be a flood of calls that do not exist.
      shared_.rings().requests.written =
          random.one_in(2) ? random.number() << 23 : stream.size() + random.below(5000);
    }
    shared_.rings().responses.read = random.one_in(4) ? random.number() : 0;
    sockets_[0].reset();
  }
  Channel& channel() { return channel_; }

 private:
  std::array<FileDescriptor, 2> sockets_;
  SharedRings shared_;
  RingChannel channel_{sockets_[1].get(), shared_.rings()};
};

/// What a program has done before it launches its first kernel.
Known prepare(SoftwareBackend& backend, std::uint64_t& context) {
  Known known;
  backend.cuDevicePrimaryCtxRetain(0, context, 0);
  std::uint64_t module = 0;
  backend.vgpuModuleLoad(context, module, std::as_bytes(std::span(kModule)));
  known.pin(module);
  for (const std::string_view name : {"scale", "poke", "forever"}) {
    std::uint64_t function = 0;
    backend.cuModuleGetFunction(context, function, module, name);
    known.pin(function);
  }
  std::uint64_t address = 0;
  backend.cuMemAlloc_v2(context, address, 100'000);
  known.pin(address);
  return known;
}

/// False when the client's life ends with it.
bool run_stream(FrameReader& reader, Channel* channel, Session& session, Known& known, Random& random,
                Counts& counts);

/// One client's life. It ends with its frames, or sooner when it breaks the protocol.
void run_client(Random& random, Log& log, Counts& counts) {
  SoftwareBackend backend({.kind = BackendKind::software,
                           .memory_bytes = kMemoryBytes,
                           .threads = 1,
                           .kernel_time_limit = std::chrono::milliseconds(2)});
  Session session(backend, log);
  std::uint64_t context = 0;
  Known known = prepare(backend, context);

  // Streams are short so that requests can use what earlier answers gave out.
  for (std::size_t round = 0; round < 16; ++round) {
    std::vector<std::byte> stream;
    for (std::size_t i = 0; i < kFramesPerStream; ++i) append_frame(stream, known, context, random);
    MemorySource memory(stream, 1 + random.below(10'000));
    std::optional<Rings> rings;
    if (random.one_in(4)) rings.emplace(stream, random);
    FrameReader reader(rings ? static_cast<ByteSource&>(rings->channel()) : memory);
    try {
      if (!run_stream(reader, rings ? &rings->channel() : nullptr, session, known, random, counts)) return;
    } catch (const std::runtime_error&) {
      // What a ring throws about positions that cannot be ends the connection.
      check(rings.has_value(), "only shared memory can lie");
      ++counts.liars;
      return;
    }
  }
}

bool run_stream(FrameReader& reader, Channel* channel, Session& session, Known& known, Random& random,
                Counts& counts) {
  for (;;) {
    const FrameReader::Result result = reader.next();
    const bool streamed = result == FrameReader::Result::stream;
    if (result != FrameReader::Result::frame && !streamed) {
      counts.truncated += result == FrameReader::Result::end ? 0 : 1;
      return true;
    }
    ++counts.frames;
    const Session::Reply reply =
        session.handle(reader.header(), reader.payload(), streamed ? &reader : nullptr);
    if (reply == Session::Reply::close) {
      ++counts.closed;
      return false;
    }
    if (reply == Session::Reply::none) {
      check(may_be_deferred(reader.header().call), "only some calls may be deferred");
      continue;
    }
    const vgpu_frame& answer = session.response_header();
    // The client is gone, so that only room in the ring decides whether this succeeds.
    if (channel != nullptr) {
      static_cast<void>(channel->send(answer, session.response_payload(), session.response_descriptor()));
    }
    check(answer.call == reader.header().call && answer.sequence == reader.header().sequence,
          "an answer repeats call and sequence");
    check(answer.payload_bytes == session.response_payload().size() &&
              answer.payload_bytes <= VGPU_FRAME_PAYLOAD_LIMIT,
          "an answer's length is true and within the limit");
    check(answer.status == CUDA_SUCCESS || answer.payload_bytes == 0, "a failure has no payload");
    // Nothing more can be learnt from a dead context.
    if (is_sticky(static_cast<CUresult>(answer.status)) && random.one_in(16)) {
      ++counts.died;
      return false;
    }
    if (answer.status == CUDA_SUCCESS) {
      ++counts.successes;
      known.learn(session.response_payload());
    }
  }
}

int run(std::uint64_t frames, std::uint64_t seed) {
  const FileDescriptor nowhere(open("/dev/null", O_WRONLY | O_CLOEXEC));
  Log log(nowhere.get());
  Random random(seed);
  Counts counts;
  const auto begin = std::chrono::steady_clock::now();
  while (counts.frames < frames) run_client(random, log, counts);
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - begin;
  printf("%" PRIu64 " frames in %.1f s (seed %" PRIu64 "): %" PRIu64 " succeeded, %" PRIu64
         " contexts died, %" PRIu64 " connections closed, %" PRIu64 " streams ended inside a frame, %" PRIu64
         " lied about positions\n",
         counts.frames, elapsed.count(), seed, counts.successes, counts.died, counts.closed, counts.truncated,
         counts.liars);
  // Were nothing to succeed, hardly anything would have been reached.
  fflush(stdout);
  check(counts.successes > counts.frames / 20, "some requests make sense");
  return 0;
}

}  // namespace
}  // namespace vgpu::executor::test

int main(int argc, char** argv) {
  const std::uint64_t frames = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 20'000;
  const std::uint64_t seed = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1;
  try {
    return vgpu::executor::test::run(frames, seed);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "seed %" PRIu64 ": %s\n", seed, error.what());
    return 1;
  }
}
