// The loader's cache, as this system's ldconfig has written it, whole and damaged.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <iterator>
#include <random>
#include <string>

extern "C" {
#include "real/loader_cache.h"
}

namespace vgpu::test {
namespace {

std::string system_cache() {
  std::ifstream file(VGPU_LOADER_CACHE, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Through memory of exactly that size, so that reading behind it is noticed.
std::string find_in(const std::string& content, const char* name, unsigned int index = 0) {
  std::string copy = content;
  copy.shrink_to_fit();
  const vgpu_loader_cache cache{reinterpret_cast<const unsigned char*>(copy.data()), copy.size()};
  const char* path = vgpu_loader_cache_find(&cache, name, index);
  return path == nullptr ? "" : path;
}

TEST_CASE("libc is found where the loader finds it") {
  vgpu_loader_cache cache;
  vgpu_loader_cache_open(&cache, VGPU_LOADER_CACHE);
  REQUIRE(cache.bytes != nullptr);
  const char* path = vgpu_loader_cache_find(&cache, "libc.so.6", 0);
  REQUIRE(path != nullptr);
  struct stat status {};
  CHECK(stat(path, &status) == 0);
  CHECK(vgpu_loader_cache_find(&cache, "libc.so.6", 100) == nullptr);
  CHECK(vgpu_loader_cache_find(&cache, "libno-such.so.1", 0) == nullptr);
  vgpu_loader_cache_close(&cache);
  CHECK(cache.bytes == nullptr);
}

TEST_CASE("a cache that begins with the one of libc 5 is read") {
  const std::string content = system_cache();
  // Two entries of 12 bytes, and 8 for the next header to be aligned.
  std::string old = std::string("ld.so-1.7.0") + '\0' + std::string("\x02\0\0\0", 4) + std::string(24, 'x');
  CHECK(old.size() == 40);
  CHECK(find_in(old + content, "libc.so.6") == find_in(content, "libc.so.6"));
  CHECK(find_in(content, "libc.so.6") != "");
}

TEST_CASE("no cache, a folder, and an empty file hold nothing") {
  for (const char* path : {"/nonexistent", "/etc", "/dev/null", "/proc/self/environ"}) {
    vgpu_loader_cache cache;
    vgpu_loader_cache_open(&cache, path);
    CHECK(vgpu_loader_cache_find(&cache, "libc.so.6", 0) == nullptr);
    vgpu_loader_cache_close(&cache);
  }
}

TEST_CASE("a damaged cache is never read behind its end") {
  const std::string content = system_cache();
  for (std::size_t length = 0; length < content.size(); length += length < 200 ? 1 : 997)
    find_in(content.substr(0, length), "libc.so.6");
  std::mt19937 random(1);  // NOLINT(cert-msc32-c,cert-msc51-cpp): the same in every run
  for (int round = 0; round < 200; ++round) {
    std::string damaged = content;
    for (int i = 0; i < 20; ++i)
      damaged[random() % std::min<std::size_t>(damaged.size(), 4096)] = char(random());
    const std::string path = find_in(damaged, "libc.so.6");
    CHECK((path.empty() || path.front() == '/'));
  }
  // More entries than fit into any file.
  const std::string endless = std::string("ld.so-1.7.0") + '\0' + std::string(4, '\xff');
  CHECK(find_in(endless + content, "libc.so.6") == "");
}

}  // namespace
}  // namespace vgpu::test
