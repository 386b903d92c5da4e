// Modules that are none, by every function that takes one: the error that cuda.h names, and the next good
// module loads. Nothing is read beyond the memory or the file that holds the image.
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "driver_entry.h"

using Bytes = std::vector<char>;

static const char kGood[] =
    ".version 7.0\n.target sm_75\n.address_size 64\n.visible .entry nothing()\n{\n  ret;\n}\n";

struct FatBinary {
  std::uint32_t magic = 0xba55ed50;
  std::uint16_t version = 1, header_bytes = 16;
  std::uint64_t bytes = 0;
};

/// With one entry of PTX.
static Bytes fat_binary() {
  struct Entry {
    std::uint16_t kind = 1, version = 0x101;
    std::uint32_t header_bytes = sizeof(Entry);
    std::uint64_t bytes = (sizeof kGood + 7) / 8 * 8;
    std::uint32_t compressed = 0, unknown = 0, minor_major = 0x70000;
    std::uint32_t architecture = 75, name_offset = 0, name_bytes = 0;
    std::uint64_t flags = 0x11, zero = 0, uncompressed = 0;
  } entry;
  static_assert(sizeof(Entry) == 64);
  FatBinary header;
  header.bytes = sizeof entry + entry.bytes;
  Bytes image(sizeof header + header.bytes);
  std::memcpy(image.data(), &header, sizeof header);
  std::memcpy(image.data() + sizeof header, &entry, sizeof entry);
  std::memcpy(image.data() + sizeof header + sizeof entry, kGood, sizeof kGood);
  return image;
}

static Bytes with_claim(std::uint64_t bytes) {
  Bytes image = fat_binary();
  std::memcpy(image.data() + offsetof(FatBinary, bytes), &bytes, sizeof bytes);
  return image;
}

static Bytes contents_of(const char* path) {
  std::FILE* file = std::fopen(path, "rb");
  REQUIRE(file != nullptr, "cannot open %s", path);
  Bytes bytes(1 << 20);
  bytes.resize(std::fread(bytes.data(), 1, bytes.size(), file));
  std::fclose(file);
  return bytes;
}

/// The image, and behind it memory that nobody may touch.
class Guarded {
 public:
  explicit Guarded(const Bytes& image) {
    const std::size_t page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    const std::size_t used = (image.size() + page - 1) / page * page;
    bytes_ = used + page;
    memory_ = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    REQUIRE(memory_ != MAP_FAILED, "no memory");
    REQUIRE(mprotect(static_cast<char*>(memory_) + used, page, PROT_NONE) == 0, "mprotect");
    image_ = static_cast<char*>(memory_) + used - image.size();
    std::memcpy(image_, image.data(), image.size());
  }
  ~Guarded() { munmap(memory_, bytes_); }
  Guarded(const Guarded&) = delete;
  Guarded& operator=(const Guarded&) = delete;
  const void* image() const { return image_; }

 private:
  void* memory_ = nullptr;
  char* image_ = nullptr;
  std::size_t bytes_ = 0;
};

static void require_refused(CUresult status, const char* how, const char* what) {
  REQUIRE(status == CUDA_ERROR_INVALID_IMAGE || status == CUDA_ERROR_NO_BINARY_FOR_GPU ||
              status == CUDA_ERROR_INVALID_PTX,
          "%s by %s gave %d", what, how, status);
}

static void expect_refused(const Bytes& image, const char* what, bool in_memory = true) {
  DRIVER(cuModuleLoad);
  DRIVER(cuModuleLoadData);
  DRIVER(cuModuleLoadDataEx);
  DRIVER(cuModuleLoadFatBinary);
  DRIVER(cuModuleUnload);
  DRIVER(cuLibraryLoadData);
  DRIVER(cuLibraryLoadFromFile);
  CUmodule module = nullptr;
  CUlibrary library = nullptr;
  char path[] = "/tmp/vgpu-image-XXXXXX";
  const int file = mkstemp(path);
  REQUIRE(file >= 0 && write(file, image.data(), image.size()) == ssize_t(image.size()) && close(file) == 0,
          "cannot write %s", path);
  require_refused(cuModuleLoad_(&module, path), "cuModuleLoad", what);
  require_refused(cuLibraryLoadFromFile_(&library, path, nullptr, nullptr, 0, nullptr, nullptr, 0),
                  "cuLibraryLoadFromFile", what);
  unlink(path);
  if (in_memory) {
    const Guarded guarded(image);
    require_refused(cuModuleLoadData_(&module, guarded.image()), "cuModuleLoadData", what);
    require_refused(cuModuleLoadDataEx_(&module, guarded.image(), 0, nullptr, nullptr), "cuModuleLoadDataEx",
                    what);
    require_refused(cuModuleLoadFatBinary_(&module, guarded.image()), "cuModuleLoadFatBinary", what);
    require_refused(cuLibraryLoadData_(&library, guarded.image(), nullptr, nullptr, 0, nullptr, nullptr, 0),
                    "cuLibraryLoadData", what);
  }
  RUN(cuModuleLoadData_(&module, kGood));
  RUN(cuModuleUnload_(module));
}

