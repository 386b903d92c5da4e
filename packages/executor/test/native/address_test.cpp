#include "support/address.h"

#include <doctest/doctest.h>

using namespace vgpu::executor;

TEST_CASE("addresses are read and written in one form") {
  for (const char* url : {"unix:/run/vgpu.sock", "unix:relative", "tcp:127.0.0.1:4000", "tcp:0.0.0.0:0",
                          "tcp:[::1]:65535", "tcp:[2001:db8::1]:80", "vsock:any:4000", "vsock:3:1"}) {
    CAPTURE(url);
    CHECK(Address::parse(url).url() == url);
  }
  CHECK(Address::parse("tcp:localhost:80").url() == "tcp:127.0.0.1:80");
}

TEST_CASE("what is no address is refused") {
  const std::string long_path = "unix:/" + std::string(107, 'x');
  for (const char* url : {"",
                          "unix",
                          "unix:",
                          "http://localhost",
                          "tcp:",
                          "tcp:127.0.0.1",
                          "tcp:127.0.0.1:",
                          "tcp:127.0.0.1:65536",
                          "tcp:127.0.0.1:-1",
                          "tcp:127.0.0.1:1x",
                          "tcp:example.org:80",
                          "tcp:::1:80",
                          "tcp:[::1:80",
                          "tcp:[]:80",
                          "tcp:[127.0.0.1]:80",
                          "tcp:256.0.0.1:80",
                          "vsock:3",
                          "vsock:x:1",
                          "vsock:4294967295:1",
                          "vsock:3:4294967295",
                          long_path.c_str()}) {
    CAPTURE(url);
    CHECK_THROWS_AS(Address::parse(url), AddressError);
  }
}

TEST_CASE("only this machine's own addresses are local") {
  for (const char* url : {"unix:/s", "tcp:127.0.0.1:1", "tcp:127.255.0.1:1", "tcp:[::1]:1", "vsock:1:1"}) {
    CAPTURE(url);
    CHECK(Address::parse(url).is_local());
  }
  for (const char* url : {"tcp:0.0.0.0:1", "tcp:128.0.0.1:1", "tcp:[::]:1", "tcp:[::2]:1",
                          "tcp:[::ffff:127.0.0.1]:1", "vsock:any:1", "vsock:2:1"}) {
    CAPTURE(url);
    CHECK_FALSE(Address::parse(url).is_local());
  }
}
