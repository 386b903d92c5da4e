// Changes files at random, through every call that the recorder knows: exercise_files SEED STEPS, in the
// directory to be recorded. With a third argument it makes one more change at the end, by a way that the
// recorder does not know.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { FILES = 3, LARGEST = 40000, PAGE = 4096 };

static uint64_t state;

static unsigned random_below(unsigned limit) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return (unsigned)(state >> 33) % limit;
}

static void check(bool ok, const char* call) {
  if (ok) return;
  (void)fprintf(stderr, "exercise_files: %s: %s\n", call, strerror(errno));
  exit(1);
}

struct open_file {
  int descriptor;
  unsigned size;
  unsigned char* mapped;
  unsigned mapped_length;
};

static struct open_file files[FILES];
static unsigned char bytes[LARGEST];

static void name_of(unsigned index, char name[16]) {
  (void)snprintf(name, 16, "file-%u", index);
}

static void open_file(unsigned index) {
  char name[16];
  name_of(index, name);
  struct open_file* file = &files[index];
  file->descriptor = open(name, O_RDWR | O_CREAT, 0600);
  check(file->descriptor >= 0, "open");
  const off_t size = lseek(file->descriptor, 0, SEEK_END);
  check(size >= 0, "lseek");
  file->size = (unsigned)size;
}

static void unmap(struct open_file* file) {
  if (file->mapped) check(munmap(file->mapped, file->mapped_length) == 0, "munmap");
  file->mapped = NULL;
}

static void grown(struct open_file* file, unsigned end) {
  if (end > file->size) file->size = end;
}

static void write_some(struct open_file* file) {
  const unsigned offset = random_below(LARGEST / 2);
  const unsigned length = 1 + random_below(LARGEST / 4);
  for (unsigned index = 0; index < length; ++index) bytes[index] = (unsigned char)random_below(256);
  const struct iovec parts[] = {{bytes, length / 2}, {bytes + length / 2, length - length / 2}};
  switch (random_below(4)) {
    case 0:
      check(pwrite(file->descriptor, bytes, length, offset) == (ssize_t)length, "pwrite");
      break;
    case 1:
      check(pwritev(file->descriptor, parts, 2, offset) == (ssize_t)length, "pwritev");
      break;
    case 2:
      check(lseek(file->descriptor, offset, SEEK_SET) == (off_t)offset, "lseek");
      check(write(file->descriptor, bytes, length) == (ssize_t)length, "write");
      break;
    default:
      check(lseek(file->descriptor, offset, SEEK_SET) == (off_t)offset, "lseek");
      check(writev(file->descriptor, parts, 2) == (ssize_t)length, "writev");
  }
  grown(file, offset + length);
}

static void map(struct open_file* file) {
  unmap(file);
  if (file->size == 0) return;
  file->mapped_length = file->size;
  file->mapped = mmap(NULL, file->size, PROT_READ | PROT_WRITE, MAP_SHARED, file->descriptor, 0);
  check(file->mapped != MAP_FAILED, "mmap");
}

static void store(struct open_file* file) {
  if (!file->mapped) map(file);
  if (!file->mapped) return;
  for (unsigned times = random_below(20); times > 0; --times) {
    file->mapped[random_below(file->mapped_length)] = (unsigned char)random_below(256);
  }
}

static void flush(struct open_file* file) {
  switch (random_below(4)) {
    case 0:
      if (file->mapped) check(msync(file->mapped, file->mapped_length, MS_SYNC) == 0, "msync");
      break;
    case 1:
      check(fdatasync(file->descriptor) == 0, "fdatasync");
      break;
    case 2:
      check(fsync(file->descriptor) == 0, "fsync");
      break;
    default: {
      const int directory = open(".", O_RDONLY | O_DIRECTORY);
      check(directory >= 0 && fsync(directory) == 0 && close(directory) == 0, "fsync of the directory");
    }
  }
}

