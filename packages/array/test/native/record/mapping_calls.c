// Calls on mappings.
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "record.h"

#define EXPORT __attribute__((visibility("default")))

EXPORT void* mmap(void* address, size_t length, int protection, int flags, int descriptor, off_t offset) {
  const int sharing = flags & MAP_TYPE;
  const bool shared = sharing == MAP_SHARED || sharing == MAP_SHARED_VALIDATE;
  const bool replaces = (flags & MAP_FIXED) != 0;
  if ((!shared && !replaces) || !record_begin()) {
    return REAL(mmap)(address, length, protection, flags, descriptor, offset);
  }
  struct tracked_file* file = shared && descriptor >= 0 ? tracked_by_descriptor(descriptor) : NULL;
  if (replaces && overlaps_mapping(address, length)) record_mapped_writes(NULL);
  void* mapped = REAL(mmap)(address, length, protection, flags, descriptor, offset);
  const int error = errno;
  if (mapped != MAP_FAILED && replaces) remove_mapping(mapped, length);
  if (mapped != MAP_FAILED && file) {
    // From now on the file may change without a call: this is the last moment to find a change that has no
    // excuse.
    record_mapped_writes(file);
    add_mapping(mapped, length, file, (uint64_t)offset);
  }
  record_end();
  errno = error;
  return mapped;
}

EXPORT void* mmap64(void* address, size_t length, int protection, int flags, int descriptor, off64_t offset) {
  return mmap(address, length, protection, flags, descriptor, offset);
}

EXPORT int munmap(void* address, size_t length) {
  if (!record_begin()) return REAL(munmap)(address, length);
  // Node unmaps memory of its own all the time.
  if (overlaps_mapping(address, length)) record_mapped_writes(NULL);
  const int result = REAL(munmap)(address, length);
  const int error = errno;
  if (result == 0) remove_mapping(address, length);
  record_end();
  errno = error;
  return result;
}

EXPORT void* mremap(void* address, size_t length, size_t new_length, int flags, ...) {
  if (record_begin()) {
    if (overlaps_mapping(address, length)) record_die("mremap of a file's mapping is not recorded");
    record_end();
  }
  if (flags & MREMAP_FIXED) record_die("mremap to a fixed address is not recorded");
  return REAL(mremap)(address, length, new_length, flags);
}

static void log_flushed(struct tracked_file* file, uint64_t offset, uint64_t length) {
  record_write(
      &(struct record){.kind = RECORD_FLUSH_RANGE, .file = file->id, .first = offset, .second = length});
}

EXPORT int msync(void* address, size_t length, int flags) {
  if (!record_begin()) return REAL(msync)(address, length, flags);
  record_mapped_writes(NULL);
  const int result = REAL(msync)(address, length, flags);
  const int error = errno;
  // Without MS_SYNC it promises nothing.
  if (result == 0 && (flags & MS_SYNC)) for_each_mapping(address, length, log_flushed);
  record_end();
  errno = error;
  return result;
}

static void log_removed(struct tracked_file* file, uint64_t offset, uint64_t length) {
  refresh(file, offset, length);
  record_write(&(struct record){.kind = RECORD_PUNCH, .file = file->id, .first = offset, .second = length});
}

EXPORT int madvise(void* address, size_t length, int advice) {
  if (advice != MADV_REMOVE || !record_begin()) return REAL(madvise)(address, length, advice);
  record_mapped_writes(NULL);
  const int result = REAL(madvise)(address, length, advice);
  const int error = errno;
  if (result == 0) for_each_mapping(address, length, log_removed);
  record_end();
  errno = error;
  return result;
}
