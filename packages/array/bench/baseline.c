// The same I/O as the package's, by system calls alone: baseline write-pwrite|write-mmap|read-read|read-mmap
// FILE BYTES. Prints the seconds that it took.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static const size_t block_bytes = (size_t)1024 * 1024;
static const size_t page_bytes = 4096;

static void fail(const char* what) {
  perror(what);
  exit(1);
}

static double now(void) {
  struct timespec time;
  if (clock_gettime(CLOCK_MONOTONIC, &time) != 0) fail("clock_gettime");
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static double* make_block(void) {
  double* block = malloc(block_bytes);
  if (block == NULL) fail("malloc");
  for (size_t index = 0; index < block_bytes / sizeof(double); ++index) block[index] = (double)index + 1.1;
  return block;
}

static int create_reserved(const char* path, size_t bytes) {
  const int file = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (file < 0) fail("open");
  if (posix_fallocate(file, 0, (off_t)bytes) != 0) fail("posix_fallocate");
  return file;
}

static void* map(int file, size_t bytes) {
  void* memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (memory == MAP_FAILED) fail("mmap");
  return memory;
}

static void write_pwrite(const char* path, size_t bytes, const double* block) {
  const int file = create_reserved(path, bytes);
  for (size_t done = 0; done < bytes;) {
    const size_t rest = bytes - done;
    const ssize_t count = pwrite(file, block, rest < block_bytes ? rest : block_bytes, (off_t)done);
    if (count <= 0) fail("pwrite");
    done += (size_t)count;
  }
  if (fdatasync(file) != 0) fail("fdatasync");
  if (close(file) != 0) fail("close");
}

static void write_mmap(const char* path, size_t bytes, const double* block) {
  const int file = create_reserved(path, bytes);
  char* memory = map(file, bytes);
  for (size_t done = 0; done < bytes; done += block_bytes) {
    const size_t rest = bytes - done;
    memcpy(memory + done, block, rest < block_bytes ? rest : block_bytes);
  }
  if (msync(memory, bytes, MS_SYNC) != 0) fail("msync");
  if (fdatasync(file) != 0) fail("fdatasync");
  if (munmap(memory, bytes) != 0) fail("munmap");
  if (close(file) != 0) fail("close");
}

/** One word of each page: what is measured is the reading, not the adding. */
static double touch(const char* bytes, size_t length) {
  double sum = 0;
  for (size_t offset = 0; offset < length; offset += page_bytes) {
    double value;
    memcpy(&value, bytes + offset, sizeof value);
    sum += value;
  }
  return sum;
}

static double read_read(const char* path, size_t bytes, char* buffer) {
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) fail("open");
  double sum = 0;
  for (size_t done = 0; done < bytes;) {
    const ssize_t count = read(file, buffer, block_bytes);
    if (count <= 0) fail("read");
    sum += touch(buffer, (size_t)count);
    done += (size_t)count;
  }
  if (close(file) != 0) fail("close");
  return sum;
}

static double read_mmap(const char* path, size_t bytes) {
  const int file = open(path, O_RDWR | O_CLOEXEC);
  if (file < 0) fail("open");
  char* memory = map(file, bytes);
  if (madvise(memory, bytes, MADV_SEQUENTIAL) != 0) fail("madvise");
  const double sum = touch(memory, bytes);
  if (munmap(memory, bytes) != 0) fail("munmap");
  if (close(file) != 0) fail("close");
  return sum;
}

int main(int count, char** arguments) {
  if (count != 4) {
    fprintf(stderr, "usage: baseline write-pwrite|write-mmap|read-read|read-mmap FILE BYTES\n");
    return 2;
  }
  const char* path = arguments[2];
  const size_t bytes = strtoull(arguments[3], NULL, 10);
  double* block = make_block();
  double sum = 0;
  const double start = now();
  if (strcmp(arguments[1], "write-pwrite") == 0)
    write_pwrite(path, bytes, block);
  else if (strcmp(arguments[1], "write-mmap") == 0)
    write_mmap(path, bytes, block);
  else if (strcmp(arguments[1], "read-read") == 0)
    sum = read_read(path, bytes, (char*)block);
  else if (strcmp(arguments[1], "read-mmap") == 0)
    sum = read_mmap(path, bytes);
  else
    return 2;
  printf("%.6f %g\n", now() - start, sum);
  free(block);
  return 0;
}
