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
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <vector>

#include "backends/software/software_backend.h"
#include "executor_dispatch.h"
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

class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}
  std::uint64_t below(std::uint64_t limit) { return engine_() % limit; }
  bool one_in(std::uint64_t chance) { return below(chance) == 0; }

  /// Numbers that are often wrong in interesting ways.
  std::uint64_t number() {
    static constexpr std::uint64_t kSpecial[] = {0,
                                                 1,
                                                 2,
                                                 4,
                                                 8,
                                                 16,
                                                 31,
                                                 32,
                                                 255,
                                                 256,
                                                 512,
                                                 1024,
                                                 4095,
                                                 0x10001,
                                                 0x7fffffff,
                                                 0x80000000,
                                                 0xffffffff,
                                                 0x100000000,
                                                 1 << 20,
                                                 1ULL << 40,
                                                 1ULL << 63,
                                                 UINT64_MAX,
                                                 UINT64_MAX - 7};
    return one_in(4) ? engine_() : kSpecial[below(std::size(kSpecial))];
  }

 private:
  std::mt19937_64 engine_;
};

/// What earlier answers have given out, so that requests get past the first check.
class Known {
 public:
  /// What is never forgotten.
  void pin(std::uint64_t value) { pinned_.push_back(value); }
  void learn(std::uint64_t value) {
    if (values_.size() == kMaximum) values_.erase(values_.begin());
    values_.push_back(value);
  }
  void learn(std::span<const std::byte> answer) {
    for (std::size_t offset = 0; offset + 8 <= answer.size() && offset < 16; offset += 8) {
      learn(value_at<std::uint64_t>(answer, offset));
    }
  }
  std::uint64_t any(Random& random) const {
    if (!pinned_.empty() && random.one_in(2)) return pinned_[random.below(pinned_.size())];
    if (values_.empty() || random.one_in(8)) return random.number();
    const std::uint64_t value = values_[random.below(values_.size())];
    return random.one_in(8) ? value + random.below(5000) : value;
  }

 private:
  static constexpr std::size_t kMaximum = 24;
  std::vector<std::uint64_t> pinned_;
  std::vector<std::uint64_t> values_;
};

/// The shape of each call's request: h handle or address, n u64, u u32 or i32, b bytes, s string, l length of
/// a buffer in the answer, d default stream, m module, g multiple of 2 MiB, z mostly 0.
std::string_view shape_of(std::uint32_t call) {
  static const std::map<std::uint32_t, std::string_view> kShapes = {
      {VGPU_CALL_cuDevicePrimaryCtxRetain, "u"},
      {VGPU_CALL_cuDevicePrimaryCtxRelease_v2, "u"},
      {VGPU_CALL_cuDevicePrimaryCtxReset_v2, "u"},
      {VGPU_CALL_cuDevicePrimaryCtxGetState, "u"},
      {VGPU_CALL_cuDevicePrimaryCtxSetFlags_v2, "uu"},
      {VGPU_CALL_vgpuContextCreate, "uu"},
      {VGPU_CALL_vgpuContextDestroy, "h"},
      {VGPU_CALL_vgpuContextDevice, "h"},
      {VGPU_CALL_cuCtxSynchronize, ""},
      {VGPU_CALL_vgpuContextSynchronize, ""},
      {VGPU_CALL_cuCtxGetFlags, ""},
      {VGPU_CALL_cuCtxSetLimit, "un"},
      {VGPU_CALL_cuCtxGetLimit, "u"},
      {VGPU_CALL_vgpuModuleLoad, "m"},
      {VGPU_CALL_cuModuleUnload, "h"},
      {VGPU_CALL_cuModuleGetFunction, "hs"},
      {VGPU_CALL_vgpuModuleGetGlobal, "hs"},
      {VGPU_CALL_cuModuleGetFunctionCount, "h"},
      {VGPU_CALL_vgpuModuleFunctions, "lh"},
      {VGPU_CALL_vgpuFunctionNameLength, "h"},
      {VGPU_CALL_vgpuFunctionName, "lh"},
      {VGPU_CALL_cuFuncGetAttribute, "uh"},
      {VGPU_CALL_cuFuncSetAttribute, "huu"},
      {VGPU_CALL_cuFuncGetModule, "h"},
      {VGPU_CALL_cuFuncGetParamInfo, "hn"},
      {VGPU_CALL_vgpuLaunchKernel, "huuuuuuudb"},
      {VGPU_CALL_vgpuLaunchCooperativeKernel, "huuuuuuudb"},
      {VGPU_CALL_cuMemGetInfo_v2, ""},
      {VGPU_CALL_cuMemAlloc_v2, "n"},
      {VGPU_CALL_cuMemAllocPitch_v2, "nnu"},
      {VGPU_CALL_vgpuMemFree, "h"},
      {VGPU_CALL_vgpuMemAllocShared, "n"},
      {VGPU_CALL_cuMemGetAddressRange_v2, "h"},
      {VGPU_CALL_vgpuPointerContext, "h"},
      {VGPU_CALL_vgpuCopyToDevice, "hndb"},
      {VGPU_CALL_vgpuCopyFromDevice, "hlnd"},
      {VGPU_CALL_vgpuCopyOnDevice, "hhnd"},
      {VGPU_CALL_vgpuRequireRange, "hn"},
      {VGPU_CALL_vgpuCopyRowsToDevice, "hnnndb"},
      {VGPU_CALL_vgpuCopyRowsFromDevice, "lhnnnd"},
      {VGPU_CALL_vgpuCopyRowsOnDevice, "hnhnnnd"},
      {VGPU_CALL_vgpuFill, "hnuunnd"},
      {VGPU_CALL_cuDeviceGetDefaultMemPool, "u"},
      {VGPU_CALL_cuDeviceGetMemPool, "u"},
      {VGPU_CALL_cuDeviceSetMemPool, "uh"},
      {VGPU_CALL_cuMemPoolDestroy, "h"},
      {VGPU_CALL_cuMemPoolTrimTo, "hn"},
      {VGPU_CALL_vgpuMemAllocAsync, "nd"},
      {VGPU_CALL_vgpuMemAllocFromPoolAsync, "nhd"},
      {VGPU_CALL_vgpuMemFreeAsync, "hd"},
      {VGPU_CALL_vgpuMemPoolCreate, "un"},
      {VGPU_CALL_vgpuMemPoolSetAttribute, "hun"},
      {VGPU_CALL_vgpuMemPoolGetAttribute, "hu"},
      {VGPU_CALL_cuMemAddressReserve, "gghz"},
      {VGPU_CALL_cuMemAddressFree, "hg"},
      {VGPU_CALL_cuMemRelease, "h"},
      {VGPU_CALL_cuMemMap, "hgzhz"},
      {VGPU_CALL_cuMemUnmap, "hg"},
      {VGPU_CALL_vgpuMemCreate, "gu"},
      {VGPU_CALL_vgpuMemSetAccess, "hgu"},
      {VGPU_CALL_vgpuMemGetAccess, "h"},
      {VGPU_CALL_vgpuMemHandleDevice, "h"},
      {VGPU_CALL_vgpuMemRetainHandle, "h"},
      {VGPU_CALL_cuStreamCreate, "u"},
      {VGPU_CALL_cuStreamCreateWithPriority, "uu"},
      {VGPU_CALL_cuStreamGetPriority, "h"},
      {VGPU_CALL_cuStreamGetFlags, "h"},
      {VGPU_CALL_cuStreamGetCtx, "h"},
      {VGPU_CALL_cuStreamGetId, "h"},
      {VGPU_CALL_vgpuStreamWaitEvent, "hhu"},
      {VGPU_CALL_cuStreamQuery, "h"},
      {VGPU_CALL_cuStreamSynchronize, "h"},
      {VGPU_CALL_cuStreamDestroy_v2, "h"},
      {VGPU_CALL_cuEventCreate, "u"},
      {VGPU_CALL_vgpuEventRecord, "hd"},
      {VGPU_CALL_cuEventQuery, "h"},
      {VGPU_CALL_cuEventSynchronize, "h"},
      {VGPU_CALL_cuEventDestroy_v2, "h"},
      {VGPU_CALL_cuEventElapsedTime, "hh"},
  };
  const auto shape = kShapes.find(call);
  return shape == kShapes.end() ? "hhnnuub" : shape->second;
}

