#include "support.h"

#include <doctest/doctest.h>

#include <string>

#include "support/log.h"
#include "support/machine.h"
#include "support/sha256.h"

using namespace vgpu::executor;

namespace {

std::string hexadecimal(std::span<const std::uint8_t> bytes) {
  std::string text;
  for (const std::uint8_t byte : bytes) {
    char digits[3];
    snprintf(digits, sizeof(digits), "%02x", byte);
    text += digits;
  }
  return text;
}

}  // namespace

TEST_CASE("SHA-256 of the examples of FIPS 180-4") {
  CHECK(hexadecimal(sha256("")) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(hexadecimal(sha256("abc")) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(hexadecimal(sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")) ==
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  CHECK(hexadecimal(sha256(std::string(1'000'000, 'a'))) ==
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_CASE("a device's identity is stable, its own, and a UUID") {
  const auto first = device_uuid("software GPU 0");
  CHECK(first == device_uuid("software GPU 0"));
  CHECK(first != device_uuid("software GPU 1"));
  CHECK((first[6] & 0xf0) == 0x80);
  CHECK((first[8] & 0xc0) == 0x80);
}

TEST_CASE("this process may use some memory") {
  CHECK(usable_memory_bytes() > 1 << 20);
  CHECK(usable_memory_bytes() <=
        static_cast<std::size_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<std::size_t>(sysconf(_SC_PAGESIZE)));
}

TEST_CASE("a line says when, how bad, who and what, and is one line whatever the client sends") {
  test::CapturedLog captured;
  Log log(captured.descriptor());
  log.set_client("evil\nprogram\x1b[31m", 42);
  log.write(Level::warning, "two\nlines");
  const std::string line = captured.text();
  CHECK(line.find(" warning [" + std::to_string(getpid()) + " evil?program?[31m/42] two?lines\n") == 24);
  CHECK(line.size() > 24);
  CHECK(std::count(line.begin(), line.end(), '\n') == 1);
}

TEST_CASE("lines below the level are left out") {
  test::CapturedLog captured;
  Log log(captured.descriptor());
  log.write(Level::debug, "detail");
  CHECK(captured.text().empty());
}

TEST_CASE("a client cannot flood the log") {
  test::CapturedLog captured;
  Log log(captured.descriptor());
  for (int i = 0; i < 10'000; ++i) log.write(Level::info, "again");
  const std::string text = captured.text();
  const auto lines = std::count(text.begin(), text.end(), '\n');
  CHECK(lines >= 200);
  CHECK(lines < 400);
}
