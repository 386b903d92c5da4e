#include <sys/mman.h>

#include <cstring>
#include <ctime>

#include "real_backend_fixture.h"

using namespace vgpu::executor;
using namespace vgpu::executor::test;

TEST_CASE("a client's limit holds before the driver is asked") {
  RealFixture real({.memory_limit = 1000});
  auto& backend = *real.backend;
  CHECK(backend.devices().front().total_memory == 1000);
  const std::uint64_t first = real.allocate(600);
  RealFixture::calls();
  std::uint64_t address = 0, pitch = 0;
  const auto refused = [&](auto call) { return real.result(call) == CUDA_ERROR_OUT_OF_MEMORY; };
  CHECK(refused([&] { return backend.cuMemAlloc_v2(real.context, address, 401); }));
  CHECK(refused([&] { return backend.vgpuMemAllocAsync(real.context, address, 401, 0); }));
  CHECK(refused([&] { return backend.cuMemAllocPitch_v2(real.context, address, pitch, 100, 5, 4); }));
  CHECK(refused(
      [&] { return backend.cuMemAllocPitch_v2(real.context, address, pitch, 1ULL << 40, 1ULL << 40, 4); }));
  CHECK(refused([&] { return backend.vgpuMemAllocShared(real.context, address, pitch, 401); }));
  CHECK(refused([&] { return backend.vgpuMemCreate(0, address, 401, 0); }));
  CHECK(refused([&] { return backend.cuMemAlloc_v2(real.context, address, ~0ULL); }));
  CHECK(RealFixture::calls().empty());
  std::uint64_t free = 0, total = 0;
  REQUIRE(backend.cuMemGetInfo_v2(real.context, free, total) == CUDA_SUCCESS);
  CHECK(free == 400);
  CHECK(total == 1000);
  REQUIRE(backend.vgpuMemFree(real.context, first) == CUDA_SUCCESS);
  real.allocate(1000);
  CHECK(backend.memory_in_use() == 1000);
}

TEST_CASE("physical memory counts until its last handle and its last mapping are gone") {
  RealFixture real({.memory_limit = 4096});
  auto& backend = *real.backend;
  Handle memory = 0, another = 0;
  constexpr std::uint64_t kAddress = 0x3456'0000'0000;
  REQUIRE(backend.vgpuMemCreate(0, memory, 4096, 0) == CUDA_SUCCESS);
  REQUIRE(backend.cuMemMap(0, kAddress, 4096, 0, memory, 0) == CUDA_SUCCESS);
  REQUIRE(backend.cuMemRelease(0, memory) == CUDA_SUCCESS);
  CHECK(real.result([&] { return backend.cuMemRelease(0, memory); }) == CUDA_ERROR_INVALID_VALUE);
  CHECK(backend.memory_in_use() == 4096);
  CHECK(real.result([&] { return backend.vgpuMemCreate(0, another, 1, 0); }) == CUDA_ERROR_OUT_OF_MEMORY);
  REQUIRE(backend.cuMemUnmap(0, kAddress, 4096) == CUDA_SUCCESS);
  CHECK(backend.memory_in_use() == 0);
}

TEST_CASE("memory where programs have their own is given back, and refused by name") {
  RealFixture real;
  auto& backend = *real.backend;
  const std::uint64_t before = recording().alive();
  std::uint64_t address = 0;
  recording().rule("cuMemAlloc_v2", "outside");
  CHECK(real.result([&] { return backend.cuMemAlloc_v2(real.context, address, 64); }) ==
        CUDA_ERROR_NOT_SUPPORTED);
  CHECK(real.message.find("where programs have memory of their own") != std::string::npos);
  CHECK(recording().alive() == before);
  CHECK(backend.memory_in_use() == 0);
}

TEST_CASE("a module's variable where programs have their own memory is refused by name") {
  RealFixture real;
  const Handle module = real.load();
  std::uint64_t address = 0, bytes = 0, mapped = 0;
  recording().rule("cuModuleGetGlobal_v2", "outside");
  CHECK(real.result([&] {
    return real.backend->vgpuModuleGetGlobal(real.context, address, bytes, mapped, module, "variable");
  }) == CUDA_ERROR_NOT_SUPPORTED);
  CHECK(address == 0);
  CHECK_MESSAGE(real.message.find("outside 0x100000000 to 0x500000000000") != std::string::npos,
                real.message);
}

TEST_CASE("physical memory belongs to no context: it is given back by itself when the client goes") {
  std::optional<RealFixture> real(std::in_place);
  auto& backend = *real->backend;
  Handle mapped = 0, unmapped = 0;
  REQUIRE(backend.vgpuMemCreate(0, mapped, 4096, 0) == CUDA_SUCCESS);
  REQUIRE(backend.cuMemMap(0, 0x3456'0000'0000, 4096, 0, mapped, 0) == CUDA_SUCCESS);
  REQUIRE(backend.cuMemRelease(0, mapped) == CUDA_SUCCESS);
  REQUIRE(backend.vgpuMemCreate(0, unmapped, 4096, 0) == CUDA_SUCCESS);
  RealFixture::calls();
  real.reset();
  const std::string lines = RealFixture::calls();
  CHECK_MESSAGE(lines.find("cuCtxSynchronize") < lines.find("cuMemUnmap bytes=4096"), lines);
  CHECK_MESSAGE(RealFixture::count(lines, "cuMemUnmap") == 1, lines);
  CHECK_MESSAGE(RealFixture::count(lines, "cuMemRelease") == 1, lines);
}

