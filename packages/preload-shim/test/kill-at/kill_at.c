// Preloaded into a program that changes files: kills it in front of the change whose number VGPU_TEST_KILL_AT
// names, as a crash or the loss of power would. Without a number to reach, the count of changes is written to
// VGPU_TEST_COUNT. With VGPU_TEST_TELL the number of each is written there, and a second passes in which
// somebody may look.
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static atomic_int changes;

__attribute__((constructor)) static void begin(void) {
  // Programs that it starts are not meant.
  (void)unsetenv("LD_PRELOAD");
}

static void signal_at(const char* variable, int number, int signal) {
  const char* wanted = getenv(variable);
  if (wanted != NULL && strtol(wanted, NULL, 10) == number) (void)kill(getpid(), signal);
}

static void tell(int number) {
  const char* path = getenv("VGPU_TEST_TELL");
  if (path == NULL) return;
  const int file = open(path, O_WRONLY | O_NOCTTY | O_CLOEXEC);
  if (file < 0 || dprintf(file, "change=%d\n", number) < 0) abort();
  (void)close(file);
  (void)sleep(1);
}

static void change(void) {
  const int number = ++changes;
  tell(number);
  signal_at("VGPU_TEST_KILL_AT", number, SIGKILL);
  signal_at("VGPU_TEST_STOP_AT", number, SIGSTOP);
}

__attribute__((destructor)) static void end(void) {
  const char* path = getenv("VGPU_TEST_COUNT");
  if (path == NULL) return;
  FILE* file = fopen(path, "w");
  if (file == NULL) return;
  (void)fprintf(file, "%d\n", changes);
  (void)fclose(file);
}

// Each takes the name of libc's function, counts, and hands on.
#define CHANGING(result, name, parameters, arguments)   \
  result name parameters {                              \
    change();                                           \
    result(*real) parameters = dlsym(RTLD_NEXT, #name); \
    return real arguments;                              \
  }

CHANGING(int, rename, (const char* from, const char* to), (from, to))
CHANGING(int, mkdir, (const char* path, mode_t mode), (path, mode))
CHANGING(int, rmdir, (const char* path), (path))
CHANGING(int, unlink, (const char* path), (path))
CHANGING(int, unlinkat, (int folder, const char* path, int flags), (folder, path, flags))
CHANGING(int, symlink, (const char* target, const char* path), (target, path))
CHANGING(int, fsync, (int file), (file))
CHANGING(int, fchmod, (int file, mode_t mode), (file, mode))
CHANGING(int, ftruncate64, (int file, off_t length), (file, length))
CHANGING(int, ftruncate, (int file, off_t length), (file, length))
