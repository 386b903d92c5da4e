#include "services.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { DEADLINE_MS = 30000, STEP_MS = 10 };

// The status of waitpid, or -1 after the deadline.
static int wait_for(pid_t child) {
  for (int waited = 0; waited < DEADLINE_MS; waited += STEP_MS) {
    int status = 0;
    const pid_t ended = waitpid(child, &status, WNOHANG);
    if (ended == child) return status;
    if (ended < 0 && errno != EINTR) return -1;
    const struct timespec step = {0, STEP_MS * 1000000L};
    (void)nanosleep(&step, NULL);
  }
  (void)kill(child, SIGKILL);
  (void)waitpid(child, NULL, 0);
  return -1;
}

static bool run(const char* const words[]) {
  const pid_t child = fork();
  if (child == 0) {
    execvp(words[0], (char* const*)words);
    _exit(127);
  }
  const int status = child < 0 ? -1 : wait_for(child);
  const bool worked = status != -1 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
  if (!worked) {
    (void)fprintf(stderr, "vgpu-shim-recover: this did not work:");
    for (size_t i = 0; words[i] != NULL; ++i) (void)fprintf(stderr, " %s", words[i]);
    (void)fputc('\n', stderr);
  }
  return worked;
}

// sd_booted(3)
static bool has_systemd(void) {
  return access("/run/systemd/system", F_OK) == 0;
}

bool refresh_services(const struct journal* journal) {
  bool worked = true;
  if (journal_find(journal, "ldconfig") != NULL) {
    worked = run((const char* const[]){"ldconfig", NULL}) && worked;
  }
  if (!has_systemd()) return worked;
  if (journal_find(journal, "reload") != NULL) {
    worked = run((const char* const[]){"systemctl", "daemon-reload", NULL}) && worked;
  }
  for (size_t i = 0; i < journal->count; ++i) {
    if (!record_is(&journal->records[i], "service")) continue;
    const char* name = journal->records[i].words[1];
    // Whoever is restarted may have to wait for us: at boot we come first.
    worked = run((const char* const[]){"systemctl", "--no-block", "restart", name, NULL}) && worked;
  }
  return worked;
}