/// A payload of the right shape with wild values.
Request make_payload(std::string_view shape, const Known& known, Random& random) {
  static constexpr std::string_view kNames[] = {"scale", "poke", "counter", "none"};
  Request request;
  for (const char kind : shape) {
    switch (kind) {
      case 'h':
        request.value(known.any(random));
        break;
      case 'n':
        request.value(random.one_in(2) ? random.below(5000) : random.number());
        break;
      case 'u':
        request.value(static_cast<std::uint32_t>(random.one_in(16) ? random.number() : random.below(10)));
        break;
      case 'd':
        request.value(random.one_in(8) ? known.any(random) : random.below(3));
        break;
      case 'g':
        request.value(random.one_in(8) ? random.number() : random.below(4) << 21);
        break;
      case 'z':
        request.value(random.one_in(8) ? random.number() : std::uint64_t{0});
        break;
      case 'l':
        request.value(random.one_in(50) ? random.number() : random.below(5000));
        break;
      case 's':
        request.text(kNames[random.below(std::size(kNames))]);
        break;
      case 'm':
        request.text(random.one_in(3) ? kModule.substr(random.below(kModule.size())) : kModule);
        break;
      default:
        // Now and then long enough for a stream.
        request.bytes(
            std::vector<std::byte>(random.one_in(200) ? 65'000 + random.below(5000) : random.below(5000),
                                   std::byte(random.below(256))));
    }
  }
  return request;
}

void append_frame(std::vector<std::byte>& stream, const Known& known, std::uint64_t context, Random& random) {
  const auto call =
      static_cast<std::uint32_t>(random.one_in(30) ? random.number() : random.below(VGPU_CALL_COUNT + 1));
  // Sometimes the shape is another call's.
  const auto shape =
      shape_of(random.one_in(20) ? static_cast<std::uint32_t>(random.below(VGPU_CALL_COUNT)) : call);
  const Request request = make_payload(shape, known, random);
  const bool deferred = may_be_deferred(call) && random.one_in(2);
  const vgpu_frame header{.payload_bytes = static_cast<std::uint32_t>(request.payload().size()),
                          .call = call,
                          .sequence = static_cast<std::uint32_t>(random.number()),
                          .status = deferred ? VGPU_FRAME_DEFERRED : 0,
                          .context = random.one_in(10) ? known.any(random) : context};
  const std::size_t begin = stream.size();
  const auto bytes = std::as_bytes(std::span(&header, 1));
  stream.insert(stream.end(), bytes.begin(), bytes.end());
  stream.insert(stream.end(), request.payload().begin(), request.payload().end());
  // Now and then any bytes of it change; of the header more rarely, since that mostly ends the connection.
  if (!random.one_in(10)) return;
  const std::size_t first = begin + (random.one_in(10) ? 0 : sizeof(header));
  if (first == stream.size()) return;
  for (std::uint64_t flips = 1 + random.below(3); flips > 0; --flips) {
    stream[first + random.below(stream.size() - first)] = std::byte(random.below(256));
  }
}

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
