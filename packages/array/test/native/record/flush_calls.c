// Calls that make things durable.
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "record.h"

#define EXPORT __attribute__((visibility("default")))

static void log_flush(int descriptor, const struct tracked_file* file, enum record_kind kind) {
  struct stat status;
  char path[4096];
  if (file) {
    record_write(&(struct record){.kind = kind, .file = file->id});
  } else if (fstat(descriptor, &status) == 0 && S_ISDIR(status.st_mode) &&
             recorded_descriptor_path(descriptor, path)) {
    record_write(&(struct record){.kind = RECORD_FLUSH_DIRECTORY, .path = path});
  }
}

static int flush_recorded(int descriptor, int (*flush)(int), enum record_kind kind) {
  if (!record_begin()) return flush(descriptor);
  struct tracked_file* file = tracked_by_descriptor(descriptor);
  // Everything written until here is covered; what other threads write meanwhile is not.
  record_mapped_writes(file);
  const int result = flush(descriptor);
  const int error = errno;
  if (result == 0) log_flush(descriptor, file, kind);
  record_end();
  errno = error;
  return result;
}

EXPORT int fsync(int descriptor) {
  return flush_recorded(descriptor, REAL(fsync), RECORD_FLUSH_FILE);
}

EXPORT int fdatasync(int descriptor) {
  return flush_recorded(descriptor, REAL(fdatasync), RECORD_FLUSH_DATA);
}
