// Files that turn out shorter than their mappings.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <optional>
#include <thread>
#include <vector>

#include "os/mapping.h"
#include "support.h"

namespace vgpu::os {
namespace {

using test::TemporaryDirectory;

constexpr unsigned ownerOnly = 0600;

std::size_t pages(std::size_t count) {
  return count * pageSize();
}

struct SomeFile {
  explicit SomeFile(std::size_t count) : file(File::createNew(directory.path("a"), ownerOnly)) {
    file.resize(pages(count));
  }
  [[nodiscard]] Mapping map(std::size_t first, std::size_t count) const {
    return Mapping::ofFile(file, pages(first), pages(count), Sharing::shared);
  }
  TemporaryDirectory directory;
  File file;
};

// The compiler may not know what it reads.
std::byte touch(const Mapping& mapping, std::size_t offset) {
  const volatile std::byte* const place = mapping.bytes().data() + offset;
  return *place;
}

TEST_CASE("a file cut short reads as zeros from there on, and says so") {
  SomeFile some(4);
  auto mapping = some.map(0, 4);
  auto untouched = some.map(0, 4);
  std::fill(mapping.bytes().begin(), mapping.bytes().end(), std::byte{1});
  some.file.resize(pages(1));
  CHECK_FALSE(mapping.faulted());
  CHECK(touch(mapping, pages(2)) == std::byte{0});
  CHECK(mapping.faulted());
  // The page before the one that failed is still the file's; from there on all are zeros, and may be written.
  CHECK(touch(mapping, 0) == std::byte{1});
  mapping.bytes()[pages(3)] = std::byte{5};
  CHECK(touch(mapping, pages(3)) == std::byte{5});
  CHECK(some.file.size() == pages(1));
  CHECK_FALSE(untouched.faulted());
}

TEST_CASE("calls on a mapping that faulted still work") {
  SomeFile some(4);
  auto mapping = some.map(0, 4);
  some.file.resize(0);
  touch(mapping, 0);
  REQUIRE(mapping.faulted());
  CHECK(test::errorName([&] {
          mapping.writeBack(0, pages(4));
          mapping.discard(0, pages(4));
          mapping.advise(Advice::random, 0, pages(4));
          static_cast<void>(mapping.residentBytes(0, pages(4)));
        }) == "");
}

TEST_CASE("there may be many mappings, and places are used again") {
  SomeFile some(1);
  // More than the table has in its first block.
  std::vector<std::optional<Mapping>> mappings(600);
  for (std::optional<Mapping>& mapping : mappings) mapping = some.map(0, 1);
  for (std::size_t index = 0; index < mappings.size(); index += 2) mappings[index].reset();
  for (std::size_t index = 0; index < mappings.size(); index += 2) mappings[index] = some.map(0, 1);
  some.file.resize(0);
  for (const auto& mapping : mappings) {
    CHECK_FALSE(mapping->faulted());
    touch(*mapping, 0);
    CHECK(mapping->faulted());
  }
}

TEST_CASE("threads may fault while others map and unmap") {
  SomeFile some(2);
  some.file.resize(pages(2));
  File shorter = File::createNew(some.directory.path("b"), ownerOnly);
  std::atomic<int> failures{0};
  std::vector<std::thread> threads(4);
  for (std::size_t thread = 0; thread < threads.size(); ++thread) {
    threads[thread] = std::thread([&, thread] {
      for (int round = 0; round < 200; ++round) {
        if (thread % 2 == 0) {
          const auto mapping = Mapping::ofFile(shorter, 0, pages(2), Sharing::shared);
          if (touch(mapping, pages(1)) != std::byte{0} || !mapping.faulted()) ++failures;
        } else {
          const auto mapping = some.map(0, 2);
          touch(mapping, pages(1));
          if (mapping.faulted()) ++failures;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(failures == 0);
}

}  // namespace
}  // namespace vgpu::os
