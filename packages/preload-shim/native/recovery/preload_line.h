// Our entry in a list of libraries such as /etc/ld.so.preload.
#ifndef VGPU_RECOVERY_PRELOAD_LINE_H
#define VGPU_RECOVERY_PRELOAD_LINE_H

#include <stddef.h>

/**
 * Takes every occurrence of `entry` out of `text`, in place; a line that consisted of it goes whole. Entries
 * are separated by white space or colons; what follows '#' is a comment (ld.so(8)).
 * @return the new length
 */
size_t drop_entry(char* text, size_t length, const char* entry);

#endif