static void resize(struct open_file* file) {
  const unsigned size = 1 + random_below(LARGEST - 1);
  const int punch = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
  const off_t page = (off_t)random_below(LARGEST / PAGE) * PAGE;
  switch (random_below(5)) {
    case 0:
      // What is mapped behind the end would fault.
      unmap(file);
      check(ftruncate(file->descriptor, size) == 0, "ftruncate");
      file->size = size;
      break;
    case 1:
      check(fallocate(file->descriptor, 0, 0, size) == 0, "fallocate");
      grown(file, size);
      break;
    case 2:
      check(posix_fallocate(file->descriptor, 0, size) == 0, "posix_fallocate");
      grown(file, size);
      break;
    case 3:
      if (file->mapped && (unsigned)page < file->mapped_length)
        check(madvise(file->mapped + page, 1, MADV_REMOVE) == 0, "madvise");
      break;
    default:
      check(fallocate(file->descriptor, punch, page, (off_t)2 * PAGE) == 0, "fallocate");
  }
}

static void copy(struct open_file* from, struct open_file* to) {
  off64_t source = random_below(PAGE);
  off64_t target = random_below(LARGEST / 2);
  if (from == to) target = source + LARGEST / 3;
  const ssize_t copied = copy_file_range(from->descriptor, &source, to->descriptor, &target, LARGEST / 4, 0);
  check(copied >= 0, "copy_file_range");
  if (copied > 0) grown(to, (unsigned)target);
}

/** A new file takes the place of the old one, or a name goes or comes. */
static void rename_some(unsigned index) {
  char name[16];
  name_of(index, name);
  struct open_file* file = &files[index];
  unmap(file);
  check(close(file->descriptor) == 0, "close");
  if (random_below(3) == 0) {
    check(unlink(name) == 0, "unlink");
  } else {
    const bool unnamed = random_below(2) == 0;
    const int descriptor =
        unnamed ? open(".", O_TMPFILE | O_RDWR, 0600) : open("temporary", O_RDWR | O_CREAT | O_EXCL, 0600);
    check(descriptor >= 0, "open");
    check(pwrite(descriptor, bytes, 5000, 0) == 5000, "pwrite");
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
    if (unnamed) check(linkat(AT_FDCWD, path, AT_FDCWD, "temporary", AT_SYMLINK_FOLLOW) == 0, "linkat");
    check(rename("temporary", name) == 0, "rename");
    check(close(descriptor) == 0, "close");
  }
  open_file(index);
}

static void step(void) {
  const unsigned index = random_below(FILES);
  struct open_file* file = &files[index];
  switch (random_below(8)) {
    case 0:
    case 1:
      write_some(file);
      break;
    case 2:
    case 3:
      store(file);
      break;
    case 4:
      flush(file);
      break;
    case 5:
      resize(file);
      break;
    case 6:
      copy(file, &files[random_below(FILES)]);
      break;
    default:
      rename_some(index);
  }
}

static void change_unseen(const char* way) {
  unmap(&files[0]);
  check(pwrite(files[0].descriptor, bytes, 1000, 0) == 1000, "pwrite");
  if (strcmp(way, "pwrite") == 0) {
    const char other = (char)~bytes[0];
    check(syscall(SYS_pwrite64, files[0].descriptor, &other, 1, 0) == 1, "pwrite64");
  } else if (strcmp(way, "truncate") == 0) {
    check(truncate("file-0", 1) == 0, "truncate");
  } else if (strcmp(way, "fopen") == 0) {
    check(fopen("file-0", "w") != NULL, "fopen");
  } else if (strcmp(way, "open") == 0) {
    const int descriptor = (int)syscall(SYS_openat, AT_FDCWD, "unseen", O_RDWR | O_CREAT, 0600);
    check(descriptor >= 0, "openat");
    check(pwrite(descriptor, bytes, 10, 0) == 10, "pwrite");
  } else if (strcmp(way, "zero-range") == 0) {
    check(fallocate(files[0].descriptor, FALLOC_FL_ZERO_RANGE, 0, 100) == 0, "fallocate");
  } else if (strcmp(way, "kill") == 0) {
    (void)raise(9);
  } else if (strcmp(way, "unlink") == 0) {
    check(syscall(SYS_unlinkat, AT_FDCWD, "file-1", 0) == 0, "unlinkat");
  } else {
    check(false, way);
  }
}

int main(int count, char** words) {
  if (count < 3) return 2;
  state = strtoull(words[1], NULL, 10) * 2654435761U + 1;
  for (unsigned index = 0; index < FILES; ++index) open_file(index);
  for (unsigned long steps = strtoul(words[2], NULL, 10); steps > 0; --steps) step();
  if (count > 3) change_unseen(words[3]);
  return 0;
}
