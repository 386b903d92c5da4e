// Texture objects of the real backend: the driver's own, of memory that is the client's.
#include <bit>

#include "real_backend_fixture.h"

using namespace vgpu::executor;
using namespace vgpu::executor::test;

namespace {

struct Textures : RealFixture {
  vgpu_texture plane(std::uint64_t address) {
    vgpu_texture texture{};
    texture.address = address;
    texture.width = 1;
    texture.height = 1;
    texture.pitch = 1;
    texture.resource = CU_RESOURCE_TYPE_PITCH2D;
    texture.format = CU_AD_FORMAT_UNSIGNED_INT8;
    texture.channels = 1;
    texture.address_mode[1] = CU_TR_ADDRESS_MODE_MIRROR;
    texture.filter_mode = CU_TR_FILTER_MODE_LINEAR;
    texture.flags = CU_TRSF_READ_AS_INTEGER | CU_TRSF_SRGB;
    texture.border_color[2] = std::bit_cast<std::uint32_t>(7.0F);
    return texture;
  }
  CUresult create(const vgpu_texture& texture, Handle in) {
    return result(
        [&] { return backend->vgpuTexObjectCreate(in, handle, std::as_bytes(std::span(&texture, 1))); });
  }
  CUresult create(const vgpu_texture& texture) { return create(texture, context); }
  CUresult destroy(Handle texture, Handle in) {
    return result([&] { return backend->cuTexObjectDestroy(in, texture); });
  }
  Handle handle = 0;
};

}  // namespace

TEST_CASE_FIXTURE(Textures,
                  "the driver gets the texture as it was given, and the client the driver's number") {
  const std::uint64_t pixels = allocate(256);
  calls();
  REQUIRE_MESSAGE(create(plane(pixels)) == CUDA_SUCCESS, message);
  // What the software GPU does not do is no reason here.
  CHECK(calls().find("cuTexObjectCreate type=3 format=1 channels=1 width=1 height=1 pitch=1 mode=2 filter=1 "
                     "flags=17 border=7 view=0") != std::string::npos);
  vgpu_texture description{};
  REQUIRE(backend->vgpuTexObjectDescription(context, std::as_writable_bytes(std::span(&description, 1)),
                                            handle) == CUDA_SUCCESS);
  CHECK(description.address == pixels);
  CHECK(destroy(handle, context) == CUDA_SUCCESS);
  CHECK(calls().find("cuTexObjectDestroy texture=" + std::to_string(handle)) != std::string::npos);
  CHECK(destroy(handle, context) == CUDA_ERROR_INVALID_VALUE);
  vgpu_texture line = plane(pixels);
  line.resource = CU_RESOURCE_TYPE_LINEAR;
  CHECK(create(line) == CUDA_SUCCESS);
  CHECK(calls().find("cuTexObjectCreate type=2 format=1 channels=1 width=1 height=0") != std::string::npos);
}

TEST_CASE_FIXTURE(Textures, "memory that is not the client's never reaches the driver, nor a number") {
  const std::uint64_t pixels = allocate(256);
  REQUIRE(create(plane(pixels)) == CUDA_SUCCESS);
  calls();
  const int mine = 0;
  for (const std::uint64_t address : {std::bit_cast<std::uint64_t>(&mine), std::uint64_t{8}, pixels + 256}) {
    CHECK(create(plane(address)) == CUDA_ERROR_INVALID_VALUE);
  }
  vgpu_texture wide = plane(pixels);
  wide.width = ~0ULL;
  CHECK(create(wide) == CUDA_ERROR_INVALID_VALUE);
  CHECK(destroy(handle + 1, context) == CUDA_ERROR_INVALID_VALUE);
  CHECK(destroy(~0ULL, context) == CUDA_ERROR_INVALID_VALUE);
  CHECK(count(calls(), "cuTexObject") == 0);
}

TEST_CASE_FIXTURE(Textures, "a texture belongs to its context") {
  const std::uint64_t pixels = allocate(256);
  Handle other = 0;
  REQUIRE(backend->vgpuContextCreate(0, other, 0, 0) == CUDA_SUCCESS);
  REQUIRE(create(plane(pixels), other) == CUDA_SUCCESS);
  CHECK(destroy(handle, context) == CUDA_ERROR_INVALID_VALUE);
  REQUIRE(backend->vgpuContextDestroy(0, other) == CUDA_SUCCESS);
  CHECK(destroy(handle, other) == CUDA_ERROR_CONTEXT_IS_DESTROYED);
}

TEST_CASE_FIXTURE(Textures, "what the driver says against a texture is the answer") {
  const std::uint64_t pixels = allocate(256);
  recording().rule("cuTexObjectCreate", "1");
  CHECK(create(plane(pixels)) == CUDA_ERROR_INVALID_VALUE);
  CHECK(destroy(handle, context) == CUDA_ERROR_INVALID_VALUE);
}
