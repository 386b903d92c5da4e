// The log, the lock, and the end.
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "record.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int log_descriptor = -1;
static pid_t recorded_process;
static char directory[PATH_MAX];

struct header {
  uint32_t magic;
  uint32_t kind;
  uint64_t file;
  uint64_t first;
  uint64_t second;
  uint32_t path_length;
  uint32_t other_length;
  uint64_t length;
};

enum { MAGIC = 0x52475631 };

void* real_function(const char* name) {
  void* function = dlsym(RTLD_NEXT, name);
  if (!function) record_die("libc has no %s", name);
  return function;
}

void record_die(const char* format, ...) {
  char message[PATH_MAX + 512] = "vgpu-record: ";
  const size_t start = strlen(message);
  va_list arguments;
  va_start(arguments, format);
  (void)vsnprintf(message + start, sizeof message - start - 1, format, arguments);
  va_end(arguments);
  const size_t length = strlen(message);
  message[length] = '\n';
  // Nothing is left to do when this fails.
  const ssize_t written = REAL(write)(STDERR_FILENO, message, length + 1);
  (void)written;
  abort();
}

static void write_all(struct iovec* parts, int count) {
  while (count > 0) {
    ssize_t written = REAL(writev)(log_descriptor, parts, count);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) record_die("cannot write the log: %s", strerror(errno));
    while (count > 0 && (size_t)written >= parts->iov_len) {
      written -= (ssize_t)parts->iov_len;
      ++parts;
      --count;
    }
    if (count > 0) {
      parts->iov_base = (char*)parts->iov_base + written;
      parts->iov_len -= (size_t)written;
    }
  }
}

void record_write(const struct record* record) {
  struct header header = {
      .magic = MAGIC,
      .kind = record->kind,
      .file = record->file,
      .first = record->first,
      .second = record->second,
      .path_length = record->path ? (uint32_t)strlen(record->path) : 0,
      .other_length = record->other ? (uint32_t)strlen(record->other) : 0,
      .length = record->length,
  };
  struct iovec parts[] = {
      {&header, sizeof header},
      {(void*)record->path, header.path_length},
      {(void*)record->other, header.other_length},
      {(void*)record->bytes, record->length},
  };
  write_all(parts, 4);
}

bool record_begin(void) {
  // A forked child has the memory, but is not what is recorded.
  if (log_descriptor < 0 || getpid() != recorded_process) return false;
  pthread_mutex_lock(&lock);
  return true;
}

void record_end(void) {
  pthread_mutex_unlock(&lock);
}

const char* record_directory(void) {
  return directory;
}

__attribute__((constructor)) static void start(void) {
  const char* wanted = getenv("VGPU_RECORD_DIR");
  const char* log = getenv("VGPU_RECORD_LOG");
  if (!wanted || !log) record_die("VGPU_RECORD_DIR and VGPU_RECORD_LOG must be set");
  if (!realpath(wanted, directory)) record_die("%s: %s", wanted, strerror(errno));
  const int opened = REAL(open)(log, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (opened < 0) record_die("%s: %s", log, strerror(errno));
  // Programs started from here are not recorded.
  unsetenv("LD_PRELOAD");
  recorded_process = getpid();
  log_descriptor = opened;
}

__attribute__((destructor)) static void finish(void) {
  if (!record_begin()) return;
  record_all_mapped_writes();
  record_write(&(struct record){.kind = RECORD_END});
  log_descriptor = -1;
  record_end();
}
