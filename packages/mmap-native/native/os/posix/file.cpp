#include "../file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "../error.h"
#include "call.h"
#include "flush.h"

namespace vgpu::os {
namespace {

// Linux moves at most this much in one call; macOS little more.
constexpr std::size_t largestTransfer = 0x7ffff000;

struct stat statusOf(int descriptor, const std::string& path) {
  struct stat status {};
  if (fstat(descriptor, &status) != 0) throw Error("fstat", errno, path);
  return status;
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

void File::flush() {
  flushDescriptor(handle_, Flushed::data, path_);
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

FileIdentity File::identity() const {
  const struct stat status = statusOf(handle_, path_);
  return {.device = static_cast<std::uint64_t>(status.st_dev), .index = status.st_ino};
}

bool File::isRegular() const {
  return S_ISREG(statusOf(handle_, path_).st_mode);
}

}  // namespace vgpu::os