TEST_CASE("a client on another machine shares no memory, and its device says so") {
  RealFixture real({.shares_memory = false});
  std::uint64_t address = 0, mapped = 0;
  CHECK(real.result([&] { return real.backend->vgpuMemAllocShared(real.context, address, mapped, 100); }) ==
        CUDA_ERROR_NOT_SUPPORTED);
  CHECK(real.backend->take_descriptor() == -1);
  CHECK(real.backend->devices().front().attributes[CU_DEVICE_ATTRIBUTE_CAN_MAP_HOST_MEMORY] == 0);
  CHECK(real.backend->devices().front().attributes[CU_DEVICE_ATTRIBUTE_MANAGED_MEMORY] == 0);
}

TEST_CASE("shared memory gets past terabytes that a driver has reserved, without trying every address") {
  constexpr std::uint64_t kReserved = std::uint64_t{4} << 40;
  const SharedRegion before(4096);
  const std::uint64_t begin = before.address() + (std::uint64_t{2} << 20);
  void* reserved = mmap(reinterpret_cast<void*>(begin), kReserved, PROT_NONE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
  REQUIRE(reserved != MAP_FAILED);
  const std::clock_t start = std::clock();
  const SharedRegion after(4096);
  CHECK(after.address() >= begin + kReserved);
  CHECK_MESSAGE(std::clock() - start < CLOCKS_PER_SEC / 10, "in the processor's time");
  REQUIRE(munmap(reserved, kReserved) == 0);
}

TEST_CASE("only allocations are freed, and only once") {
  RealFixture real;
  auto& backend = *real.backend;
  const std::uint64_t memory = real.allocate(64);
  REQUIRE(backend.vgpuMemFree(real.context, memory) == CUDA_SUCCESS);
  RealFixture::calls();
  for (const std::uint64_t address : {memory, memory + 1, std::uint64_t{0}}) {
    CHECK(real.result([&] { return backend.vgpuMemFree(real.context, address); }) ==
          CUDA_ERROR_INVALID_VALUE);
    CHECK(real.result([&] { return backend.vgpuMemFreeAsync(real.context, address, 0); }) ==
          CUDA_ERROR_INVALID_VALUE);
  }
  CHECK(RealFixture::calls().empty());
}

TEST_CASE("shared memory: the file goes along, and the device sees it at the same address") {
  RealFixture real;
  auto& backend = *real.backend;
  std::uint64_t address = 0, mapped = 0;
  REQUIRE(backend.cuCtxSynchronize(real.context) == CUDA_SUCCESS);
  RealFixture::calls();
  REQUIRE(backend.vgpuMemAllocShared(real.context, address, mapped, 100) == CUDA_SUCCESS);
  CHECK(mapped == 4096);
  CHECK_MESSAGE(RealFixture::calls().starts_with("cuMemHostRegister_v2 bytes=4096 flags=3\n"),
                "for all contexts, and for kernels");
  const int file = backend.take_descriptor();
  REQUIRE(file >= 0);
  CHECK(backend.take_descriptor() == -1);
  const char text[] = "both see this";
  REQUIRE(pwrite(file, text, sizeof(text), 0) == sizeof(text));
  CHECK(std::memcmp(reinterpret_cast<const void*>(address), text, sizeof(text)) == 0);
  std::uint64_t base = 0, bytes = 0;
  REQUIRE(backend.cuMemGetAddressRange_v2(real.context, base, bytes, address + 99) == CUDA_SUCCESS);
  CHECK(base == address);
  CHECK(bytes == 100);
  REQUIRE(backend.vgpuMemFree(real.context, address) == CUDA_SUCCESS);
  const std::string lines = RealFixture::calls();
  CHECK_MESSAGE(lines.ends_with("cuCtxSynchronize\ncuMemHostUnregister\n"), lines);
}

TEST_CASE("a device that sees host memory elsewhere has no shared memory, which is said by name") {
  RealFixture real;
  std::uint64_t address = 0, mapped = 0;
  recording().rule("cuMemHostGetDevicePointer_v2", "outside");
  CHECK(real.result([&] { return real.backend->vgpuMemAllocShared(real.context, address, mapped, 100); }) ==
        CUDA_ERROR_NOT_SUPPORTED);
  CHECK(real.message.find("managed and mapped memory") != std::string::npos);
  CHECK(RealFixture::calls().ends_with("cuMemHostUnregister\n"));
  CHECK(real.backend->take_descriptor() == -1);
}

TEST_CASE("a pool's attributes have the width that CUDA gives them") {
  RealFixture real;
  Handle pool = 0;
  std::uint64_t value = ~0ULL;
  REQUIRE(real.backend->cuDeviceGetDefaultMemPool(0, pool, 0) == CUDA_SUCCESS);
  REQUIRE(real.backend->vgpuMemPoolGetAttribute(0, pool, CU_MEMPOOL_ATTR_REUSE_ALLOW_OPPORTUNISTIC, value) ==
          CUDA_SUCCESS);
  CHECK(value == 1);
  REQUIRE(real.backend->vgpuMemPoolGetAttribute(0, pool, CU_MEMPOOL_ATTR_RELEASE_THRESHOLD, value) ==
          CUDA_SUCCESS);
  CHECK(value == 0x1'0000'0002);
  CHECK_MESSAGE(
      real.result([&] { return real.backend->cuMemPoolDestroy(0, 4711); }) == CUDA_ERROR_INVALID_VALUE,
      "what the documentation has for pools");
}
