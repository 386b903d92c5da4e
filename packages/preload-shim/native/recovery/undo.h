// Undoes installations, the last one first, from what their journals say.
#ifndef VGPU_RECOVERY_UNDO_H
#define VGPU_RECOVERY_UNDO_H

#include <limits.h>
#include <stdbool.h>

#include "journal.h"

/** Below the root: one numbered folder for each installation, with its journal and copies of what it
 * replaced. */
#define STATE_FOLDER "/var/lib/vgpu-shim"

/** What became of a request. */
enum outcome {
  DONE,
  NOTHING_TO_DO,
  /** The installer is still at work. */
  BUSY,
  /** Confirmed meanwhile: the dead-man's switch leaves it alone. */
  CONFIRMED,
  /** Undone, but a service could not be restarted, or the like; the lines say what. */
  DONE_WITH_REMARKS,
  FAILED
};

struct undo_options {
  /** An open /proc of the machine, or -1. */
  int proc;
  /** The dead-man's switch: a confirmed installation stays, and an installer that hangs is killed. */
  bool unless_confirmed;
};

/** The number of the last installation, 0 where there is none; negative errno. */
int last_transaction(void);

/** The paths in the folder of an installation: `name` is "journal", "" for the folder, or a copy's name. */
void transaction_path(char path[PATH_MAX], int number, const char* name);

/** Undoes the last installation; one undoing at a time. Says on stdout what it did, on stderr what went
 * wrong. */
enum outcome undo_last(const struct undo_options* options);

#endif
