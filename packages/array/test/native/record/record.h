// A library to preload into a test: writes down every change that the process makes to files below one
// directory.
//
//   VGPU_RECORD_DIR   the directory
//   VGPU_RECORD_LOG   where the log goes; outside the directory
//
// A call is carried out and logged under one lock, so the log's order is the order of the calls. Calls that
// failed are not logged. What is written through shared mappings is found by comparing the files with what
// they held at the call before; what changes without a mapping or a call that explains it ends the process.
#pragma once

#include <dlfcn.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { SECTOR = 512 };

/** Known to log.ts by the same numbers. */
enum record_kind {
  RECORD_CREATE = 1,       // a new file: path
  RECORD_OPEN,             // a file that was there before, seen for the first time: path
  RECORD_UNNAMED,          // a new file without a name
  RECORD_WRITE,            // first = offset, and the bytes
  RECORD_MAPPED,           // the same, whole sectors, written through a mapping since the record before
  RECORD_RESIZE,           // first = size
  RECORD_PUNCH,            // first = offset, second = length: zeros from now on
  RECORD_FLUSH_RANGE,      // msync: first = offset, second = length
  RECORD_FLUSH_DATA,       // fdatasync
  RECORD_FLUSH_FILE,       // fsync
  RECORD_FLUSH_DIRECTORY,  // fsync of the directory path
  RECORD_RENAME,           // path to other
  RECORD_LINK,             // a further name of the file: path
  RECORD_UNLINK,           // path
  RECORD_MARK,             // a word from the program: path
  RECORD_END,              // the process ended in an orderly way
};

struct record {
  enum record_kind kind;
  uint64_t file;
  uint64_t first;
  uint64_t second;
  const char* path;
  const char* other;
  const void* bytes;
  size_t length;
};

/** The next definition of a libc function, looked up once for each place of use. */
#define REAL(name)                                                             \
  __extension__({                                                              \
    static __typeof__(&(name)) real_##name;                                    \
    if (!real_##name) real_##name = (__typeof__(&(name)))real_function(#name); \
    real_##name;                                                               \
  })

void* real_function(const char* name);

/** Says what happened on standard error and aborts: a recording with a gap must not pass for a recording. */
__attribute__((noreturn, format(printf, 1, 2))) void record_die(const char* format, ...);
void record_write(const struct record* record);

/** False before the settings are read and in processes that are not to be recorded. */
bool record_begin(void);
void record_end(void);

// Paths.

/** Writes the absolute path without links (but for the last part) into `target`; false when it is not below
 * the directory. */
bool recorded_path(int directory, const char* path, char target[static 4096]);
/** The same for the file behind a descriptor. */
bool recorded_descriptor_path(int descriptor, char target[static 4096]);
const char* record_directory(void);

// Files.

struct tracked_file {
  dev_t device;
  ino_t inode;
  uint64_t id;
  /** Our own, for reading; it also keeps the inode's number from being used again. */
  int descriptor;
  /** What the log so far amounts to. */
  unsigned char* content;
  size_t size;
  size_t capacity;
};

bool is_regular(int descriptor);
/** The file behind a descriptor, or NULL. */
struct tracked_file* find_tracked(int descriptor);
/** The same for calls that change the file. Dies when it should be but its opening was missed. */
struct tracked_file* tracked_by_descriptor(int descriptor);
/** Takes a file under observation, with the content that it has now. */
struct tracked_file* track(int descriptor);
/** Logs what mappings changed in all files that have one, and in `also`. Dies on a change that nothing
 * explains. */
void record_mapped_writes(const struct tracked_file* also);
/** The same for all files, mapped or not. */
void record_all_mapped_writes(void);
/** After a call: takes over size and bytes of the range. */
void refresh(struct tracked_file* file, uint64_t offset, uint64_t length);

// Mappings.

void add_mapping(const void* address, size_t length, struct tracked_file* file, uint64_t offset);
void remove_mapping(const void* address, size_t length);
bool overlaps_mapping(const void* address, size_t length);
bool is_mapped(const struct tracked_file* file);
bool is_mapped_at(const struct tracked_file* file, uint64_t offset, uint64_t length);
/** Calls `visit` with each part of the address range that is a mapping of a file. */
void for_each_mapping(const void* address, size_t length,
                      void (*visit)(struct tracked_file* file, uint64_t offset, uint64_t length));
