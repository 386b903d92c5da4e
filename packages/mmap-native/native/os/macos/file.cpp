// Written from Apple's documentation and never run on a Mac.
// What files can do on macOS only, or in a way of its own; the rest is in posix/file.cpp.
#include "../file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>

#include "../copy_blocks.h"
#include "../error.h"
#include "../mapping.h"
#include "../posix/call.h"

namespace vgpu::os {
namespace {

constexpr std::uint64_t windowBytes = std::uint64_t{1} << 28;

void growReserved(const File& file, std::uint64_t before, std::uint64_t size) {
  // Counts from the end of what the file has on disk. Not F_ALLOCATECONTIG: pieces will do.
  fstore_t space{};
  space.fst_flags = F_ALLOCATEALL;
  space.fst_posmode = F_PEOFPOSMODE;
  space.fst_length = static_cast<off_t>(size - before);
  if (retry([&] { return fcntl(file.handle(), F_PREALLOCATE, &space); }) != 0) {
    throw Error("fcntl", errno, file.path());
  }
  if (retry([&] { return ftruncate(file.handle(), static_cast<off_t>(size)); }) != 0) {
    throw Error("ftruncate", errno, file.path());
  }
}

/** Where the next hole, or the next data, begins; `end` when there is none before it. */
std::uint64_t next(const File& file, std::uint64_t offset, std::uint64_t end, int what) {
  const off_t found = lseek(file.handle(), static_cast<off_t>(offset), what);
  // ENXIO: nothing of the kind up to the end of the file.
  if (found < 0 && errno != ENXIO) throw Error("lseek", errno, file.path());
  return found < 0 ? end : std::min(static_cast<std::uint64_t>(found), end);
}

void fillHoles(File& file, std::uint64_t begin, std::uint64_t end) {
  while (begin < end) {
    const std::uint64_t hole = next(file, begin, end, SEEK_HOLE);
    const std::uint64_t data = next(file, hole, end, SEEK_DATA);
    if (data > hole) copyBlocks(file, hole, hole, data - hole);
    begin = data;
  }
}

}  // namespace

File File::createUnnamed(const std::string& directory) {
  // A file can lose its name right after it was made, but not be made without one.
  throw Error("open", ENOTSUP, directory);
}

void File::reserve(std::uint64_t offset, std::uint64_t length) {
  const std::uint64_t before = size();
  const std::uint64_t end = offset + length;
  try {
    if (end > before) growReserved(*this, before, end);
    if (offset < before) fillHoles(*this, offset, std::min(end, before));
  } catch (const Error&) {
    // The error that matters is the first one.
    if (end > before)
      static_cast<void>(retry([&] { return ftruncate(handle_, static_cast<off_t>(before)); }));
    throw;
  }
}

void File::punchHole(std::uint64_t offset, std::uint64_t length) {
  // Whole blocks of the file system, or EINVAL.
  fpunchhole_t hole{};
  hole.fp_offset = static_cast<off_t>(offset);
  hole.fp_length = static_cast<off_t>(length);
  if (retry([&] { return fcntl(handle_, F_PUNCHHOLE, &hole); }) != 0) throw Error("fcntl", errno, path_);
}

void File::prefetch(std::uint64_t offset, std::uint64_t length) const {
  constexpr auto most = static_cast<std::uint64_t>(std::numeric_limits<int>::max());
  for (std::uint64_t done = 0; done < length; done += most) {
    radvisory range{};
    range.ra_offset = static_cast<off_t>(offset + done);
    range.ra_count = static_cast<int>(std::min(most, length - done));
    if (retry([&] { return fcntl(handle_, F_RDADVISE, &range); }) != 0) throw Error("fcntl", errno, path_);
  }
}

void File::dropCache(std::uint64_t offset, std::uint64_t length) const {
  // Only mapped pages can be dropped. Partial pages at the ends stay.
  const std::uint64_t page = pageSize();
  const std::uint64_t begin = (offset + page - 1) / page * page;
  const std::uint64_t end = std::min(offset + length, size()) / page * page;
  for (std::uint64_t start = begin; start < end; start += windowBytes) {
    const auto bytes = static_cast<std::size_t>(std::min(windowBytes, end - start));
    void* const view = mmap(nullptr, bytes, PROT_READ, MAP_SHARED, handle_, static_cast<off_t>(start));
    if (view == MAP_FAILED) throw Error("mmap", errno, path_);
    const int error = msync(view, bytes, MS_SYNC | MS_INVALIDATE) == 0 ? 0 : errno;
    static_cast<void>(munmap(view, bytes));
    if (error != 0) throw Error("msync", error, path_);
  }
}

bool File::tryLock(LockKind kind) {
  // Plain POSIX locks vanish when any descriptor of the file is closed; these belong to the open file.
  const int operation = (kind == LockKind::shared ? LOCK_SH : LOCK_EX) | LOCK_NB;
  if (retry([&] { return flock(handle_, operation); }) == 0) return true;
  if (errno == EWOULDBLOCK) return false;
  throw Error("flock", errno, path_);
}

void File::unlock() {
  if (retry([&] { return flock(handle_, LOCK_UN); }) != 0) throw Error("flock", errno, path_);
}

}  // namespace vgpu::os
