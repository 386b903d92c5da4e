// What kernels print on the real backend. Nothing is checked while it is captured: what doctest says would be
// too.
#include <sys/stat.h>
#include <unistd.h>

#include "backends/real/output_capture.h"
#include "real_backend_fixture.h"

using namespace vgpu::executor;
using namespace vgpu::executor::test;

namespace {

struct Fetched {
  std::string output;
  std::string error;
};

/// As the guest does.
Fetched fetch(RealBackend& backend) {
  Fetched fetched;
  for (;;) {
    std::uint64_t bytes = 0;
    std::int32_t stream = 0;
    if (backend.vgpuOutputPending(0, bytes, stream) != CUDA_SUCCESS || bytes == 0) return fetched;
    std::string piece(std::min<std::uint64_t>(bytes, 1000), '\0');
    if (backend.vgpuOutputTake(0, std::as_writable_bytes(std::span(piece))) != CUDA_SUCCESS) return fetched;
    (stream == 2 ? fetched.error : fetched.output) += piece;
  }
}

std::pair<dev_t, ino_t> identity(int descriptor) {
  struct stat status {};
  REQUIRE(fstat(descriptor, &status) == 0);
  return {status.st_dev, status.st_ino};
}

}  // namespace

TEST_CASE("what the driver prints goes to the client, complete and in order, more than a pipe holds") {
  std::string expected;
  for (int i = 0; i < 20'000; ++i) expected += "line " + std::to_string(i) + "\n";
  const auto before = std::pair(identity(STDOUT_FILENO), identity(STDERR_FILENO));
  Fetched first, second;
  bool before_synchronising = true, after = false, at_the_end = true;
  {
    RealFixture real({.capture_output = true});
    recording().rule("cuCtxSynchronize", "prints");
    before_synchronising = real.backend->has_output();
    static_cast<void>(real.backend->cuCtxSynchronize(real.context));
    after = real.backend->has_output();
    first = fetch(*real.backend);
    static_cast<void>(real.backend->cuCtxSynchronize(real.context));
    static_cast<void>(real.backend->has_output());
    second = fetch(*real.backend);
    at_the_end = real.backend->has_output();
  }
  CHECK_FALSE(before_synchronising);
  CHECK(after);
  CHECK(first.output == expected);
  CHECK(first.error == "assertion failed\n");
  CHECK(second.output == expected);
  CHECK_FALSE(at_the_end);
  CHECK_MESSAGE(before == std::pair(identity(STDOUT_FILENO), identity(STDERR_FILENO)), "given back");
}

TEST_CASE("output that nobody fetches is dropped beyond a limit, the oldest first, and nobody waits for it") {
  KeptOutput::Pending pending;
  std::size_t kept = 0;
  std::string last(16, '\0');
  {
    OutputCapture capture;
    const std::string block(std::size_t{1} << 20, 'x');
    for (int i = 0; i < 80; ++i) fwrite(block.data(), 1, block.size(), stdout);
    fputs("the end of it all", stdout);
    static_cast<void>(capture.waiting());
    for (pending = capture.pending(); pending.bytes != 0; pending = capture.pending()) {
      std::string piece(pending.bytes, '\0');
      capture.take(std::as_writable_bytes(std::span(piece)));
      kept += piece.size();
      last += piece;
      last.erase(0, last.size() - 16);
    }
  }
  CHECK(kept <= KeptOutput::kMaximumBytes);
  CHECK(kept > KeptOutput::kMaximumBytes / 2);
  CHECK(last == "he end of it all");
}

TEST_CASE("no more is taken than waits") {
  KeptOutput kept;
  kept.append(1, "abc");
  kept.append(2, "de");
  std::string text(4, '\0');
  CHECK_THROWS_AS(kept.take(std::as_writable_bytes(std::span(text))), CallError);
  kept.take(std::as_writable_bytes(std::span(text).first(2)));
  CHECK(kept.pending().bytes == 1);
  CHECK(kept.pending().stream == 1);
  kept.take(std::as_writable_bytes(std::span(text).first(1)));
  CHECK(kept.pending().bytes == 2);
  CHECK(kept.pending().stream == 2);
}
