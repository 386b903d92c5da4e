// Faults and signals that are not the library's business. A program of its own: its process maps no file, so
// that each child decides what was there before the library's handler.
#include <doctest/doctest.h>
#include <sys/mman.h>

#include <csignal>
#include <optional>

#include "os/mapping.h"
#include "support.h"

namespace vgpu::os {
namespace {

using test::inChild;
using test::TemporaryDirectory;

constexpr int seen = 42;

/** A file of one page, mapped: from here on the library handles SIGBUS. */
struct MappedPage {
  MappedPage() : file(File::createNew(directory.path("a"), 0600)) {
    file.resize(pageSize());
    mapping.emplace(Mapping::ofFile(file, 0, pageSize(), Sharing::shared));
  }
  TemporaryDirectory directory;
  File file;
  std::optional<Mapping> mapping;
};

/** Reads beyond the end of a file through a mapping that the library does not know. */
void touchForeignMapping(const File& file) {
  void* const foreign = mmap(nullptr, 8 * pageSize(), PROT_READ, MAP_SHARED, file.handle(), 0);
  if (foreign == MAP_FAILED) _exit(9);
  static_cast<void>(*(static_cast<volatile char*>(foreign) + 7 * pageSize()));
}

void exitSeen(int /*signal*/) {
  _exit(seen);
}
void exitSeenWithInformation(int /*signal*/, siginfo_t* information, void* /*context*/) {
  _exit(information->si_addr != nullptr ? seen : 1);
}

TEST_CASE("a fault elsewhere goes to the handler that was there before") {
  for (const bool withInformation : {false, true}) {
    const int status = inChild([&] {
      struct sigaction action {};
      if (withInformation) {
        action.sa_sigaction = exitSeenWithInformation;
        action.sa_flags = SA_SIGINFO;
      } else {
        action.sa_handler = exitSeen;
      }
      if (sigaction(SIGBUS, &action, nullptr) != 0) return 1;
      const MappedPage page;
      touchForeignMapping(page.file);
      return 2;
    });
    // This process has mapped files in other tests: the handler was ours when the child replaced it. A child
    // that starts with ours in place would never reach it, so the program is run for it, below.
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == seen);
  }
}

TEST_CASE("a fault elsewhere kills where nobody handles it, and so does a signal that is sent") {
  const auto standard = [] { return signal(SIGBUS, SIG_DFL) != SIG_ERR; };
  const int faulted = inChild([&] {
    if (!standard()) return 1;
    const MappedPage page;
    touchForeignMapping(page.file);
    return 2;
  });
  CHECK(WIFSIGNALED(faulted));
  CHECK(WTERMSIG(faulted) == SIGBUS);

  const int sent = inChild([&] {
    if (!standard()) return 1;
    const MappedPage page;
    static_cast<void>(raise(SIGBUS));
    return 2;
  });
  CHECK(WIFSIGNALED(sent));
  CHECK(WTERMSIG(sent) == SIGBUS);
}

TEST_CASE("a signal that is sent stays ignored, or goes to its handler") {
  CHECK(inChild([] {
          if (signal(SIGBUS, SIG_IGN) == SIG_ERR) return 1;
          const MappedPage page;
          return raise(SIGBUS) == 0 ? 0 : 2;
        }) == 0);

  const int handled = inChild([] {
    if (signal(SIGBUS, exitSeen) == SIG_ERR) return 1;
    const MappedPage page;
    static_cast<void>(raise(SIGBUS));
    return 2;
  });
  CHECK(WEXITSTATUS(handled) == seen);
}

TEST_CASE("an ignored fault elsewhere kills all the same") {
  const int status = inChild([] {
    if (signal(SIGBUS, SIG_IGN) == SIG_ERR) return 1;
    const MappedPage page;
    touchForeignMapping(page.file);
    return 2;
  });
  CHECK(WIFSIGNALED(status));
}

}  // namespace
}  // namespace vgpu::os
