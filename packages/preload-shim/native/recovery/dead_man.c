#include "dead_man.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "owner.h"

// Within this time after the switch was armed an installer must have come to its end.
enum { INSTALLER_SECONDS = 900, STEP_MS = 200, RETRY_MS = 2000 };

enum verdict { WAIT, UNDO, LEAVE };

struct watch {
  double started;
  /** When the installation was first seen to be complete; negative before. */
  double installed;
};

static double now(void) {
  struct timespec time;
  (void)clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static enum verdict look(const struct journal* journal, int proc, struct watch* watch) {
  // Whoever has asked for it was interrupted.
  if (journal_asks_to_undo(journal)) return UNDO;
  if (journal_find(journal, "confirmed") != NULL) return LEAVE;
  const struct record* begin = journal_find(journal, "begin");
  if (begin == NULL || journal_find(journal, "undoing") != NULL) return UNDO;
  if (journal_find(journal, "installed") == NULL) {
    if (!owner_lives(proc, begin)) return UNDO;
    return now() - watch->started > INSTALLER_SECONDS ? UNDO : WAIT;
  }
  if (watch->installed < 0) watch->installed = now();
  const struct record* deadline = journal_find(journal, "deadline");
  const double seconds = deadline == NULL ? 0 : strtod(deadline->words[1], NULL);
  return now() - watch->installed >= seconds ? UNDO : WAIT;
}

static void pause_for(int milliseconds) {
  const struct timespec step = {milliseconds / 1000, milliseconds % 1000 * 1000000L};
  (void)nanosleep(&step, NULL);
}

// A full disk, or no memory, must not disarm the switch.
static enum outcome undo_until_it_works(const struct undo_options* options) {
  for (;;) {
    const enum outcome outcome = undo_last(options);
    if (outcome != FAILED) return outcome;
    pause_for(RETRY_MS);
  }
}

enum outcome guard_last(int proc) {
  struct watch watch = {.started = now(), .installed = -1};
  const struct undo_options options = {.proc = proc, .unless_confirmed = true};
  for (;;) {
    const int number = last_transaction();
    if (number == 0) return NOTHING_TO_DO;
    char path[PATH_MAX];
    transaction_path(path, number, "journal");
    struct journal journal;
    const int error = number < 0 ? number : journal_read(path, &journal);
    // Another version's, which only that knows how to undo.
    if (error == -EINVAL) return FAILED;
    enum verdict verdict = WAIT;
    if (error == 0) {
      verdict = look(&journal, proc, &watch);
      journal_free(&journal);
    } else if (now() - watch.started > INSTALLER_SECONDS) {
      // There is none yet, or another process is removing it: not for so long.
      verdict = UNDO;
    }
    if (verdict == LEAVE) return CONFIRMED;
    if (verdict == UNDO) return undo_until_it_works(&options);
    pause_for(STEP_MS);
  }
}
