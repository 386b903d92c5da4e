// The dead-man's switch: undoes the last installation unless it is confirmed in time.
#ifndef VGPU_RECOVERY_DEAD_MAN_H
#define VGPU_RECOVERY_DEAD_MAN_H

#include "undo.h"

/**
 * Waits. Undoes at once when the installer has died in the middle, kills one that hangs, and otherwise gives
 * the time that the journal's line "deadline" names (seconds since the end of the installation, or since the
 * machine started).
 */
enum outcome guard_last(int proc);

#endif
