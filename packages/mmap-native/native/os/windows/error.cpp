#include "../error.h"

#include <algorithm>
#include <array>
#include <utility>

#include "system.h"

// Missing in mingw-w64's headers.
#ifndef ERROR_DISK_QUOTA_EXCEEDED
#define ERROR_DISK_QUOTA_EXCEEDED 1295L
#endif

namespace vgpu::os {
namespace {

struct Known {
  DWORD number;
  const char* name;
  ErrorKind kind;
};

#define VGPU_KNOWN(name, kind)   \
  Known {                        \
    name, #name, ErrorKind::kind \
  }

constexpr std::array knownErrors{
    VGPU_KNOWN(ERROR_FILE_EXISTS, exists),
    VGPU_KNOWN(ERROR_ALREADY_EXISTS, exists),
    VGPU_KNOWN(ERROR_FILE_NOT_FOUND, notFound),
    VGPU_KNOWN(ERROR_PATH_NOT_FOUND, notFound),
    VGPU_KNOWN(ERROR_INVALID_DRIVE, notFound),
    VGPU_KNOWN(ERROR_BAD_NETPATH, notFound),
    VGPU_KNOWN(ERROR_BAD_NET_NAME, notFound),
    VGPU_KNOWN(ERROR_ACCESS_DENIED, access),
    VGPU_KNOWN(ERROR_NETWORK_ACCESS_DENIED, access),
    VGPU_KNOWN(ERROR_WRITE_PROTECT, access),
    VGPU_KNOWN(ERROR_PRIVILEGE_NOT_HELD, access),
    VGPU_KNOWN(ERROR_DISK_FULL, noSpace),
    VGPU_KNOWN(ERROR_HANDLE_DISK_FULL, noSpace),
    VGPU_KNOWN(ERROR_DISK_QUOTA_EXCEEDED, noSpace),
    // Others that hold the file open, or mapped, in a way that does not go with what was asked for.
    VGPU_KNOWN(ERROR_SHARING_VIOLATION, locked),
    VGPU_KNOWN(ERROR_LOCK_VIOLATION, locked),
    VGPU_KNOWN(ERROR_USER_MAPPED_FILE, locked),
    VGPU_KNOWN(ERROR_DELETE_PENDING, locked),
    VGPU_KNOWN(ERROR_INVALID_FUNCTION, unsupported),
    VGPU_KNOWN(ERROR_NOT_SUPPORTED, unsupported),
    VGPU_KNOWN(ERROR_CALL_NOT_IMPLEMENTED, unsupported),
    VGPU_KNOWN(ERROR_TOO_MANY_OPEN_FILES, io),
    VGPU_KNOWN(ERROR_INVALID_HANDLE, io),
    VGPU_KNOWN(ERROR_NOT_ENOUGH_MEMORY, io),
    VGPU_KNOWN(ERROR_OUTOFMEMORY, io),
    VGPU_KNOWN(ERROR_COMMITMENT_LIMIT, io),
    VGPU_KNOWN(ERROR_WORKING_SET_QUOTA, io),
    VGPU_KNOWN(ERROR_NO_SYSTEM_RESOURCES, io),
    VGPU_KNOWN(ERROR_NOT_READY, io),
    VGPU_KNOWN(ERROR_CRC, io),
    VGPU_KNOWN(ERROR_IO_DEVICE, io),
    VGPU_KNOWN(ERROR_FILE_INVALID, io),
    VGPU_KNOWN(ERROR_MAPPED_ALIGNMENT, io),
    VGPU_KNOWN(ERROR_INVALID_PARAMETER, io),
    VGPU_KNOWN(ERROR_INVALID_ADDRESS, io),
    VGPU_KNOWN(ERROR_INVALID_NAME, io),
    VGPU_KNOWN(ERROR_BAD_PATHNAME, io),
    VGPU_KNOWN(ERROR_DIRECTORY, io),
    VGPU_KNOWN(ERROR_FILENAME_EXCED_RANGE, io),
    VGPU_KNOWN(ERROR_NO_UNICODE_TRANSLATION, io),
    VGPU_KNOWN(ERROR_CANT_RESOLVE_FILENAME, io),
    VGPU_KNOWN(ERROR_NOT_SAME_DEVICE, io),
    VGPU_KNOWN(ERROR_FILE_TOO_LARGE, io),
    VGPU_KNOWN(ERROR_NOT_LOCKED, io),
    VGPU_KNOWN(ERROR_NETNAME_DELETED, io),
    VGPU_KNOWN(ERROR_UNEXP_NET_ERR, io),
    VGPU_KNOWN(ERROR_SEM_TIMEOUT, io),
};

#undef VGPU_KNOWN

Known describe(std::int64_t number) noexcept {
  const auto* found = std::find_if(knownErrors.begin(), knownErrors.end(),
                                   [number](const Known& known) { return known.number == number; });
  return found == knownErrors.end() ? Known{0, nullptr, ErrorKind::io} : *found;
}

std::string nameOf(std::int64_t number) {
  const char* name = describe(number).name;
  return name == nullptr ? std::to_string(number) : name;
}

std::string sentence(const char* call, std::int64_t number, const std::string& path) {
  std::string text = std::string(call) + " failed: " + nameOf(number);
  if (!path.empty()) text += " (" + path + ")";
  return text;
}

}  // namespace

Error::Error(const char* call, std::int64_t number, std::string path)
    : std::runtime_error(sentence(call, number, path)),
      kind_(describe(number).kind),
      call_(call),
      number_(number),
      name_(nameOf(number)),
      path_(std::move(path)) {}

void throwLastError(const char* call, const std::string& path) {
  throw Error(call, GetLastError(), path);
}

}  // namespace vgpu::os
