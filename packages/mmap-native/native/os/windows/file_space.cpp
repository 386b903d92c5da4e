// Size and disk space. A file takes its space when it grows, until it is marked sparse: resize() and
// punchHole() do that, reserve() does not.
#include "../copy_blocks.h"
#include "../file.h"
#include "system.h"

namespace vgpu::os {
namespace {

/** Returns the error. */
DWORD setEnd(HANDLE handle, std::uint64_t size) noexcept {
  FILE_END_OF_FILE_INFO end{};
  end.EndOfFile.QuadPart = static_cast<LONGLONG>(size);
  return SetFileInformationByHandle(handle, FileEndOfFileInfo, &end, sizeof end) ? ERROR_SUCCESS
                                                                                 : GetLastError();
}

/** Returns the error. */
DWORD makeSparse(HANDLE handle) noexcept {
  DWORD returned = 0;
  return DeviceIoControl(handle, FSCTL_SET_SPARSE, nullptr, 0, nullptr, 0, &returned, nullptr)
             ? ERROR_SUCCESS
             : GetLastError();
}

bool isSparse(HANDLE handle, const std::string& path) {
  FILE_BASIC_INFO basic{};
  if (!GetFileInformationByHandleEx(handle, FileBasicInfo, &basic, sizeof basic)) {
    throwLastError("GetFileInformationByHandleEx", path);
  }
  return (basic.FileAttributes & FILE_ATTRIBUTE_SPARSE_FILE) != 0;
}

/** The first allocated range that reaches beyond `offset`; an empty one at `end` when there is none. */
FILE_ALLOCATED_RANGE_BUFFER nextAllocated(HANDLE handle, std::uint64_t offset, std::uint64_t end,
                                          const std::string& path) {
  FILE_ALLOCATED_RANGE_BUFFER asked{};
  asked.FileOffset.QuadPart = static_cast<LONGLONG>(offset);
  asked.Length.QuadPart = static_cast<LONGLONG>(end - offset);
  FILE_ALLOCATED_RANGE_BUFFER found{};
  DWORD returned = 0;
  // ERROR_MORE_DATA: there are others behind it.
  if (!DeviceIoControl(handle, FSCTL_QUERY_ALLOCATED_RANGES, &asked, sizeof asked, &found, sizeof found,
                       &returned, nullptr) &&
      GetLastError() != ERROR_MORE_DATA) {
    throwLastError("DeviceIoControl", path);
  }
  if (returned == 0) found.FileOffset.QuadPart = static_cast<LONGLONG>(end);
  return found;
}

/** Writes the bytes of holes into themselves: that takes the space, and keeps what a mapping has put there.
 */
void fillHoles(File& file, std::uint64_t begin, std::uint64_t end) {
  while (begin < end) {
    const FILE_ALLOCATED_RANGE_BUFFER next = nextAllocated(file.handle(), begin, end, file.path());
    const auto allocated = static_cast<std::uint64_t>(next.FileOffset.QuadPart);
    if (allocated > begin) copyBlocks(file, begin, begin, allocated - begin);
    begin = allocated + static_cast<std::uint64_t>(next.Length.QuadPart);
  }
}

}  // namespace

void File::resize(std::uint64_t size) {
  // A larger file shall not take more disk. Where sparse files are unknown it does: the error is of no use.
  if (size > this->size()) static_cast<void>(makeSparse(handle_));
  const DWORD error = setEnd(handle_, size);
  if (error != ERROR_SUCCESS) throw Error("SetFileInformationByHandle", error, path_);
}

void File::reserve(std::uint64_t offset, std::uint64_t length) {
  const std::uint64_t before = size();
  const std::uint64_t end = offset + length;
  const DWORD error = end > before ? setEnd(handle_, end) : ERROR_SUCCESS;
  if (error != ERROR_SUCCESS) throw Error("SetFileInformationByHandle", error, path_);
  if (!isSparse(handle_, path_)) return;
  try {
    fillHoles(*this, offset, end);
  } catch (const Error&) {
    // The error that matters is the first one.
    if (end > before) static_cast<void>(setEnd(handle_, before));
    throw;
  }
}

void File::punchHole(std::uint64_t offset, std::uint64_t length) {
  const DWORD error = makeSparse(handle_);
  if (error != ERROR_SUCCESS) throw Error("DeviceIoControl", error, path_);
  FILE_ZERO_DATA_INFORMATION range{};
  range.FileOffset.QuadPart = static_cast<LONGLONG>(offset);
  range.BeyondFinalZero.QuadPart = static_cast<LONGLONG>(offset + length);
  DWORD returned = 0;
  if (!DeviceIoControl(handle_, FSCTL_SET_ZERO_DATA, &range, sizeof range, nullptr, 0, &returned, nullptr)) {
    throwLastError("DeviceIoControl", path_);
  }
}

}  // namespace vgpu::os
