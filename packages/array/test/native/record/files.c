// The files under observation, and what changed in them.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "record.h"

enum { BLOCK = 64 * 1024 };

/** Every file is compared as a whole again and again: more than this is a mistake of the test. */
static const uint64_t largest_file = UINT64_C(1) << 30;

static struct tracked_file** files;
static size_t file_count;
static uint64_t next_id = 1;

bool is_regular(int descriptor) {
  struct stat status;
  return fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode);
}

static uint64_t size_now(const struct tracked_file* file) {
  struct stat status;
  if (fstat(file->descriptor, &status) != 0) record_die("fstat: %s", strerror(errno));
  if ((uint64_t)status.st_size > largest_file)
    record_die("a file of %lld bytes is too large to record", (long long)status.st_size);
  return (uint64_t)status.st_size;
}

static void set_size(struct tracked_file* file, uint64_t size) {
  if (size > file->capacity) {
    const uint64_t capacity = size + size / 2;
    unsigned char* grown = realloc(file->content, capacity);
    if (!grown) record_die("out of memory");
    file->content = grown;
    file->capacity = capacity;
  }
  if (size > file->size) memset(file->content + file->size, 0, size - file->size);
  file->size = size;
}

/** Reads what is there; zeros behind the end, which may move under us. */
static void read_file(const struct tracked_file* file, uint64_t offset, unsigned char* target,
                      size_t length) {
  size_t done = 0;
  while (done < length) {
    const ssize_t got = REAL(pread)(file->descriptor, target + done, length - done, (off_t)(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) record_die("pread: %s", strerror(errno));
    if (got == 0) break;
    done += (size_t)got;
  }
  memset(target + done, 0, length - done);
}

struct tracked_file* find_tracked(int descriptor) {
  struct stat status;
  if (fstat(descriptor, &status) != 0) return NULL;
  for (size_t index = 0; index < file_count; ++index) {
    if (files[index]->inode == status.st_ino && files[index]->device == status.st_dev) return files[index];
  }
  return NULL;
}

struct tracked_file* tracked_by_descriptor(int descriptor) {
  struct tracked_file* file = find_tracked(descriptor);
  if (file || !is_regular(descriptor)) return file;
  char path[4096];
  if (recorded_descriptor_path(descriptor, path))
    record_die("%s was opened by a call that is not recorded", path);
  return NULL;
}

struct tracked_file* track(int descriptor) {
  struct stat status;
  if (fstat(descriptor, &status) != 0) record_die("fstat: %s", strerror(errno));
  struct tracked_file* file = calloc(1, sizeof *file);
  struct tracked_file** grown = realloc(files, (file_count + 1) * sizeof(struct tracked_file*));
  if (!file || !grown) record_die("out of memory");
  files = grown;
  // An open file description of its own: a duplicate would keep the program's locks alive.
  char name[64];
  (void)snprintf(name, sizeof name, "/proc/self/fd/%d", descriptor);
  *file = (struct tracked_file){
      .device = status.st_dev,
      .inode = status.st_ino,
      .id = next_id++,
      .descriptor = REAL(open)(name, O_RDONLY | O_CLOEXEC),
  };
  if (file->descriptor < 0) record_die("cannot open a file again: %s", strerror(errno));
  set_size(file, size_now(file));
  read_file(file, 0, file->content, file->size);
  files[file_count++] = file;
  return file;
}

/** Logs one run of changed sectors; the file's last one may be shorter. */
static void record_run(struct tracked_file* file, uint64_t offset, size_t length,
                       const unsigned char* bytes) {
  if (!is_mapped_at(file, offset, length)) {
    record_die("%zu bytes at %llu of file %llu changed without a call that is recorded", length,
               (unsigned long long)offset, (unsigned long long)file->id);
  }
  memcpy(file->content + offset, bytes, length);
  record_write(&(struct record){
      .kind = RECORD_MAPPED, .file = file->id, .first = offset, .bytes = bytes, .length = length});
}

static void compare_block(struct tracked_file* file, uint64_t offset, const unsigned char* bytes,
                          size_t length) {
  const unsigned char* known = file->content + offset;
  size_t run = 0;
  for (size_t at = 0; at < length; at += SECTOR) {
    const size_t sector = length - at < SECTOR ? length - at : SECTOR;
    if (memcmp(known + at, bytes + at, sector) != 0) continue;
    if (at > run) record_run(file, offset + run, at - run, bytes + run);
    run = at + sector;
  }
  if (run < length) record_run(file, offset + run, length - run, bytes + run);
}

static void compare(struct tracked_file* file) {
  static unsigned char block[BLOCK];
  if (size_now(file) != file->size) {
    record_die("the size of file %llu changed from %zu to %llu without a call that is recorded",
               (unsigned long long)file->id, file->size, (unsigned long long)size_now(file));
  }
  for (uint64_t offset = 0; offset < file->size; offset += BLOCK) {
    const size_t length = file->size - offset < BLOCK ? file->size - offset : BLOCK;
    read_file(file, offset, block, length);
    if (memcmp(file->content + offset, block, length) != 0) compare_block(file, offset, block, length);
  }
}

void record_mapped_writes(const struct tracked_file* also) {
  for (size_t index = 0; index < file_count; ++index) {
    if (files[index] == also || is_mapped(files[index])) compare(files[index]);
  }
}

void record_all_mapped_writes(void) {
  for (size_t index = 0; index < file_count; ++index) compare(files[index]);
}

void refresh(struct tracked_file* file, uint64_t offset, uint64_t length) {
  set_size(file, size_now(file));
  if (offset >= file->size) return;
  const uint64_t inside = file->size - offset < length ? file->size - offset : length;
  read_file(file, offset, file->content + offset, inside);
}
