// The journal of one installation: what `vgpu shim install` was about to change, line by line, each flushed
// before the change was made. packages/cli/src/shim/journal.ts writes it; docs/safety.md describes it.
#ifndef VGPU_RECOVERY_JOURNAL_H
#define VGPU_RECOVERY_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RECORD_LIMIT = 256, WORD_LIMIT = 5 };

/** Words of one line: words[0] is the kind, and those that are not there are empty. */
struct record {
  const char* words[WORD_LIMIT];
};

struct journal {
  char* text;
  /** Of the lines that are whole; what follows was cut off by a power failure or a crash. */
  size_t whole_bytes;
  /** Of all that was read. */
  size_t bytes;
  size_t count;
  struct record records[RECORD_LIMIT];
};

/**
 * Reads the journal at `path` up to its first line that is not whole.
 * @return 0; -ENOENT where there is none; -EINVAL for a file that is no journal; other negative errno
 */
int journal_read(const char* path, struct journal* journal);

/** Cuts off what is not whole, appends a line, and flushes. @return 0 or negative errno */
int journal_append(const char* path, const struct journal* journal, const char* content);

/** The first record of that kind, or NULL. */
const struct record* journal_find(const struct journal* journal, const char* kind);

/** CRC-32 as in zlib and IEEE 802.3. */
uint32_t checksum_of(const char* bytes, size_t count);

/**
 * Somebody wants it undone, confirmed or not: "undoing" with the word "asked", which the dead-man's switch,
 * that may come too late, does not write.
 */
bool journal_asks_to_undo(const struct journal* journal);

bool record_is(const struct record* record, const char* kind);

void journal_free(struct journal* journal);

#endif
