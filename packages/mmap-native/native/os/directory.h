// Names: listing, replacing and removing them durably.
#pragma once

#include <functional>
#include <string>

#include "file.h"

namespace vgpu::os {

/** Calls `visit` with the name of each entry but `.` and `..`, in no order. */
void listDirectory(const std::string& directory, const std::function<void(const std::string& name)>& visit);

/** Puts `from` in the place of `to` at once: whoever opens `to` gets the old file or the new one. Same file
 * system. */
void replace(const std::string& from, const std::string& to);
void removeFile(const std::string& path);
/** New, renamed and removed names survive a power cut once this returns. */
void flushDirectory(const std::string& directory);

/** The file that the name stands for now, links followed. Throws `notFound`. */
[[nodiscard]] FileIdentity identityOf(const std::string& path);
/** The name that a symbolic link ends at; the path itself where there is none, or nothing there. */
[[nodiscard]] std::string resolveLink(const std::string& path);
/** The permission bits of a file; 0600 on Windows, which has others. */
[[nodiscard]] unsigned modeOf(const std::string& path);
void setMode(File& file, unsigned mode);

[[nodiscard]] std::uint64_t processId() noexcept;

}  // namespace vgpu::os
