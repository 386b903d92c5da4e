#include "../directory.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <memory>

#include "../error.h"
#include "flush.h"

namespace vgpu::os {
namespace {

// As many as the kernel follows.
constexpr int mostLinks = 40;
constexpr unsigned permissionBits = 07777;

struct CloseDirectory {
  void operator()(DIR* directory) const noexcept { static_cast<void>(closedir(directory)); }
};

using Stream = std::unique_ptr<DIR, CloseDirectory>;

Stream openDirectory(const std::string& path) {
  Stream stream(opendir(path.c_str()));
  if (!stream) throw Error("opendir", errno, path);
  return stream;
}

struct stat statusOf(const std::string& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) throw Error("stat", errno, path);
  return status;
}

bool isLink(const std::string& path) {
  struct stat status {};
  if (lstat(path.c_str(), &status) == 0) return S_ISLNK(status.st_mode);
  if (errno == ENOENT) return false;
  throw Error("lstat", errno, path);
}

std::string targetOf(const std::string& link) {
  std::array<char, PATH_MAX> buffer{};
  const ssize_t length = readlink(link.c_str(), buffer.data(), buffer.size());
  if (length < 0) throw Error("readlink", errno, link);
  std::string target(buffer.data(), static_cast<std::size_t>(length));
  const std::size_t slash = link.rfind('/');
  if (target.starts_with('/') || slash == std::string::npos) return target;
  return link.substr(0, slash + 1) + target;
}

}  // namespace

void listDirectory(const std::string& directory, const std::function<void(const std::string& name)>& visit) {
  const Stream stream = openDirectory(directory);
  while (true) {
    errno = 0;
    const struct dirent* entry = readdir(stream.get());
    if (entry == nullptr) break;
    const std::string name = entry->d_name;
    if (name != "." && name != "..") visit(name);
  }
  if (errno != 0) throw Error("readdir", errno, directory);
}

void replace(const std::string& from, const std::string& to) {
  if (rename(from.c_str(), to.c_str()) != 0) throw Error("rename", errno, to);
}

void removeFile(const std::string& path) {
  if (unlink(path.c_str()) != 0) throw Error("unlink", errno, path);
}

void flushDirectory(const std::string& directory) {
  const Stream stream = openDirectory(directory);
  flushDescriptor(dirfd(stream.get()), Flushed::everything, directory);
}

FileIdentity identityOf(const std::string& path) {
  const struct stat status = statusOf(path);
  return {.device = static_cast<std::uint64_t>(status.st_dev), .index = status.st_ino};
}

std::string resolveLink(const std::string& path) {
  std::string current = path;
  for (int links = 0; isLink(current); ++links) {
    if (links == mostLinks) throw Error("readlink", ELOOP, path);
    current = targetOf(current);
  }
  return current;
}

unsigned modeOf(const std::string& path) {
  return statusOf(path).st_mode & permissionBits;
}

void setMode(File& file, unsigned mode) {
  if (fchmod(file.handle(), static_cast<mode_t>(mode)) != 0) throw Error("fchmod", errno, file.path());
}

std::uint64_t processId() noexcept {
  return static_cast<std::uint64_t>(getpid());
}

}  // namespace vgpu::os
