// Opens the library as a program's start would, and says how long its constructor took and what it left
// behind:
//   load_time LIBRARY   →   {"milliseconds":0.1,"errnoKept":true,"descriptors":0,"threads":0}
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static int count_entries(const char* folder) {
  int count = 0;
  DIR* entries = opendir(folder);
  while (entries != NULL && readdir(entries) != NULL) ++count;
  if (entries != NULL) closedir(entries);
  return count;
}

static double milliseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

int main(int count, char** arguments) {
  if (count != 2) {
    (void)fprintf(stderr, "usage: load_time LIBRARY\n");
    return 2;
  }
  const int descriptors = count_entries("/proc/self/fd");
  const int threads = count_entries("/proc/self/task");
  errno = 4711;
  const double began = milliseconds();
  void* library = dlopen(arguments[1], RTLD_NOW | RTLD_GLOBAL);
  const double elapsed = milliseconds() - began;
  const int left = errno;
  if (library == NULL) {
    (void)fprintf(stderr, "%s\n", dlerror());
    return 1;
  }
  printf("{\"milliseconds\":%.3f,\"errnoKept\":%s,\"descriptors\":%d,\"threads\":%d}\n", elapsed,
         left == 4711 ? "true" : "false", count_entries("/proc/self/fd") - descriptors,
         count_entries("/proc/self/task") - threads);
  return 0;
}
