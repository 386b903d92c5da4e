#include "../file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "../error.h"
#include "call.h"

namespace vgpu::os {
namespace {

// Linux moves at most this much in one call.
constexpr std::size_t largestTransfer = 0x7ffff000;

struct stat statusOf(int descriptor, const std::string& path) {
  struct stat status {};
  if (fstat(descriptor, &status) != 0) throw Error("fstat", errno, path);
  return status;
}

struct flock wholeFile(short type) {
  struct flock lock {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  return lock;
}

}  // namespace

File::File(Handle handle, std::string path) noexcept : handle_(handle), path_(std::move(path)) {}

File::File(File&& other) noexcept
    : handle_(std::exchange(other.handle_, closed)), path_(std::move(other.path_)) {}

File& File::operator=(File&& other) noexcept {
  if (this != &other) {
    close();
    handle_ = std::exchange(other.handle_, closed);
    path_ = std::move(other.path_);
  }
  return *this;
}

File::~File() {
  close();
}

File File::open(const std::string& path, Access access, Links links) {
  const int flags = (access == Access::read ? O_RDONLY : O_RDWR) | (links == Links::refuse ? O_NOFOLLOW : 0);
  // O_NONBLOCK keeps a pipe from waiting for its other end; files do not know it.
  const int descriptor =
      retry([&] { return ::open(path.c_str(), flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK); });
  if (descriptor < 0) throw Error("open", errno, path);
  return {descriptor, path};
}

File File::createNew(const std::string& path, unsigned mode) {
  const int flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  const int descriptor = retry([&] { return ::open(path.c_str(), flags, static_cast<mode_t>(mode)); });
  if (descriptor < 0) throw Error("open", errno, path);
  return {descriptor, path};
}

File File::createUnnamed(const std::string& directory) {
  // O_EXCL: nobody can give the file a name later.
  const int flags = O_TMPFILE | O_RDWR | O_EXCL | O_CLOEXEC;
  const int descriptor =
      retry([&] { return ::open(directory.c_str(), flags, static_cast<mode_t>(S_IRUSR | S_IWUSR)); });
  // A kernel or file system that does not know O_TMPFILE sees a directory opened for writing.
  if (descriptor < 0) throw Error("open", errno == EISDIR ? EOPNOTSUPP : errno, directory);
  return {descriptor, directory};
}

bool File::isOpen() const noexcept {
  return handle_ != closed;
}

void File::close() noexcept {
  // The descriptor is gone whatever close() says: nothing is left to do about an error. What had to be
  // durable was flushed, and that call's result counted.
  if (isOpen()) static_cast<void>(::close(std::exchange(handle_, closed)));
}

std::uint64_t File::size() const {
  return static_cast<std::uint64_t>(statusOf(handle_, path_).st_size);
}

void File::resize(std::uint64_t size) {
  if (retry([&] { return ftruncate(handle_, static_cast<off_t>(size)); }) != 0) {
    throw Error("ftruncate", errno, path_);
  }
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

std::size_t File::read(std::uint64_t offset, std::span<std::byte> target) const {
  std::size_t done = 0;
  while (done < target.size()) {
    const std::size_t wanted = std::min(target.size() - done, largestTransfer);
    const ssize_t count = retry(
        [&] { return pread(handle_, target.data() + done, wanted, static_cast<off_t>(offset + done)); });
    if (count < 0) throw Error("pread", errno, path_);
    if (count == 0) break;
    done += static_cast<std::size_t>(count);
  }
  return done;
}

void File::write(std::uint64_t offset, std::span<const std::byte> bytes) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const std::size_t wanted = std::min(bytes.size() - done, largestTransfer);
    const ssize_t count = retry(
        [&] { return pwrite(handle_, bytes.data() + done, wanted, static_cast<off_t>(offset + done)); });
    if (count < 0) throw Error("pwrite", errno, path_);
    done += static_cast<std::size_t>(count);
  }
}

void File::flush() {
  if (retry([&] { return fdatasync(handle_); }) != 0) throw Error("fdatasync", errno, path_);
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

FileIdentity File::identity() const {
  const struct stat status = statusOf(handle_, path_);
  return {.device = status.st_dev, .index = status.st_ino};
}

bool File::isRegular() const {
  return S_ISREG(statusOf(handle_, path_).st_mode);
}

}  // namespace vgpu::os
