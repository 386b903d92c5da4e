#include <cstring>
#include <memory>

#include "../directory.h"
#include "paths.h"
#include "system.h"

namespace vgpu::os {
namespace {

// FileRenameInfoEx; headers that also serve older systems leave it out.
constexpr auto renameInfoEx = static_cast<FILE_INFO_BY_HANDLE_CLASS>(22);
constexpr DWORD shareAll = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;

/** What SetFileInformationByHandle() takes: a structure whose last member is as long as the name. */
class RenameRequest {
 public:
  explicit RenameRequest(const std::wstring& to)
      : bytes_(offsetof(FILE_RENAME_INFO, FileName) + (to.size() + 1) * sizeof(wchar_t)),
        memory_(std::make_unique<std::byte[]>(bytes_)) {
    auto* const info = reinterpret_cast<FILE_RENAME_INFO*>(memory_.get());
    info->Flags = FILE_RENAME_FLAG_REPLACE_IF_EXISTS | FILE_RENAME_FLAG_POSIX_SEMANTICS;
    info->FileNameLength = static_cast<DWORD>(to.size() * sizeof(wchar_t));
    std::memcpy(info->FileName, to.c_str(), info->FileNameLength);
  }

  [[nodiscard]] void* data() const noexcept { return memory_.get(); }
  [[nodiscard]] DWORD size() const noexcept { return static_cast<DWORD>(bytes_); }

 private:
  std::size_t bytes_;
  std::unique_ptr<std::byte[]> memory_;
};

/**
 * Renames as POSIX does, also over a file that somebody has open: who has it keeps the old one. False where
 * that is unknown: before Windows 10, and on file systems other than NTFS.
 */
bool replaceOpenFile(const std::wstring& from, const std::wstring& to, const std::string& path) {
  const DWORD flags = FILE_FLAG_OPEN_REPARSE_POINT | FILE_FLAG_WRITE_THROUGH;
  const OwnedHandle handle(
      CreateFileW(from.c_str(), DELETE | GENERIC_WRITE, shareAll, nullptr, OPEN_EXISTING, flags, nullptr));
  if (!handle.isValid()) throwLastError("CreateFileW", path);
  const RenameRequest request(to);
  if (!SetFileInformationByHandle(handle.get(), renameInfoEx, request.data(), request.size())) {
    const DWORD error = GetLastError();
    if (error == ERROR_INVALID_PARAMETER || error == ERROR_INVALID_FUNCTION || error == ERROR_NOT_SUPPORTED ||
        error == ERROR_CALL_NOT_IMPLEMENTED) {
      return false;
    }
    throw Error("SetFileInformationByHandle", error, path);
  }
  if (!FlushFileBuffers(handle.get())) throwLastError("FlushFileBuffers", path);
  return true;
}

}  // namespace

void replace(const std::string& from, const std::string& to) {
  const std::wstring source = toWide(from);
  const std::wstring target = toWide(to);
  if (replaceOpenFile(source, target, from)) return;
  // Without COPY_ALLOWED another volume is an error, never a copy that a power cut could leave half done.
  const DWORD flags = MOVEFILE_REPLACE_EXISTING | MOVEFILE_WRITE_THROUGH;
  if (!MoveFileExW(source.c_str(), target.c_str(), flags)) throwLastError("MoveFileExW", to);
}

}  // namespace vgpu::os
