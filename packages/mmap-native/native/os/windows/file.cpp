#include "../file.h"

#include <algorithm>
#include <random>
#include <utility>

#include "paths.h"
#include "prefetch.h"
#include "system.h"

namespace vgpu::os {
namespace {

// A length is 32 bits wide; whole pages below that.
constexpr std::size_t largestTransfer = std::size_t{1} << 30;
constexpr std::uint64_t prefetchWindow = std::uint64_t{1} << 28;
// The others may rename and remove the file while we hold it, as elsewhere: replacing a file depends on it.
constexpr DWORD shareAll = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;

std::string randomName() {
  constexpr char digits[] = "0123456789abcdef";
  std::random_device random;
  std::uniform_int_distribution<std::size_t> digit(0, 15);
  std::string name = "vgpu-" + std::to_string(GetCurrentProcessId()) + "-";
  for (int count = 0; count < 16; ++count) name += digits[digit(random)];
  return name + ".tmp";
}

BY_HANDLE_FILE_INFORMATION informationOf(HANDLE handle, const std::string& path) {
  BY_HANDLE_FILE_INFORMATION information{};
  if (!GetFileInformationByHandle(handle, &information)) throwLastError("GetFileInformationByHandle", path);
  return information;
}

}  // namespace

File::File(Handle handle, std::string path) noexcept : handle_(handle), path_(std::move(path)) {}

File::File(File&& other) noexcept
    : handle_(std::exchange(other.handle_, closed)),
      path_(std::move(other.path_)),
      lock_(std::exchange(other.lock_, std::nullopt)) {}

File& File::operator=(File&& other) noexcept {
  if (this != &other) {
    close();
    handle_ = std::exchange(other.handle_, closed);
    path_ = std::move(other.path_);
    lock_ = std::exchange(other.lock_, std::nullopt);
  }
  return *this;
}

File::~File() {
  close();
}

File File::open(const std::string& path, Access access, Links links) {
  const DWORD rights = access == Access::read ? GENERIC_READ : GENERIC_READ | GENERIC_WRITE;
  // A link that is not followed is opened itself.
  const DWORD flags = links == Links::refuse ? FILE_FLAG_OPEN_REPARSE_POINT : FILE_ATTRIBUTE_NORMAL;
  OwnedHandle handle(
      CreateFileW(toWide(path).c_str(), rights, shareAll, nullptr, OPEN_EXISTING, flags, nullptr));
  if (!handle.isValid()) throwLastError("CreateFileW", path);
  if (links == Links::refuse) {
    FILE_ATTRIBUTE_TAG_INFO tag{};
    if (!GetFileInformationByHandleEx(handle.get(), FileAttributeTagInfo, &tag, sizeof tag)) {
      throwLastError("GetFileInformationByHandleEx", path);
    }
    // Other reparse points, such as files that are fetched on demand, are files all the same.
    if ((tag.FileAttributes & FILE_ATTRIBUTE_REPARSE_POINT) != 0 &&
        IsReparseTagNameSurrogate(tag.ReparseTag)) {
      throw Error("CreateFileW", ERROR_CANT_RESOLVE_FILENAME, path);
    }
  }
  return {handle.release(), path};
}

File File::createNew(const std::string& path, unsigned /*mode*/) {
  // Without OPEN_REPARSE_POINT a dangling link would be followed, and its target created.
  const HANDLE handle = CreateFileW(toWide(path).c_str(), GENERIC_READ | GENERIC_WRITE, shareAll, nullptr,
                                    CREATE_NEW, FILE_FLAG_OPEN_REPARSE_POINT, nullptr);
  if (handle == INVALID_HANDLE_VALUE) throwLastError("CreateFileW", path);
  return {handle, path};
}

File File::createUnnamed(const std::string& directory) {
  // Windows needs a name, but removes it with the last handle, also when the process dies. It looks like
  // other scratch files, so that one that a power cut left behind is found; until then, sharing nothing,
  // nobody else can open it.
  const std::string path = directory + "\\" + randomName();
  const DWORD flags = FILE_ATTRIBUTE_TEMPORARY | FILE_FLAG_DELETE_ON_CLOSE | FILE_FLAG_OPEN_REPARSE_POINT;
  const HANDLE handle = CreateFileW(toWide(path).c_str(), GENERIC_READ | GENERIC_WRITE | DELETE, 0, nullptr,
                                    CREATE_NEW, flags, nullptr);
  if (handle == INVALID_HANDLE_VALUE) throwLastError("CreateFileW", path);
  return {handle, path};
}

bool File::isOpen() const noexcept {
  return handle_ != closed;
}

void File::close() noexcept {
  // Locks go with the handle. Nothing is left to do about an error: what had to be durable was flushed
  // before.
  lock_.reset();
  if (isOpen()) CloseHandle(std::exchange(handle_, closed));
}

std::uint64_t File::size() const {
  LARGE_INTEGER size{};
  if (!GetFileSizeEx(handle_, &size)) throwLastError("GetFileSizeEx", path_);
  return static_cast<std::uint64_t>(size.QuadPart);
}

std::size_t File::read(std::uint64_t offset, std::span<std::byte> target) const {
  std::size_t done = 0;
  while (done < target.size()) {
    const auto wanted = static_cast<DWORD>(std::min(target.size() - done, largestTransfer));
    OVERLAPPED place = overlappedAt(offset + done);
    DWORD count = 0;
    if (!ReadFile(handle_, target.data() + done, wanted, &count, &place)) {
      if (GetLastError() == ERROR_HANDLE_EOF) break;
      throwLastError("ReadFile", path_);
    }
    if (count == 0) break;
    done += count;
  }
  return done;
}

void File::write(std::uint64_t offset, std::span<const std::byte> bytes) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const auto wanted = static_cast<DWORD>(std::min(bytes.size() - done, largestTransfer));
    OVERLAPPED place = overlappedAt(offset + done);
    DWORD count = 0;
    if (!WriteFile(handle_, bytes.data() + done, wanted, &count, &place)) throwLastError("WriteFile", path_);
    // A disk that takes nothing and names no error would keep us here for ever.
    if (count == 0) throw Error("WriteFile", ERROR_HANDLE_DISK_FULL, path_);
    done += count;
  }
}

