#include "undo.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"
#include "owner.h"
#include "preload_line.h"
#include "services.h"

// words of "create" and "replace": path, number of the copy, our entry in a list of libraries, checksum of
// what we wrote.
enum { PATH = 1, COPY = 2, ENTRY = 3, CHECKSUM = 4 };
enum { LIST_BYTES = 1 << 20 };

static int complain(const char* what, const char* path, int error) {
  (void)fprintf(stderr, "vgpu-shim-recover: %s %s: %s\n", what, path, strerror(-error));
  return error;
}

int last_transaction(void) {
  DIR* folder = opendir(STATE_FOLDER);
  if (folder == NULL) return errno == ENOENT ? 0 : -errno;
  int last = 0;
  const struct dirent* entry = NULL;
  while (errno = 0, (entry = readdir(folder)) != NULL) {
    // No other spelling of a number: nothing would be found under it.
    if (entry->d_name[0] < '1' || entry->d_name[0] > '9') continue;
    char* end = NULL;
    const long number = strtol(entry->d_name, &end, 10);
    if (*end == '\0' && number > last && number < INT_MAX) last = (int)number;
  }
  // What cannot be read is not nothing.
  if (errno != 0) last = -errno;
  (void)closedir(folder);
  return last;
}

void transaction_path(char path[PATH_MAX], int number, const char* name) {
  (void)snprintf(path, PATH_MAX, "%s/%d%s%s", STATE_FOLDER, number, *name == '\0' ? "" : "/", name);
}

static int remove_temporary(const char* path) {
  char temporary[PATH_MAX];
  const int length = snprintf(temporary, sizeof temporary, "%s%s", path, TEMPORARY_SUFFIX);
  if (length < 0 || length >= PATH_MAX) return -ENAMETOOLONG;
  struct stat status;
  if (lstat(temporary, &status) != 0) return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
  return S_ISDIR(status.st_mode) ? remove_tree(temporary) : remove_entry(temporary);
}

static bool same_but_for_last_newline(const char* text, size_t length, const char* before,
                                      size_t before_length) {
  if (length == before_length + 1 && text[before_length] == '\n') --length;
  return length == before_length && memcmp(text, before, length) == 0;
}

// The list without our entry, where nobody else has changed it exactly as it was; `copy` is NULL if it did
// not exist.
static int undo_entry(const char* path, const char* copy, const char* entry) {
  char* text = NULL;
  size_t length = 0;
  int error = read_file(path, LIST_BYTES, &text, &length);
  if (error == -ENOENT) return 0;
  if (error != 0) return error;
  const size_t kept = drop_entry(text, length, entry);
  char* before = NULL;
  size_t before_length = 0;
  if (copy != NULL) error = read_file(copy, LIST_BYTES, &before, &before_length);
  if (error == 0 && copy == NULL && kept == 0) {
    error = remove_entry(path);
  } else if (error == 0 && copy != NULL && same_but_for_last_newline(text, kept, before, before_length)) {
    error = restore_file(copy, path);
  } else if (error == 0 && kept < length) {
    (void)printf("kept what others have changed in %s\n", path);
    error = rewrite_file(path, text, kept);
  }
  free(before);
  free(text);
  return error;
}

static bool has_checksum(const char* path, uint32_t wanted) {
  char* text = NULL;
  size_t length = 0;
  if (read_file(path, LIST_BYTES, &text, &length) != 0) return false;
  const bool same = checksum_of(text, length) == wanted;
  free(text);
  return same;
}

// A file that is neither what we wrote nor what was there before is somebody's work.
static int keep_changes(const struct record* record, int number) {
  const char* path = record->words[PATH];
  struct stat status;
  if (*record->words[CHECKSUM] == '\0') return 0;
  if (lstat(path, &status) != 0) return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
  if (has_checksum(path, (uint32_t)strtoul(record->words[CHECKSUM], NULL, 16))) return 0;
  if (*record->words[COPY] != '\0') {
    char copy[PATH_MAX];
    char* before = NULL;
    size_t length = 0;
    transaction_path(copy, number, record->words[COPY]);
    // Not yet replaced, or restored already.
    const bool same = same_link(path, copy) || (read_file(copy, LIST_BYTES, &before, &length) == 0 &&
                                                has_checksum(path, checksum_of(before, length)));
    free(before);
    if (same) return 0;
  }
  char kept[PATH_MAX];
  const int error = set_aside(path, kept);
  if (error == 0) (void)printf("kept what others have changed in %s as %s\n", path, kept);
  return error;
}

static int undo_create(const struct record* record) {
  const char* path = record->words[PATH];
  if (*record->words[ENTRY] != '\0') return undo_entry(path, NULL, record->words[ENTRY]);
  const int error = remove_entry(path);
  if (error != -ENOTEMPTY && error != -EEXIST) return error;
  (void)printf("kept %s, which is not empty\n", path);
  return 0;
}

static int undo_replace(const struct record* record, int number) {
  char copy[PATH_MAX];
  transaction_path(copy, number, record->words[COPY]);
  if (*record->words[ENTRY] != '\0') return undo_entry(record->words[PATH], copy, record->words[ENTRY]);
  return restore_file(copy, record->words[PATH]);
}

