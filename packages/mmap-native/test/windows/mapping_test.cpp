#include "os/mapping.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "../native/common/support.h"
#include "os/error.h"
#include "os/windows/system.h"

namespace vgpu::os {
namespace {

using test::TemporaryDirectory;

constexpr unsigned anyMode = 0600;
constexpr std::size_t length = std::size_t{1} << 20;

File fileOf(const TemporaryDirectory& directory, std::byte value) {
  File file = File::createNew(directory.path("mapped"), anyMode);
  file.reserve(0, length);
  file.write(0, std::vector<std::byte>(length, value));
  return file;
}

bool holds(std::span<const std::byte> bytes, std::byte value) {
  return std::all_of(bytes.begin(), bytes.end(), [value](std::byte byte) { return byte == value; });
}

/** What Windows does when a page cannot be read; Wine never does. */
void failToRead(const std::byte* address) {
  const std::array<ULONG_PTR, 3> parameters{0, reinterpret_cast<ULONG_PTR>(address), 0xc0000185};
  RaiseException(static_cast<DWORD>(EXCEPTION_IN_PAGE_ERROR), 0, static_cast<DWORD>(parameters.size()),
                 parameters.data());
}

}  // namespace

TEST_CASE("zeros stand in for a view that cannot be read") {
  const TemporaryDirectory directory;
  const File file = fileOf(directory, std::byte{7});
  const auto mapping = Mapping::ofFile(file, 0, length, Sharing::shared);
  const auto neighbour = Mapping::ofFile(file, 0, length, Sharing::shared);
  REQUIRE(mapping.bytes()[length - 1] == std::byte{7});
  CHECK_FALSE(mapping.faulted());

  failToRead(&mapping.bytes()[5'000]);
  CHECK(mapping.faulted());
  CHECK(holds(mapping.bytes(), std::byte{0}));
  CHECK_FALSE(neighbour.faulted());
  CHECK(holds(neighbour.bytes(), std::byte{7}));
  // A second thread that met the same page.
  failToRead(&mapping.bytes()[5'000]);
}

TEST_CASE("pages that are not ours are left to other handlers") {
  const TemporaryDirectory directory;
  const File file = fileOf(directory, std::byte{7});
  const auto mapping = Mapping::ofFile(file, 0, length, Sharing::shared);
  static int seen;
  seen = 0;
  void* const other = AddVectoredExceptionHandler(0, [](EXCEPTION_POINTERS* exception) -> LONG {
    if (exception->ExceptionRecord->ExceptionCode != static_cast<DWORD>(EXCEPTION_IN_PAGE_ERROR)) {
      return EXCEPTION_CONTINUE_SEARCH;
    }
    ++seen;
    return EXCEPTION_CONTINUE_EXECUTION;
  });
  failToRead(mapping.bytes().data() + length);
  failToRead(nullptr);
  CHECK(seen == 2);
  {
    const auto gone = Mapping::ofFile(file, 0, length, Sharing::shared);
    failToRead(&gone.bytes()[0]);
  }
  CHECK(seen == 2);
  RemoveVectoredExceptionHandler(other);
  CHECK_FALSE(mapping.faulted());
}

TEST_CASE("a file's view gives its memory back and keeps its data") {
  const TemporaryDirectory directory;
  const File file = fileOf(directory, std::byte{7});
  auto mapping = Mapping::ofFile(file, 0, length, Sharing::shared);
  std::memset(mapping.bytes().data(), 9, length);
  mapping.writeBack(1, 1);
  mapping.discard(0, length);
  CHECK(holds(mapping.bytes(), std::byte{9}));
  std::array<std::byte, 1> seen{};
  REQUIRE(file.read(length - 1, seen) == 1);
  CHECK(seen[0] == std::byte{9});
}

TEST_CASE("pinned pages are not discarded") {
  auto mapping = Mapping::anonymous(length);
  std::memset(mapping.bytes().data(), 9, length);
  mapping.pin(3 * pageSize(), pageSize());
  CHECK_THROWS_AS(mapping.discard(0, length), Error);
  CHECK(holds(mapping.bytes(), std::byte{9}));
  mapping.discard(0, 3 * pageSize());
  mapping.unpin(0, length);
  mapping.discard(0, length);
  CHECK(holds(mapping.bytes(), std::byte{0}));
}

TEST_CASE("an offset that is not a multiple of the granularity is refused") {
  const TemporaryDirectory directory;
  const File file = fileOf(directory, std::byte{7});
  CHECK(mappingGranularity() == 65'536);
  CHECK_NOTHROW(Mapping::ofFile(file, 65'536, 4'096, Sharing::shared));
  try {
    const auto mapping = Mapping::ofFile(file, 4'096, 4'096, Sharing::shared);
    FAIL("mapped at an unaligned offset");
  } catch (const Error& error) {
    CHECK(error.name() == "ERROR_MAPPED_ALIGNMENT");
  }
}

TEST_CASE("a mapped file is not cut short") {
  const TemporaryDirectory directory;
  File file = fileOf(directory, std::byte{7});
  const auto mapping = Mapping::ofFile(file, 0, length, Sharing::shared);
  try {
    file.resize(1);
    FAIL("cut off pages that are mapped");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::locked);
    CHECK(error.name() == "ERROR_USER_MAPPED_FILE");
  }
  CHECK(file.size() == length);
}

}  // namespace vgpu::os