void File::flush() {
  // Also the directory's entry: NTFS writes its log up to here.
  if (!FlushFileBuffers(handle_)) throwLastError("FlushFileBuffers", path_);
}

void File::prefetch(std::uint64_t offset, std::uint64_t length) const {
  const std::uint64_t size = this->size();
  if (offset >= size || length == 0) return;
  const std::uint64_t end = offset + std::min(length, size - offset);
  // Windows reads ahead for memory only. The pages stay cached when the view goes.
  const OwnedHandle section(CreateFileMappingW(handle_, nullptr, PAGE_READONLY, 0, 0, nullptr));
  if (!section.isValid()) throwLastError("CreateFileMappingW", path_);
  for (std::uint64_t start = offset - offset % prefetchWindow; start < end; start += prefetchWindow) {
    const auto bytes = static_cast<std::size_t>(std::min(prefetchWindow, end - start));
    const void* const view = MapViewOfFile(section.get(), FILE_MAP_READ, static_cast<DWORD>(start >> 32),
                                           static_cast<DWORD>(start), bytes);
    if (view == nullptr) throwLastError("MapViewOfFile", path_);
    const std::size_t skipped = start < offset ? static_cast<std::size_t>(offset - start) : 0;
    const DWORD error = prefetchMemory(static_cast<const std::byte*>(view) + skipped, bytes - skipped);
    UnmapViewOfFile(view);
    if (error != ERROR_SUCCESS) throw Error("PrefetchVirtualMemory", error, path_);
  }
}

void File::dropCache(std::uint64_t /*offset*/, std::uint64_t /*length*/) const {
  // Nothing to ask for: pages that no process maps are on the standby list, which counts as available memory.
}

FileIdentity File::identity() const {
  const BY_HANDLE_FILE_INFORMATION information = informationOf(handle_, path_);
  return {.device = information.dwVolumeSerialNumber,
          .index = std::uint64_t{information.nFileIndexHigh} << 32 | information.nFileIndexLow};
}

bool File::isRegular() const {
  return GetFileType(handle_) == FILE_TYPE_DISK &&
         (informationOf(handle_, path_).dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) == 0;
}

}  // namespace vgpu::os
