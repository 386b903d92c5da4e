#include "../directory.h"

#include "paths.h"
#include "system.h"

namespace vgpu::os {
namespace {

constexpr DWORD shareAll = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;
constexpr unsigned privateMode = 0600;

class Search {
 public:
  explicit Search(const std::string& directory) : path_(directory) {
    handle_ = FindFirstFileExW(toWide(directory + "\\*").c_str(), FindExInfoBasic, &entry_,
                               FindExSearchNameMatch, nullptr, 0);
    if (handle_ == INVALID_HANDLE_VALUE) throwLastError("FindFirstFileExW", directory);
  }
  Search(const Search&) = delete;
  Search& operator=(const Search&) = delete;
  ~Search() { FindClose(handle_); }

  [[nodiscard]] std::string name() const { return toUtf8(entry_.cFileName); }

  bool next() {
    if (FindNextFileW(handle_, &entry_)) return true;
    if (GetLastError() != ERROR_NO_MORE_FILES) throwLastError("FindNextFileW", path_);
    return false;
  }

 private:
  const std::string& path_;
  WIN32_FIND_DATAW entry_{};
  HANDLE handle_;
};

bool isLink(const std::wstring& path) {
  WIN32_FIND_DATAW entry{};
  // The one call that tells the kind of a reparse point without opening it.
  const HANDLE search = FindFirstFileW(path.c_str(), &entry);
  if (search == INVALID_HANDLE_VALUE) return false;
  FindClose(search);
  return (entry.dwFileAttributes & FILE_ATTRIBUTE_REPARSE_POINT) != 0 &&
         entry.dwReserved0 == IO_REPARSE_TAG_SYMLINK;
}

/** Of whatever has the name; no rights, so that it goes for files that others hold without sharing. */
HANDLE openForAttributes(const std::wstring& path) {
  return CreateFileW(path.c_str(), FILE_READ_ATTRIBUTES, shareAll, nullptr, OPEN_EXISTING,
                     FILE_FLAG_BACKUP_SEMANTICS, nullptr);
}

/** Takes off the prefix that GetFinalPathNameByHandleW puts on. */
std::wstring withoutPrefix(const std::wstring& path) {
  if (path.starts_with(L"\\\\?\\UNC\\")) return L"\\\\" + path.substr(8);
  return path.starts_with(L"\\\\?\\") ? path.substr(4) : path;
}

std::wstring finalName(HANDLE handle, const std::string& path) {
  std::wstring name(MAX_PATH, L'\0');
  for (;;) {
    const DWORD length = GetFinalPathNameByHandleW(handle, name.data(), static_cast<DWORD>(name.size()),
                                                   FILE_NAME_NORMALIZED | VOLUME_NAME_DOS);
    if (length == 0) throwLastError("GetFinalPathNameByHandleW", path);
    const bool fits = length < name.size();
    name.resize(length);
    if (fits) return name;
  }
}

}  // namespace

void listDirectory(const std::string& directory, const std::function<void(const std::string& name)>& visit) {
  Search search(directory);
  do {
    const std::string name = search.name();
    if (name != "." && name != "..") visit(name);
  } while (search.next());
}

void removeFile(const std::string& path) {
  if (!DeleteFileW(toWide(path).c_str())) throwLastError("DeleteFileW", path);
}

void flushDirectory(const std::string& directory) {
  const OwnedHandle handle(CreateFileW(toWide(directory).c_str(), GENERIC_WRITE, shareAll, nullptr,
                                       OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS, nullptr));
  if (!handle.isValid()) throwLastError("CreateFileW", directory);
  if (FlushFileBuffers(handle.get())) return;
  const DWORD error = GetLastError();
  // Windows promises this for files only, and file systems may refuse. Then there is what was done before: a
  // file's own flush covers its entry, and replace() waits for the disk (WRITE_THROUGH).
  if (error == ERROR_ACCESS_DENIED || error == ERROR_INVALID_FUNCTION || error == ERROR_NOT_SUPPORTED ||
      error == ERROR_INVALID_HANDLE) {
    return;
  }
  throw Error("FlushFileBuffers", error, directory);
}

FileIdentity identityOf(const std::string& path) {
  const OwnedHandle handle(openForAttributes(toWide(path)));
  if (!handle.isValid()) throwLastError("CreateFileW", path);
  BY_HANDLE_FILE_INFORMATION information{};
  if (!GetFileInformationByHandle(handle.get(), &information)) {
    throwLastError("GetFileInformationByHandle", path);
  }
  return {.device = information.dwVolumeSerialNumber,
          .index = std::uint64_t{information.nFileIndexHigh} << 32 | information.nFileIndexLow};
}

std::string resolveLink(const std::string& path) {
  const std::wstring wide = toWide(path);
  if (!isLink(wide)) return path;
  const OwnedHandle handle(openForAttributes(wide));
  if (!handle.isValid()) throwLastError("CreateFileW", path);
  return toUtf8(withoutPrefix(finalName(handle.get(), path)));
}

unsigned modeOf(const std::string& path) {
  if (GetFileAttributesW(toWide(path).c_str()) == INVALID_FILE_ATTRIBUTES) {
    throwLastError("GetFileAttributesW", path);
  }
  return privateMode;
}

void setMode(File& /*file*/, unsigned /*mode*/) {
  // Windows has access control lists, which a file inherits from its directory, in their place.
}

std::uint64_t processId() noexcept {
  return GetCurrentProcessId();
}

}  // namespace vgpu::os
