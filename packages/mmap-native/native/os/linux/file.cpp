// What files can do on Linux only, or in a way of its own; the rest is in posix/file.cpp.
#include "../file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "../error.h"
#include "../posix/call.h"

namespace vgpu::os {
namespace {

struct flock wholeFile(short type) {
  struct flock lock {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  return lock;
}

}  // namespace

File File::createUnnamed(const std::string& directory) {
  // O_EXCL: nobody can give the file a name later.
  const int flags = O_TMPFILE | O_RDWR | O_EXCL | O_CLOEXEC;
  const int descriptor =
      retry([&] { return ::open(directory.c_str(), flags, static_cast<mode_t>(S_IRUSR | S_IWUSR)); });
  // A kernel or file system that does not know O_TMPFILE sees a directory opened for writing.
  if (descriptor < 0) throw Error("open", errno == EISDIR ? EOPNOTSUPP : errno, directory);
  return {descriptor, directory};
}

void File::reserve(std::uint64_t offset, std::uint64_t length) {
  const std::uint64_t before = size();
  const auto start = static_cast<off_t>(offset);
  const auto count = static_cast<off_t>(length);
  int error = retry([&] { return fallocate(handle_, 0, start, count); }) == 0 ? 0 : errno;
  if (error == EOPNOTSUPP) {
    // File systems that cannot reserve: the C library writes into every block.
    do {
      error = posix_fallocate(handle_, start, count);
    } while (error == EINTR);
  }
  if (error == 0) return;
  // What was reserved beyond the old end goes back; the error that matters is the first one.
  if (offset + length > before) {
    static_cast<void>(retry([&] { return ftruncate(handle_, static_cast<off_t>(before)); }));
  }
  throw Error("fallocate", error, path_);
}

void File::punchHole(std::uint64_t offset, std::uint64_t length) {
  const int mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
  const auto start = static_cast<off_t>(offset);
  const auto count = static_cast<off_t>(length);
  if (retry([&] { return fallocate(handle_, mode, start, count); }) != 0) {
    throw Error("fallocate", errno, path_);
  }
}

void File::prefetch(std::uint64_t offset, std::uint64_t length) const {
  const int error =
      posix_fadvise(handle_, static_cast<off_t>(offset), static_cast<off_t>(length), POSIX_FADV_WILLNEED);
  if (error != 0) throw Error("posix_fadvise", error, path_);
}

void File::dropCache(std::uint64_t offset, std::uint64_t length) const {
  const auto start = static_cast<off_t>(offset);
  const auto count = static_cast<off_t>(length);
  // The kernel drops clean pages only. This makes them clean; it makes nothing durable.
  const unsigned flags = SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER;
  if (retry([&] { return sync_file_range(handle_, start, count, flags); }) != 0) {
    throw Error("sync_file_range", errno, path_);
  }
  const int error = posix_fadvise(handle_, start, count, POSIX_FADV_DONTNEED);
  if (error != 0) throw Error("posix_fadvise", error, path_);
}

bool File::tryLock(LockKind kind) {
  // Of the open file description: a plain POSIX lock would vanish when any descriptor of the file is closed.
  struct flock lock = wholeFile(kind == LockKind::shared ? F_RDLCK : F_WRLCK);
  if (retry([&] { return fcntl(handle_, F_OFD_SETLK, &lock); }) == 0) return true;
  if (errno == EAGAIN || errno == EACCES) return false;
  throw Error("fcntl", errno, path_);
}

void File::unlock() {
  struct flock lock = wholeFile(F_UNLCK);
  if (retry([&] { return fcntl(handle_, F_OFD_SETLK, &lock); }) != 0) throw Error("fcntl", errno, path_);
}

}  // namespace vgpu::os
