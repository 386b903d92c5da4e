#include <mutex>

#include "../file.h"
#include "system.h"

namespace vgpu::os {
namespace {

// Windows enforces its locks: a locked range cannot be read through other handles. One byte that no file
// reaches stands for the whole file, so that readers are not stopped.
constexpr std::uint64_t lockedByte = std::uint64_t{1} << 62;

// Changing the kind of a lock takes two steps, and threads may use one file together. None of the calls
// waits.
std::mutex stepsMutex;

bool lockByte(HANDLE handle, LockKind kind, const std::string& path) {
  const DWORD flags = LOCKFILE_FAIL_IMMEDIATELY | (kind == LockKind::exclusive ? LOCKFILE_EXCLUSIVE_LOCK : 0);
  OVERLAPPED place = overlappedAt(lockedByte);
  if (LockFileEx(handle, flags, 0, 1, 0, &place)) return true;
  const DWORD error = GetLastError();
  // A call that could wait says IO_PENDING; one that must not says LOCK_VIOLATION.
  if (error == ERROR_LOCK_VIOLATION || error == ERROR_IO_PENDING) return false;
  throw Error("LockFileEx", error, path);
}

void unlockByte(HANDLE handle, const std::string& path) {
  OVERLAPPED place = overlappedAt(lockedByte);
  if (!UnlockFileEx(handle, 0, 1, 0, &place)) throwLastError("UnlockFileEx", path);
}

}  // namespace

bool File::tryLock(LockKind kind) {
  const std::scoped_lock guard(stepsMutex);
  if (lock_ == kind) return true;
  if (lock_ == LockKind::shared) {
    // Windows has no way up but through no lock at all, where somebody else may come first.
    unlockByte(handle_, path_);
    lock_.reset();
    if (!lockByte(handle_, LockKind::exclusive, path_)) {
      if (!lockByte(handle_, LockKind::shared, path_)) throw Error("LockFileEx", ERROR_LOCK_VIOLATION, path_);
      lock_ = LockKind::shared;
      return false;
    }
  } else {
    if (!lockByte(handle_, kind, path_)) return false;
    // Down from exclusive without a gap: of two locks of one handle the first call lets the exclusive one go.
    if (lock_ == LockKind::exclusive) unlockByte(handle_, path_);
  }
  lock_ = kind;
  return true;
}

void File::unlock() {
  const std::scoped_lock guard(stepsMutex);
  if (!lock_) return;
  unlockByte(handle_, path_);
  lock_.reset();
}

}  // namespace vgpu::os
