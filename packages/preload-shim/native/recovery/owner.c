#include "owner.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

// words of "begin": version, process, its start in ticks, boot id.
enum { PROCESS = 2, START = 3, BOOT = 4 };
enum { KILL_DEADLINE_MS = 5000, STEP_MS = 10 };

static bool read_small(int proc, const char* name, char* text, size_t bytes) {
  const int file = openat(proc, name, O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  const ssize_t got = read(file, text, bytes - 1);
  (void)close(file);
  if (got <= 0) return false;
  text[got] = '\0';
  return true;
}

// proc_pid_stat(5): the second field, in parentheses, may contain anything; field 3 is the state, 22 the
// start.
static bool started_at(char* stat, const char* start) {
  char* rest = strrchr(stat, ')');
  if (rest == NULL) return false;
  char* position = NULL;
  const char* field = strtok_r(rest + 1, " ", &position);
  if (field == NULL || *field == 'Z' || *field == 'X') return false;
  for (int number = 3; number < 22 && field != NULL; ++number) field = strtok_r(NULL, " ", &position);
  return field != NULL && strcmp(field, start) == 0;
}

bool owner_lives(int proc, const struct record* begin) {
  char text[1024];
  if (!read_small(proc, "sys/kernel/random/boot_id", text, sizeof text)) return false;
  text[strcspn(text, "\n")] = '\0';
  if (strcmp(text, begin->words[BOOT]) != 0) return false;
  char name[64];
  (void)snprintf(name, sizeof name, "%.20s/stat", begin->words[PROCESS]);
  return read_small(proc, name, text, sizeof text) && started_at(text, begin->words[START]);
}

int owner_kill(int proc, const struct record* begin) {
  if (!owner_lives(proc, begin)) return 0;
  if (kill((pid_t)strtol(begin->words[PROCESS], NULL, 10), SIGKILL) != 0 && errno != ESRCH) return -errno;
  for (int waited = 0; owner_lives(proc, begin); waited += STEP_MS) {
    if (waited >= KILL_DEADLINE_MS) return -ETIMEDOUT;
    const struct timespec step = {0, STEP_MS * 1000000L};
    (void)nanosleep(&step, NULL);
  }
  return 0;
}
