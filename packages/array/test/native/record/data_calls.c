// Calls that change what a file holds, and how long it is.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "record.h"

#define EXPORT __attribute__((visibility("default")))

/** Locks and settles what happened before the call; NULL, unlocked, for a file that is not observed. */
static struct tracked_file* begin_change(int descriptor) {
  if (!is_regular(descriptor) || !record_begin()) return NULL;
  struct tracked_file* file = tracked_by_descriptor(descriptor);
  if (file) record_mapped_writes(NULL);
  if (!file) record_end();
  return file;
}

static void end_change(int error) {
  record_end();
  errno = error;
}

static void log_written(struct tracked_file* file, uint64_t offset, ssize_t written) {
  if (written <= 0) return;
  refresh(file, offset, (uint64_t)written);
  record_write(&(struct record){.kind = RECORD_WRITE,
                                .file = file->id,
                                .first = offset,
                                .bytes = file->content + offset,
                                .length = (size_t)written});
}

/** Where the next write() of a descriptor goes. */
static uint64_t position(int descriptor) {
  const int flags = fcntl(descriptor, F_GETFL);
  const off_t at = lseek(descriptor, 0, flags >= 0 && (flags & O_APPEND) ? SEEK_END : SEEK_CUR);
  if (flags < 0 || at < 0) record_die("lseek: %s", strerror(errno));
  return (uint64_t)at;
}

EXPORT ssize_t pwrite(int descriptor, const void* bytes, size_t length, off_t offset) {
  struct tracked_file* file = begin_change(descriptor);
  const ssize_t written = REAL(pwrite)(descriptor, bytes, length, offset);
  if (!file) return written;
  const int error = errno;
  log_written(file, (uint64_t)offset, written);
  end_change(error);
  return written;
}

EXPORT ssize_t pwrite64(int descriptor, const void* bytes, size_t length, off64_t offset) {
  return pwrite(descriptor, bytes, length, offset);
}

EXPORT ssize_t pwritev(int descriptor, const struct iovec* parts, int count, off_t offset) {
  struct tracked_file* file = begin_change(descriptor);
  const ssize_t written = REAL(pwritev)(descriptor, parts, count, offset);
  if (!file) return written;
  const int error = errno;
  log_written(file, (uint64_t)offset, written);
  end_change(error);
  return written;
}

EXPORT ssize_t pwritev64(int descriptor, const struct iovec* parts, int count, off64_t offset) {
  return pwritev(descriptor, parts, count, offset);
}

EXPORT ssize_t write(int descriptor, const void* bytes, size_t length) {
  struct tracked_file* file = begin_change(descriptor);
  const uint64_t offset = file ? position(descriptor) : 0;
  const ssize_t written = REAL(write)(descriptor, bytes, length);
  if (!file) return written;
  const int error = errno;
  log_written(file, offset, written);
  end_change(error);
  return written;
}

EXPORT ssize_t writev(int descriptor, const struct iovec* parts, int count) {
  struct tracked_file* file = begin_change(descriptor);
  const uint64_t offset = file ? position(descriptor) : 0;
  const ssize_t written = REAL(writev)(descriptor, parts, count);
  if (!file) return written;
  const int error = errno;
  log_written(file, offset, written);
  end_change(error);
  return written;
}

static ssize_t copy_recorded(int from, off64_t* from_offset, int to, off64_t* to_offset, size_t length,
                             unsigned flags) {
  struct tracked_file* file = begin_change(to);
  const uint64_t offset = !file ? 0 : to_offset ? (uint64_t)*to_offset : position(to);
  const ssize_t copied = REAL(copy_file_range)(from, from_offset, to, to_offset, length, flags);
  if (!file) return copied;
  const int error = errno;
  log_written(file, offset, copied);
  end_change(error);
  return copied;
}

EXPORT ssize_t copy_file_range(int from, off64_t* from_offset, int to, off64_t* to_offset, size_t length,
                               unsigned flags) {
  return copy_recorded(from, from_offset, to, to_offset, length, flags);
}

static void log_resized(struct tracked_file* file) {
  const size_t before = file->size;
  refresh(file, 0, 0);
  if (file->size == before) return;
  record_write(&(struct record){.kind = RECORD_RESIZE, .file = file->id, .first = file->size});
}

EXPORT int ftruncate(int descriptor, off_t size) {
  struct tracked_file* file = begin_change(descriptor);
  const int result = REAL(ftruncate)(descriptor, size);
  if (!file) return result;
  const int error = errno;
  if (result == 0) log_resized(file);
  end_change(error);
  return result;
}

EXPORT int ftruncate64(int descriptor, off64_t size) {
  return ftruncate(descriptor, size);
}

static void log_punched(struct tracked_file* file, uint64_t offset, uint64_t length) {
  refresh(file, offset, length);
  record_write(&(struct record){.kind = RECORD_PUNCH, .file = file->id, .first = offset, .second = length});
}

EXPORT int fallocate(int descriptor, int mode, off_t offset, off_t length) {
  struct tracked_file* file = begin_change(descriptor);
  const int punch = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
  if (file && mode != 0 && mode != FALLOC_FL_KEEP_SIZE && mode != punch) {
    record_die("fallocate with mode %d is not recorded", mode);
  }
  const int result = REAL(fallocate)(descriptor, mode, offset, length);
  if (!file) return result;
  const int error = errno;
  if (result == 0 && mode == punch) log_punched(file, (uint64_t)offset, (uint64_t)length);
  if (result == 0 && mode == 0) log_resized(file);
  end_change(error);
  return result;
}

EXPORT int fallocate64(int descriptor, int mode, off64_t offset, off64_t length) {
  return fallocate(descriptor, mode, offset, length);
}

EXPORT int posix_fallocate(int descriptor, off_t offset, off_t length) {
  struct tracked_file* file = begin_change(descriptor);
  // Through fallocate, so that libc's way of its own, writing, does not escape us.
  if (!file) return REAL(posix_fallocate)(descriptor, offset, length);
  const int result = REAL(fallocate)(descriptor, 0, offset, length) == 0 ? 0 : errno;
  if (result == 0) log_resized(file);
  end_change(errno);
  return result;
}

EXPORT int posix_fallocate64(int descriptor, off64_t offset, off64_t length) {
  return posix_fallocate(descriptor, offset, length);
}
