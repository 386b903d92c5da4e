// Texture objects: what is believed of a description, whose they are, and that kernels read through them.
#include <cstring>
#include <vector>

#include "backends/software/texture_limits.h"
#include "software_backend_fixture.h"

using namespace vgpu::executor;
using vgpu::executor::test::Request;
using vgpu::executor::test::SoftwareFixture;

namespace {

constexpr std::string_view kReadingModule = R"(
.version 7.0
.target sm_75
.address_size 64

.visible .entry read(.param .u64 texture, .param .u64 out)
{
  .reg .b32 %r<8>;
  .reg .b64 %rd<4>;
  ld.param.u64 %rd0, [texture];
  ld.param.u64 %rd1, [out];
  mov.u32 %r0, %tid.x;
  mov.u32 %r1, %ctaid.x;
  tex.2d.v4.u32.s32 {%r4, %r5, %r6, %r7}, [%rd0, {%r0, %r1}];
  mad.lo.u32 %r2, %r1, 4, %r0;
  mad.wide.u32 %rd1, %r2, 4, %rd1;
  st.global.u32 [%rd1], %r4;
  ret;
}
)";

struct Textures : SoftwareFixture {
  /// 4 by 2 bytes at a pitch of 32.
  vgpu_texture plane(std::uint64_t address) {
    vgpu_texture texture{};
    texture.address = address;
    texture.width = 4;
    texture.height = 2;
    texture.pitch = 32;
    texture.resource = CU_RESOURCE_TYPE_PITCH2D;
    texture.format = CU_AD_FORMAT_UNSIGNED_INT8;
    texture.channels = 1;
    texture.flags = CU_TRSF_READ_AS_INTEGER;
    return texture;
  }
  vgpu_texture line(std::uint64_t address, std::uint64_t bytes) {
    vgpu_texture texture = plane(address);
    texture.resource = CU_RESOURCE_TYPE_LINEAR;
    texture.width = bytes;
    texture.height = texture.pitch = 0;
    return texture;
  }
  CUresult create(const vgpu_texture& texture) {
    return result(
        [&] { return backend.vgpuTexObjectCreate(context, handle, std::as_bytes(std::span(&texture, 1))); });
  }
  CUresult destroy(Handle texture) {
    return result([&] { return backend.cuTexObjectDestroy(context, texture); });
  }
  CUresult describe(Handle texture, vgpu_texture& description) {
    return result([&] {
      return backend.vgpuTexObjectDescription(context, std::as_writable_bytes(std::span(&description, 1)),
                                              texture);
    });
  }
  CUresult read(Handle texture, std::uint64_t out) {
    if (kernel == 0) kernel = function(load(kReadingModule), "read");
    return launch(kernel, 2, 4, Request().value(texture).value(out));
  }
  Handle handle = 0;
  Handle kernel = 0;
};

}  // namespace

TEST_CASE_FIXTURE(Textures, "a kernel reads through a texture until it is destroyed") {
  const std::uint64_t pixels = allocate(64), out = allocate(32);
  std::vector<std::byte> rows(64);
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = std::byte(100 + i);
  REQUIRE(backend.vgpuCopyToDevice(context, pixels, rows, rows.size(), 0) == CUDA_SUCCESS);
  REQUIRE_MESSAGE(create(plane(pixels)) == CUDA_SUCCESS, message);
  REQUIRE_MESSAGE(read(handle, out) == CUDA_SUCCESS, message);
  std::vector<std::uint32_t> got(8);
  REQUIRE(backend.vgpuCopyFromDevice(context, std::as_writable_bytes(std::span(got)), out, 32, 0) ==
          CUDA_SUCCESS);
  CHECK(got == std::vector<std::uint32_t>{100, 101, 102, 103, 132, 133, 134, 135});

  vgpu_texture description{};
  REQUIRE(describe(handle, description) == CUDA_SUCCESS);
  const vgpu_texture given = plane(pixels);
  CHECK(std::memcmp(&description, &given, sizeof given) == 0);

  CHECK(destroy(handle) == CUDA_SUCCESS);
  CHECK(destroy(handle) == CUDA_ERROR_INVALID_VALUE);
  CHECK(message.find("has been destroyed") != std::string::npos);
  CHECK(describe(handle, description) == CUDA_ERROR_INVALID_VALUE);
  CHECK(destroy(3) == CUDA_ERROR_INVALID_VALUE);
  CHECK(read(handle, out) == CUDA_ERROR_ILLEGAL_ADDRESS);
  CHECK(message.find("kernel 'read'") != std::string::npos);
  CHECK(message.find("has been destroyed") != std::string::npos);
}

TEST_CASE_FIXTURE(Textures, "memory that is freed behind a texture is an illegal address") {
  const std::uint64_t pixels = allocate(64), out = allocate(32);
  REQUIRE(create(plane(pixels)) == CUDA_SUCCESS);
  REQUIRE(backend.vgpuMemFree(context, pixels) == CUDA_SUCCESS);
  CHECK(read(handle, out) == CUDA_ERROR_ILLEGAL_ADDRESS);
  CHECK(message.find("read through texture") != std::string::npos);
}

TEST_CASE_FIXTURE(Textures, "textures go with their context") {
  const Handle other = create_context();
  const std::uint64_t pixels = allocate(64);
  const vgpu_texture texture = plane(pixels);
  Handle its = 0;
  REQUIRE(backend.vgpuTexObjectCreate(other, its, std::as_bytes(std::span(&texture, 1))) == CUDA_SUCCESS);
  REQUIRE(create(texture) == CUDA_SUCCESS);
  REQUIRE(backend.vgpuContextDestroy(0, other) == CUDA_SUCCESS);
  CHECK(destroy(its) == CUDA_ERROR_INVALID_VALUE);
  CHECK(destroy(handle) == CUDA_SUCCESS);
}

