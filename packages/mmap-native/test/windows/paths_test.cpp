#include "os/windows/paths.h"

#include <doctest/doctest.h>

#include "os/error.h"

namespace vgpu::os {

TEST_CASE("paths become absolute, with backslashes") {
  CHECK(toWide("C:/data/x.bin") == L"C:\\data\\x.bin");
  CHECK(toWide("C:\\data\\..\\x.bin") == L"C:\\x.bin");
  CHECK(toWide("x.bin").ends_with(L"\\x.bin"));
  CHECK(toWide("C:\\größe 😀.bin") == L"C:\\gr\u00f6\u00dfe \U0001f600.bin");
}

TEST_CASE("paths that are too long get the prefix that lifts the limit") {
  const std::string name(200, 'n');
  const std::wstring wide(200, L'n');
  CHECK(toWide("C:/" + name) == L"C:\\" + wide);
  CHECK(toWide("C:/" + name + "/" + name) == L"\\\\?\\C:\\" + wide + L"\\" + wide);
  CHECK(toWide("\\\\server\\share\\" + name + "/" + name) ==
        L"\\\\?\\UNC\\server\\share\\" + wide + L"\\" + wide);
  CHECK(toWide("\\\\?\\C:\\" + name) == L"\\\\?\\C:\\" + wide);
}

TEST_CASE("what cannot be a path is refused") {
  CHECK_THROWS_AS(static_cast<void>(toWide("")), Error);
  CHECK_THROWS_AS(static_cast<void>(toWide(std::string("a\0b", 3))), Error);
  CHECK_THROWS_WITH_AS(static_cast<void>(toWide("caf\xe9")),
                       "MultiByteToWideChar failed: ERROR_NO_UNICODE_TRANSLATION (caf\xe9)", Error);
}

TEST_CASE("names come back as UTF-8") {
  CHECK(toUtf8(L"").empty());
  CHECK(toUtf8(L"gr\u00f6\u00dfe \U0001f600") == "größe 😀");
  const wchar_t half[] = {0xd800, 0};
  CHECK(toUtf8(half) == "\xef\xbf\xbd");
}

}  // namespace vgpu::os