static void test_launch_arguments() {
  DRIVER(cuModuleLoadData);
  DRIVER(cuModuleGetFunction);
  DRIVER(cuLaunchKernel);
  static const char text[] =
      ".version 7.0\n.target sm_75\n.address_size 64\n"
      ".visible .entry store(.param .u64 to, .param .u32 value)\n{\n"
      "  .reg .b32 %r<2>;\n  .reg .b64 %rd<2>;\n"
      "  ld.param.u64 %rd1, [to];\n  ld.param.u32 %r1, [value];\n  st.global.u32 [%rd1], %r1;\n  ret;\n}\n";
  CUmodule module = nullptr;
  CUfunction store = nullptr;
  RUN(cuModuleLoadData_(&module, text));
  RUN(cuModuleGetFunction_(&store, module, "store"));
  int *target = nullptr, found = 0;
  CHECK(cudaMalloc(&target, sizeof *target));
  CHECK(cudaMemset(target, 0, sizeof *target));
  const struct {
    int* to;
    int value;
  } arguments = {target, 7};
  const auto launch = [&](const Guarded& packed, std::size_t bytes) {
    void* extra[] = {CU_LAUNCH_PARAM_BUFFER_POINTER, const_cast<void*>(packed.image()),
                     CU_LAUNCH_PARAM_BUFFER_SIZE, &bytes, CU_LAUNCH_PARAM_END};
    return cuLaunchKernel_(store, 1, 1, 1, 1, 1, 1, 0, nullptr, nullptr, extra);
  };
  Bytes packed(12);
  std::memcpy(packed.data(), &arguments, packed.size());
  for (const std::size_t bytes : {0, 1, 8, 11}) {
    packed.resize(bytes);
    EXPECT(launch(Guarded(packed), bytes), CUDA_ERROR_INVALID_VALUE);
  }
  CHECK(cudaMemcpy(&found, target, sizeof found, cudaMemcpyDeviceToHost));
  REQUIRE(found == 0, "a refused launch has stored %d", found);
  // Callers round the size up; only what the kernel takes is read.
  packed.resize(12);
  std::memcpy(packed.data(), &arguments, packed.size());
  for (const std::size_t bytes : {std::size_t{12}, std::size_t{16}, std::size_t{4096}, SIZE_MAX}) {
    CHECK(cudaMemset(target, 0, sizeof *target));
    RUN(launch(Guarded(packed), bytes));
    CHECK(cudaMemcpy(&found, target, sizeof found, cudaMemcpyDeviceToHost));
    REQUIRE(found == 7, "a launch with %zu bytes of arguments has stored %d", bytes, found);
  }
}

int main() {
  DRIVER(cuModuleLoad);
  DRIVER(cuModuleLoadData);
  CUmodule module = nullptr;
  CHECK(cudaFree(nullptr));
  EXPECT(cuModuleLoad_(&module, "/nowhere/module.cubin"), CUDA_ERROR_FILE_NOT_FOUND);
  EXPECT(cuModuleLoadData_(&module, nullptr), CUDA_ERROR_INVALID_VALUE);

  std::mt19937 random(7);
  for (const std::size_t bytes : {1, 3, 64, 5000}) {
    Bytes noise(bytes);
    for (char& byte : noise) byte = static_cast<char>(random());
    // In memory text without an end is the program's own mistake.
    noise.back() = 0;
    expect_refused(noise, "random bytes");
  }
  expect_refused(Bytes{}, "an empty file", false);
  expect_refused(Bytes(1), "an empty string");
  expect_refused(Bytes(4096), "zeros");
  expect_refused(contents_of("/proc/self/exe"), "the program itself");

  const Bytes whole = fat_binary();
  RUN(cuModuleLoadData_(&module, whole.data()));
  for (const std::size_t bytes : {4, 15, 16, 17, 79, 80, 100}) {
    expect_refused(Bytes(whole.begin(), whole.begin() + std::ptrdiff_t(bytes)), "a fat binary cut short");
  }
  for (const std::uint64_t claim : {std::uint64_t{1} << 20, std::uint64_t{100} << 20, std::uint64_t{2} << 30,
                                    std::uint64_t{1} << 63, ~std::uint64_t{0}, ~std::uint64_t{15}}) {
    expect_refused(with_claim(claim), "a fat binary that claims more than there is");
  }
  expect_refused(with_claim(0), "a fat binary that claims nothing");
  expect_refused(with_claim(70), "a fat binary that claims less than its entry");

  test_launch_arguments();
  CHECK(cudaDeviceSynchronize());
  return passed("modules that are none, and arguments that are too short, are refused");
}