static int undo_record(const struct record* record, int number) {
  const char* path = record->words[PATH];
  const bool changes =
      record_is(record, "create") || record_is(record, "replace") || record_is(record, "tree");
  if (!changes) return 0;
  if (*path != '/') return complain("not an absolute path:", path, -EINVAL);
  int error = remove_temporary(path);
  if (error == 0) error = keep_changes(record, number);
  if (error == 0 && record_is(record, "create")) error = undo_create(record);
  if (error == 0 && record_is(record, "replace")) error = undo_replace(record, number);
  if (error == 0 && record_is(record, "tree")) error = remove_tree(path);
  if (error != 0) return complain("cannot undo the change of", path, error);
  (void)printf("%s %s\n", record_is(record, "replace") ? "restored" : "removed", path);
  return 0;
}

// The journal goes first: without it the copies mean nothing, with it every one of them is needed.
static int forget_transaction(int number) {
  char path[PATH_MAX];
  transaction_path(path, number, "journal");
  int error = remove_entry(path);
  transaction_path(path, number, "");
  if (error == 0) error = remove_tree(path);
  if (error != 0) return complain("cannot remove", path, error);
  error = remove_entry(STATE_FOLDER);
  if (error == 0 || error == -ENOTEMPTY || error == -EEXIST) return 0;
  return complain("cannot remove", STATE_FOLDER, error);
}

// What was confirmed before we wrote that we undo is confirmed; a confirmation behind it comes too late.
static enum outcome claim(int number, struct journal* journal, const struct undo_options* options) {
  char path[PATH_MAX];
  transaction_path(path, number, "journal");
  const struct record* begin = journal_find(journal, "begin");
  if (journal_asks_to_undo(journal)) return DONE;
  if (options->unless_confirmed && journal_find(journal, "confirmed") != NULL) return CONFIRMED;
  if (options->unless_confirmed && journal_find(journal, "undoing") != NULL) return DONE;
  // An installer that fails calls us itself.
  const bool stranger = begin != NULL && strtol(begin->words[2], NULL, 10) != getppid();
  if (stranger && journal_find(journal, "installed") == NULL && owner_lives(options->proc, begin)) {
    if (!options->unless_confirmed) return BUSY;
    const int error = owner_kill(options->proc, begin);
    if (error != 0) return complain("cannot end the installer of", path, error), FAILED;
  }
  int error = journal_append(path, journal, options->unless_confirmed ? "undoing" : "undoing\tasked");
  journal_free(journal);
  if (error == 0) error = journal_read(path, journal);
  if (error != 0) return complain("cannot use", path, error), FAILED;
  for (size_t i = 0; i < journal->count; ++i) {
    if (record_is(&journal->records[i], "undoing")) break;
    if (options->unless_confirmed && record_is(&journal->records[i], "confirmed")) return CONFIRMED;
  }
  return DONE;
}

static enum outcome undo_transaction(int number, const struct undo_options* options) {
  char path[PATH_MAX];
  transaction_path(path, number, "journal");
  struct journal journal;
  const int error = journal_read(path, &journal);
  // Nothing has been changed before the journal's first line was there.
  if (error == -ENOENT) return forget_transaction(number) == 0 ? DONE : FAILED;
  if (error != 0) return complain("cannot read", path, error), FAILED;
  // Nor before it was whole.
  if (journal.count == 0) {
    journal_free(&journal);
    return forget_transaction(number) == 0 ? DONE : FAILED;
  }
  enum outcome outcome = claim(number, &journal, options);
  for (size_t i = journal.count; outcome == DONE && i > 0; --i) {
    // A library must not go before the line that names it: the first failure ends it.
    if (undo_record(&journal.records[i - 1], number) != 0) outcome = FAILED;
  }
  // While the journal still says what for: whoever is cut off here does it again.
  const bool refreshed = outcome != DONE || refresh_services(&journal);
  if (outcome == DONE && forget_transaction(number) != 0) outcome = FAILED;
  if (outcome == DONE && !refreshed) outcome = DONE_WITH_REMARKS;
  journal_free(&journal);
  return outcome;
}

enum outcome undo_last(const struct undo_options* options) {
  const int folder = open(STATE_FOLDER, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0 && errno == ENOENT) return NOTHING_TO_DO;
  if (folder < 0 || flock(folder, LOCK_EX) != 0) {
    complain("cannot lock", STATE_FOLDER, -errno);
    if (folder >= 0) (void)close(folder);
    return FAILED;
  }
  const int number = last_transaction();
  enum outcome outcome = NOTHING_TO_DO;
  if (number > 0) outcome = undo_transaction(number, options);
  // Left by an installer that was killed before it had made the folder of its installation.
  if (number == 0) (void)remove_entry(STATE_FOLDER);
  if (number < 0) outcome = (complain("cannot read", STATE_FOLDER, number), FAILED);
  (void)close(folder);
  return outcome;
}
