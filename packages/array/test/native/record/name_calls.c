// Calls that change names.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "record.h"

#define EXPORT __attribute__((visibility("default")))

static const char mark_prefix[] = "/vgpu-record-mark/";

EXPORT int renameat2(int from_directory, const char* from, int to_directory, const char* to, unsigned flags) {
  if (!record_begin()) return REAL(renameat2)(from_directory, from, to_directory, to, flags);
  char source[4096];
  char target[4096];
  const bool from_ours = recorded_path(from_directory, from, source);
  const bool to_ours = recorded_path(to_directory, to, target);
  if (from_ours != to_ours) record_die("a rename across the border of the directory is not recorded");
  if (from_ours && (flags & ~(unsigned)RENAME_NOREPLACE))
    record_die("rename with flags %u is not recorded", flags);
  if (from_ours) record_mapped_writes(NULL);
  const int result = REAL(renameat2)(from_directory, from, to_directory, to, flags);
  const int error = errno;
  if (result == 0 && from_ours) {
    record_write(&(struct record){.kind = RECORD_RENAME, .path = source, .other = target});
  }
  record_end();
  errno = error;
  return result;
}

EXPORT int renameat(int from_directory, const char* from, int to_directory, const char* to) {
  return renameat2(from_directory, from, to_directory, to, 0);
}

EXPORT int rename(const char* from, const char* to) {
  return renameat2(AT_FDCWD, from, AT_FDCWD, to, 0);
}

/** linkat() names what the link follows: a descriptor below /proc, or the descriptor itself with an empty
 * path. */
static struct tracked_file* linked_file(int directory, const char* from, int flags) {
  if ((flags & AT_EMPTY_PATH) && from[0] == '\0') return tracked_by_descriptor(directory);
  const int opened =
      REAL(openat)(directory, from, O_RDONLY | O_CLOEXEC | ((flags & AT_SYMLINK_FOLLOW) ? 0 : O_NOFOLLOW));
  if (opened < 0) return NULL;
  struct tracked_file* file = tracked_by_descriptor(opened);
  if (REAL(close)(opened) != 0) record_die("close: %s", strerror(errno));
  return file;
}

EXPORT int linkat(int from_directory, const char* from, int to_directory, const char* to, int flags) {
  if (!record_begin()) return REAL(linkat)(from_directory, from, to_directory, to, flags);
  char target[4096];
  const bool ours = recorded_path(to_directory, to, target);
  if (ours) record_mapped_writes(NULL);
  const struct tracked_file* file = ours ? linked_file(from_directory, from, flags) : NULL;
  const int result = REAL(linkat)(from_directory, from, to_directory, to, flags);
  const int error = errno;
  if (result == 0 && ours) {
    if (!file) record_die("%s is a link to a file that was not recorded", target);
    record_write(&(struct record){.kind = RECORD_LINK, .file = file->id, .path = target});
  }
  record_end();
  errno = error;
  return result;
}

EXPORT int link(const char* from, const char* to) {
  return linkat(AT_FDCWD, from, AT_FDCWD, to, 0);
}

EXPORT int unlinkat(int directory, const char* path, int flags) {
  if (!record_begin()) return REAL(unlinkat)(directory, path, flags);
  char target[4096];
  const bool ours = recorded_path(directory, path, target);
  if (ours && (flags & AT_REMOVEDIR)) record_die("%s: removing directories is not recorded", target);
  if (ours) record_mapped_writes(NULL);
  const int result = REAL(unlinkat)(directory, path, flags);
  const int error = errno;
  if (result == 0 && ours) record_write(&(struct record){.kind = RECORD_UNLINK, .path = target});
  record_end();
  errno = error;
  return result;
}

EXPORT int unlink(const char* path) {
  return unlinkat(AT_FDCWD, path, 0);
}

EXPORT int remove(const char* path) {
  return unlinkat(AT_FDCWD, path, 0);
}

/** The program's own word for what it did: access("/vgpu-record-mark/WORD") succeeds and is logged. */
EXPORT int access(const char* path, int mode) {
  const size_t length = sizeof mark_prefix - 1;
  if (strncmp(path, mark_prefix, length) != 0 || !record_begin()) return REAL(access)(path, mode);
  record_mapped_writes(NULL);
  record_write(&(struct record){.kind = RECORD_MARK, .path = path + length});
  record_end();
  return 0;
}