TEST_CASE_FIXTURE(Textures, "a description that cannot be is refused, whatever overflows") {
  const std::uint64_t pixels = allocate(4096);
  const auto refused = [&](auto change, CUresult expected = CUDA_ERROR_INVALID_VALUE) {
    vgpu_texture texture = plane(pixels);
    change(texture);
    const CUresult got = create(texture);
    CHECK_MESSAGE(got == expected, message);
  };
  REQUIRE(create(plane(pixels)) == CUDA_SUCCESS);
  constexpr std::uint64_t kHuge[] = {0, ~0ULL, 1ULL << 63, 1ULL << 32, (1ULL << 61) + 1};
  for (const std::uint64_t huge : kHuge) {
    refused([&](vgpu_texture& texture) { texture.width = huge; });
    refused([&](vgpu_texture& texture) { texture.height = huge; });
    refused([&](vgpu_texture& texture) { texture.pitch = huge; });
    refused([&](vgpu_texture& texture) { texture.address = huge; });
    refused([&](vgpu_texture& texture) { texture = line(pixels, huge); });
    refused([&](vgpu_texture& texture) { texture.width = texture.height = texture.pitch = huge; });
  }
  // Every number is allowed by itself, and the memory is not that large.
  refused([](vgpu_texture& texture) { texture.height = 65'000; });
  refused([](vgpu_texture& texture) {
    texture.width = 131'072;
    texture.height = 65'000;
    texture.pitch = 2'097'120;
  });
  refused([&](vgpu_texture& texture) { texture = line(pixels, 4097); });
  refused([&](vgpu_texture& texture) { texture = line(pixels + 512, 4096); });
  refused([](vgpu_texture& texture) { texture.width = 33; });    // rows longer than their distance
  refused([](vgpu_texture& texture) { texture.pitch = 48; });    // no multiple of 32
  refused([](vgpu_texture& texture) { texture.address += 1; });  // not aligned
  for (const std::uint32_t channels : {0U, 3U, 5U, ~0U}) {
    refused([&](vgpu_texture& texture) { texture.channels = channels; });
  }
  for (const std::int32_t format : {0, 4, 7, 11, 0x30, 1000, -1}) {
    refused([&](vgpu_texture& texture) { texture.format = format; });
  }
  refused([](vgpu_texture& texture) { texture.format = CU_AD_FORMAT_BC7_UNORM; }, CUDA_ERROR_NOT_SUPPORTED);
  refused([](vgpu_texture& texture) { texture.format = CU_AD_FORMAT_NV12; }, CUDA_ERROR_NOT_SUPPORTED);
  refused([](vgpu_texture& texture) { texture.resource = 4; });
  refused([](vgpu_texture& texture) { texture.resource = -1; });
  refused([](vgpu_texture& texture) { texture.resource = CU_RESOURCE_TYPE_ARRAY; },
          CUDA_ERROR_INVALID_HANDLE);  // none is named
  refused([](vgpu_texture& texture) { texture.resource = CU_RESOURCE_TYPE_MIPMAPPED_ARRAY; },
          CUDA_ERROR_NOT_SUPPORTED);
  refused([](vgpu_texture& texture) { texture.address_mode[2] = 4; });
  refused([](vgpu_texture& texture) { texture.filter_mode = 2; });
  refused([](vgpu_texture& texture) { texture.mipmap_filter_mode = -1; });
  refused([](vgpu_texture& texture) { texture.flags = 4; });
  refused([](vgpu_texture& texture) { texture.flags |= CU_TRSF_SRGB; }, CUDA_ERROR_NOT_SUPPORTED);
  refused([](vgpu_texture& texture) { texture.filter_mode = CU_TR_FILTER_MODE_LINEAR; },
          CUDA_ERROR_NOT_SUPPORTED);
  refused([](vgpu_texture& texture) { texture.border_color[3] = 1; }, CUDA_ERROR_NOT_SUPPORTED);
  CHECK(result([&] { return backend.vgpuTexObjectCreate(context, handle, {}); }) == CUDA_ERROR_INVALID_VALUE);
  std::byte small[8];
  REQUIRE(create(plane(pixels)) == CUDA_SUCCESS);
  CHECK(result([&] { return backend.vgpuTexObjectDescription(context, small, handle); }) ==
        CUDA_ERROR_INVALID_VALUE);
}

TEST_CASE_FIXTURE(Textures, "linear memory need not be whole texels, and has neither filter nor border") {
  const std::uint64_t numbers = allocate(32);
  vgpu_texture texture = line(numbers, 31);
  texture.format = CU_AD_FORMAT_SIGNED_INT32;
  texture.channels = 4;
  texture.filter_mode = CU_TR_FILTER_MODE_LINEAR;
  texture.border_color[0] = 1;
  CHECK_MESSAGE(create(texture) == CUDA_SUCCESS, message);
  texture.width = 15;
  CHECK(create(texture) == CUDA_ERROR_INVALID_VALUE);
}

TEST_CASE("the device says what its textures may be") {
  SoftwareFixture software;
  const vgpu_device device = software.backend.devices().front();
  CHECK(device.attributes[CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE2D_LINEAR_WIDTH] == 131072);
  CHECK(device.attributes[CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE2D_LINEAR_HEIGHT] == 65000);
  CHECK(device.attributes[CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE2D_LINEAR_PITCH] == 2097120);
  CHECK(device.attributes[CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE1D_LINEAR_WIDTH] == 1 << 28);
  CHECK(device.attributes[CU_DEVICE_ATTRIBUTE_TEXTURE_ALIGNMENT] == 512);
}
