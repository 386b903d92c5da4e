// Files, changed so that a power cut leaves the old state or the new one. All return 0 or a negative errno.
#ifndef VGPU_RECOVERY_FILES_H
#define VGPU_RECOVERY_FILES_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/** What a new file is called until it takes its name; vgpu's installer does the same. */
#define TEMPORARY_SUFFIX ".vgpu-new"
/** What a file is called after undoing that others have changed since it was written. */
#define KEPT_SUFFIX ".vgpu-kept"

/** The whole file, with a zero byte behind it; the caller frees. -EFBIG beyond `limit` bytes. */
int read_file(const char* path, size_t limit, char** bytes, size_t* count);

int write_all(int file, const char* bytes, size_t count);

/** Makes `path` a copy of `model` (a file or a symbolic link) with its mode, owner and times. */
int restore_file(const char* model, const char* path);

/** Gives `path` other content; mode and owner stay. */
int rewrite_file(const char* path, const char* bytes, size_t count);

/** Removes a file, a symbolic link or an empty folder, durably. What is not there is no error. */
int remove_entry(const char* path);

/** Gives a file the name with KEPT_SUFFIX, and a number where that is taken, durably. `kept` is its new name.
 */
int set_aside(const char* path, char kept[PATH_MAX]);

/** Whether both are symbolic links with the same text. */
bool same_link(const char* path, const char* other);

/** Removes a folder with all that is in it, durably; never follows a symbolic link. */
int remove_tree(const char* path);

/** Makes changes of names in the folder of `path` durable. */
int flush_folder_of(const char* path);

#endif
