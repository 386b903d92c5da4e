#include "files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_LIMIT = 64 << 20 };

static int close_with(int file, int error) {
  if (close(file) != 0 && error == 0) return -errno;
  return error;
}

int read_file(const char* path, size_t limit, char** bytes, size_t* count) {
  // Without O_NONBLOCK a named pipe would hold us up.
  const int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (file < 0) return -errno;
  struct stat status;
  if (fstat(file, &status) != 0) return close_with(file, -errno);
  if (!S_ISREG(status.st_mode)) return close_with(file, -EINVAL);
  if (status.st_size < 0 || (size_t)status.st_size > limit) return close_with(file, -EFBIG);
  char* content = malloc((size_t)status.st_size + 1);
  if (content == NULL) return close_with(file, -ENOMEM);
  size_t at = 0;
  while (at < (size_t)status.st_size) {
    const ssize_t got = read(file, content + at, (size_t)status.st_size - at);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      const int error = -errno;
      free(content);
      return close_with(file, error);
    }
    if (got == 0) break;
    at += (size_t)got;
  }
  content[at] = '\0';
  *bytes = content;
  *count = at;
  (void)close(file);
  return 0;
}

int write_all(int file, const char* bytes, size_t count) {
  while (count > 0) {
    const ssize_t written = write(file, bytes, count);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return -errno;
    bytes += written;
    count -= (size_t)written;
  }
  return 0;
}

static int join(char* target, const char* path, const char* rest) {
  const int length = snprintf(target, PATH_MAX, "%s%s", path, rest);
  return length < 0 || length >= PATH_MAX ? -ENAMETOOLONG : 0;
}

int flush_folder_of(const char* path) {
  char folder[PATH_MAX];
  const int error = join(folder, path, "");
  if (error != 0) return error;
  char* slash = strrchr(folder, '/');
  if (slash == NULL) return -EINVAL;
  slash[slash == folder ? 1 : 0] = '\0';
  const int file = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  // Whoever flushes again after a crash may find the folder itself gone.
  if (file < 0) return errno == ENOENT ? 0 : -errno;
  return close_with(file, fsync(file) == 0 ? 0 : -errno);
}

static int take_name(const char* temporary, const char* path) {
  if (rename(temporary, path) != 0) return -errno;
  return flush_folder_of(path);
}

static int restore_link(const char* model, const char* temporary, const char* path) {
  char target[PATH_MAX];
  const ssize_t length = readlink(model, target, sizeof target - 1);
  if (length < 0) return -errno;
  target[length] = '\0';
  if (symlink(target, temporary) != 0) return -errno;
  return take_name(temporary, path);
}

static int write_file(const char* temporary, const char* bytes, size_t count, const struct stat* like,
                      bool times) {
  const int file = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (file < 0) return -errno;
  int error = write_all(file, bytes, count);
  const struct timespec stamps[] = {like->st_atim, like->st_mtim};
  // The owner first: changing it takes away setuid bits.
  if (error == 0 && fchown(file, like->st_uid, like->st_gid) != 0) error = -errno;
  if (error == 0 && fchmod(file, like->st_mode & 07777) != 0) error = -errno;
  if (error == 0 && times && futimens(file, stamps) != 0) error = -errno;
  if (error == 0 && fsync(file) != 0) error = -errno;
  return close_with(file, error);
}

int restore_file(const char* model, const char* path) {
  char temporary[PATH_MAX];
  int error = join(temporary, path, TEMPORARY_SUFFIX);
  struct stat status;
  if (error == 0 && lstat(model, &status) != 0) error = -errno;
  if (error == 0) error = remove_entry(temporary);
  if (error != 0) return error;
  if (S_ISLNK(status.st_mode)) return restore_link(model, temporary, path);
  char* bytes = NULL;
  size_t count = 0;
  error = read_file(model, FILE_LIMIT, &bytes, &count);
  if (error != 0) return error;
  error = write_file(temporary, bytes, count, &status, true);
  free(bytes);
  return error != 0 ? error : take_name(temporary, path);
}

int rewrite_file(const char* path, const char* bytes, size_t count) {
  char temporary[PATH_MAX];
  int error = join(temporary, path, TEMPORARY_SUFFIX);
  struct stat status;
  if (error == 0 && stat(path, &status) != 0) error = -errno;
  if (error == 0) error = remove_entry(temporary);
  if (error == 0) error = write_file(temporary, bytes, count, &status, false);
  return error != 0 ? error : take_name(temporary, path);
}

int remove_entry(const char* path) {
  struct stat status;
  if (lstat(path, &status) != 0) return errno == ENOENT || errno == ENOTDIR ? flush_folder_of(path) : -errno;
  if ((S_ISDIR(status.st_mode) ? rmdir(path) : unlink(path)) != 0) return -errno;
  return flush_folder_of(path);
}

static int empty_folder(int folder, int depth);

static int remove_inside(int folder, const char* name, int depth) {
  if (unlinkat(folder, name, 0) == 0) return 0;
  if (errno != EISDIR && errno != EPERM) return -errno;
  const int inner = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (inner < 0) return -errno;
  const int error = empty_folder(inner, depth + 1);
  if (error != 0) return error;
  return unlinkat(folder, name, AT_REMOVEDIR) == 0 ? 0 : -errno;
}

// Owns `folder`. NOLINTNEXTLINE(misc-no-recursion): the depth is limited
static int empty_folder(int folder, int depth) {
  if (depth > 16) return close_with(folder, -ELOOP);
  DIR* entries = fdopendir(folder);
  if (entries == NULL) return close_with(folder, -errno);
  int error = 0;
  while (error == 0) {
    errno = 0;
    const struct dirent* entry = readdir(entries);
    if (entry == NULL) {
      error = -errno;
      break;
    }
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    error = remove_inside(folder, entry->d_name, depth);
  }
  if (closedir(entries) != 0 && error == 0) error = -errno;
  return error;
}

// What was kept before stays.
static int free_name(char kept[PATH_MAX], const char* path) {
  int length = snprintf(kept, PATH_MAX, "%s%s", path, KEPT_SUFFIX);
  for (int number = 2; length > 0 && length < PATH_MAX; ++number) {
    struct stat status;
    if (lstat(kept, &status) != 0) return errno == ENOENT ? 0 : -errno;
    length = snprintf(kept, PATH_MAX, "%s%s.%d", path, KEPT_SUFFIX, number);
  }
  return -ENAMETOOLONG;
}

int set_aside(const char* path, char kept[PATH_MAX]) {
  const int error = free_name(kept, path);
  if (error != 0) return error;
  if (rename(path, kept) != 0) return -errno;
  return flush_folder_of(path);
}

bool same_link(const char* path, const char* other) {
  char target[PATH_MAX];
  char other_target[PATH_MAX];
  const ssize_t length = readlink(path, target, sizeof target);
  if (length < 0 || readlink(other, other_target, sizeof other_target) != length) return false;
  return memcmp(target, other_target, (size_t)length) == 0;
}

int remove_tree(const char* path) {
  const int folder = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (folder < 0) return errno == ENOENT ? flush_folder_of(path) : -errno;
  const int error = empty_folder(folder, 0);
  return error != 0 ? error : remove_entry(path);
}
