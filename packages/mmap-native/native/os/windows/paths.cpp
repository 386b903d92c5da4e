#include "paths.h"

#include "system.h"

namespace vgpu::os {
namespace {

// MAX_PATH less the twelve characters that Windows keeps for a short name inside a directory.
constexpr std::size_t longestPlainPath = MAX_PATH - 12;

std::wstring decode(const std::string& path) {
  const int bytes = static_cast<int>(path.size());
  const int length = MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, path.data(), bytes, nullptr, 0);
  if (length == 0) throwLastError("MultiByteToWideChar", path);
  std::wstring wide(static_cast<std::size_t>(length), L'\0');
  if (MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, path.data(), bytes, wide.data(), length) == 0) {
    throwLastError("MultiByteToWideChar", path);
  }
  return wide;
}

std::wstring makeAbsolute(const std::wstring& wide, const std::string& path) {
  std::wstring full(MAX_PATH, L'\0');
  // The directory may change, and with it the length, between two calls.
  for (;;) {
    const DWORD length =
        GetFullPathNameW(wide.c_str(), static_cast<DWORD>(full.size()), full.data(), nullptr);
    if (length == 0) throwLastError("GetFullPathNameW", path);
    const bool fits = length < full.size();
    full.resize(length);
    if (fits) return full;
  }
}

}  // namespace

std::wstring toWide(const std::string& path) {
  if (path.empty() || path.size() > INT32_MAX || path.find('\0') != std::string::npos) {
    throw Error("toWide", ERROR_INVALID_NAME, path);
  }
  std::wstring wide = decode(path);
  if (wide.starts_with(L"\\\\?\\") || wide.starts_with(L"\\\\.\\")) return wide;

  std::wstring full = makeAbsolute(wide, path);
  if (full.size() < longestPlainPath || full.starts_with(L"\\\\.\\")) return full;
  if (full.starts_with(L"\\\\")) return L"\\\\?\\UNC\\" + full.substr(2);
  return L"\\\\?\\" + full;
}

std::string toUtf8(std::wstring_view text) {
  if (text.empty()) return {};
  const int units = static_cast<int>(text.size());
  const int length = WideCharToMultiByte(CP_UTF8, 0, text.data(), units, nullptr, 0, nullptr, nullptr);
  if (length == 0) throwLastError("WideCharToMultiByte", {});
  std::string bytes(static_cast<std::size_t>(length), '\0');
  if (WideCharToMultiByte(CP_UTF8, 0, text.data(), units, bytes.data(), length, nullptr, nullptr) == 0) {
    throwLastError("WideCharToMultiByte", {});
  }
  return bytes;
}

}  // namespace vgpu::os
