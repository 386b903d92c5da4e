#include "journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "files.h"

enum { JOURNAL_BYTES = 1 << 20, CHECKSUM_DIGITS = 8 };

// Reflected, with the polynomial 0xedb88320.
uint32_t checksum_of(const char* bytes, size_t count) {
  uint32_t value = 0xffffffffu;
  for (size_t i = 0; i < count; ++i) {
    value ^= (unsigned char)bytes[i];
    for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ (0xedb88320u & (0u - (value & 1u)));
  }
  return ~value;
}

static bool is_whole(const char* line, size_t bytes) {
  if (bytes <= CHECKSUM_DIGITS + 1 || line[CHECKSUM_DIGITS] != '\t') return false;
  char digits[CHECKSUM_DIGITS + 1];
  const char* content = line + CHECKSUM_DIGITS + 1;
  (void)snprintf(digits, sizeof digits, "%08x", checksum_of(content, bytes - CHECKSUM_DIGITS - 1));
  return memcmp(line, digits, CHECKSUM_DIGITS) == 0;
}

static void split(char* content, struct record* record) {
  size_t count = 0;
  for (size_t i = 0; i < WORD_LIMIT; ++i) record->words[i] = "";
  for (char* word = content; word != NULL && count < WORD_LIMIT; ++count) {
    record->words[count] = word;
    word = strchr(word, '\t');
    if (word != NULL) *word++ = '\0';
  }
}

static int parse(struct journal* journal, size_t bytes) {
  size_t at = 0;
  while (at < bytes) {
    char* line = journal->text + at;
    char* end = memchr(line, '\n', bytes - at);
    if (end == NULL || !is_whole(line, (size_t)(end - line))) break;
    if (journal->count == RECORD_LIMIT) return -EINVAL;
    *end = '\0';
    split(line + CHECKSUM_DIGITS + 1, &journal->records[journal->count++]);
    at = (size_t)(end - journal->text) + 1;
  }
  journal->whole_bytes = at;
  return 0;
}

int journal_read(const char* path, struct journal* journal) {
  memset(journal, 0, sizeof *journal);
  int error = read_file(path, JOURNAL_BYTES, &journal->text, &journal->bytes);
  if (error == 0) error = parse(journal, journal->bytes);
  // Another version of vgpu may mean something else by the same words.
  if (error == 0 && journal->count > 0 &&
      (!record_is(&journal->records[0], "begin") || strcmp(journal->records[0].words[1], "1") != 0)) {
    error = -EINVAL;
  }
  // A first line that is cut off has no end; one that has, and is wrong, is damaged.
  if (error == 0 && journal->count == 0 && memchr(journal->text, '\n', journal->bytes) != NULL)
    error = -EINVAL;
  if (error != 0) journal_free(journal);
  return error;
}

int journal_append(const char* path, const struct journal* journal, const char* content) {
  const int file = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
  if (file < 0) return -errno;
  char line[64];
  const int bytes = snprintf(line, sizeof line, "%08x\t%s\n", checksum_of(content, strlen(content)), content);
  int error = 0;
  // Only then: what has been appended since it was read, a confirmation, must not be lost.
  const bool torn = journal->whole_bytes < journal->bytes;
  if (torn && ftruncate(file, (off_t)journal->whole_bytes) != 0) {
    error = -errno;
  } else {
    error = write_all(file, line, (size_t)bytes);
  }
  if (error == 0 && fsync(file) != 0) error = -errno;
  (void)close(file);
  return error;
}

const struct record* journal_find(const struct journal* journal, const char* kind) {
  for (size_t i = 0; i < journal->count; ++i) {
    if (record_is(&journal->records[i], kind)) return &journal->records[i];
  }
  return NULL;
}

bool journal_asks_to_undo(const struct journal* journal) {
  for (size_t i = 0; i < journal->count; ++i) {
    const struct record* record = &journal->records[i];
    if (record_is(record, "undoing") && strcmp(record->words[1], "asked") == 0) return true;
  }
  return false;
}

bool record_is(const struct record* record, const char* kind) {
  return strcmp(record->words[0], kind) == 0;
}

void journal_free(struct journal* journal) {
  free(journal->text);
  memset(journal, 0, sizeof *journal);
}
