// vgpu-shim-recover: undoes what `vgpu shim install` did. Linked statically, so that it works where no other
// program does: a broken /etc/ld.so.preload, no Node, a rescue shell.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dead_man.h"
#include "undo.h"

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_BUSY = 2, EXIT_REMARKS = 3 };

static const char kUsage[] =
    "usage: vgpu-shim-recover [--root DIR] [--all | --guard]\n"
    "\n"
    "Undoes the last installation of the vgpu shim, from its journal in /var/lib/vgpu-shim.\n"
    "  --root DIR  of the system whose / is mounted there\n"
    "  --all       undo all installations: the system as it was before the first one\n"
    "  --guard     wait, and undo the last one unless `vgpu shim confirm` comes in time\n"
    "Exit status: 0 done, 1 error, 2 an installation is going on, 3 done, with remarks\n";

struct arguments {
  const char* root;
  bool all;
  bool guard;
};

static bool parse(int count, char** words, struct arguments* arguments) {
  for (int i = 1; i < count; ++i) {
    if (strcmp(words[i], "--root") == 0 && i + 1 < count) {
      arguments->root = words[++i];
    } else if (strcmp(words[i], "--all") == 0) {
      arguments->all = true;
    } else if (strcmp(words[i], "--guard") == 0) {
      arguments->guard = true;
    } else {
      return false;
    }
  }
  return true;
}

static bool enter(const char* root) {
  if (strcmp(root, "/") == 0) return chdir("/") == 0;
  return chroot(root) == 0 && chdir("/") == 0;
}

static int status_of(enum outcome outcome) {
  switch (outcome) {
    case NOTHING_TO_DO:
      (void)printf("nothing to undo\n");
      return EXIT_DONE;
    case CONFIRMED:
      (void)printf("confirmed\n");
      return EXIT_DONE;
    case BUSY:
      (void)fprintf(stderr, "vgpu-shim-recover: an installation is going on\n");
      return EXIT_BUSY;
    case DONE_WITH_REMARKS:
      return EXIT_REMARKS;
    case FAILED:
      return EXIT_FAILED;
    case DONE:
      break;
  }
  return EXIT_DONE;
}

static enum outcome undo_all(const struct undo_options* options) {
  enum outcome all = NOTHING_TO_DO;
  for (;;) {
    const enum outcome one = undo_last(options);
    if (one == NOTHING_TO_DO) return all;
    if (one != DONE && one != DONE_WITH_REMARKS) return one;
    if (all != DONE_WITH_REMARKS) all = one;
  }
}

int main(int count, char** words) {
  struct arguments arguments = {.root = "/"};
  if (!parse(count, words, &arguments)) {
    (void)fputs(kUsage, stderr);
    return EXIT_FAILED;
  }
  // Whoever reads what we say may be gone; the work is to be done all the same.
  (void)signal(SIGPIPE, SIG_IGN);
  const int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (!enter(arguments.root)) {
    (void)fprintf(stderr, "vgpu-shim-recover: cannot enter %s: %s\n", arguments.root, strerror(errno));
    return EXIT_FAILED;
  }
  if (arguments.guard) return status_of(guard_last(proc));
  const struct undo_options options = {.proc = proc};
  return status_of(arguments.all ? undo_all(&options) : undo_last(&options));
}
