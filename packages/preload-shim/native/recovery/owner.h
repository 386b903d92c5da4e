// The process that made an installation: may it still be at work?
#ifndef VGPU_RECOVERY_OWNER_H
#define VGPU_RECOVERY_OWNER_H

#include <stdbool.h>

#include "journal.h"

/** True while the process of the record "begin" lives: the same number, start and boot. `proc` is an open
 * /proc. */
bool owner_lives(int proc, const struct record* begin);

/** Kills that process and waits until it has gone. @return 0; -ETIMEDOUT after 5 s; other negative errno */
int owner_kill(int proc, const struct record* begin);

#endif
