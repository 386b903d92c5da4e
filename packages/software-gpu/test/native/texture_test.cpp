// Reads through textures beside a reference that follows the formulas of the CUDA C++ Programming Guide's
// appendix "Texture Fetching", texel by texel.
#include <doctest/doctest.h>

#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "instruction_harness.h"

namespace vgpu::software::test {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr std::size_t kThreads = 32;

using Words = std::array<std::uint32_t, 4>;

/// Thread n reads with the n-th pair of coordinates and stores four words.
std::string reading_kernel(const std::string& form, const std::string& coordinates,
                           const std::string& level = "") {
  return ".version 7.0\n.target sm_75\n.address_size 64\n"
         ".visible .entry test(.param .u64 texture, .param .u64 x, .param .u64 y, .param .u64 out)\n{\n"
         "  .reg .b32 %r<8>;\n  .reg .b64 %d<8>;\n"
         "  ld.param.u64 %d0, [texture];\n  ld.param.u64 %d1, [x];\n  ld.param.u64 %d2, [y];\n"
         "  ld.param.u64 %d3, [out];\n  mov.u32 %r0, %tid.x;\n"
         "  mad.wide.u32 %d1, %r0, 4, %d1;\n  mad.wide.u32 %d2, %r0, 4, %d2;\n"
         "  mad.wide.u32 %d3, %r0, 16, %d3;\n  ld.global.u32 %r1, [%d1];\n  ld.global.u32 %r2, [%d2];\n"
         "  " +
         form + " {%r4, %r5, %r6, %r7}, [%d0, " + coordinates + "]" + level +
         ";\n"
         "  st.global.v4.u32 [%d3], {%r4, %r5, %r6, %r7};\n  ret;\n}\n";
}

/// Removes what it added when it ends.
class TextureNumber {
 public:
  TextureNumber(Gpu& gpu, const Texture& texture) : gpu_(gpu), number_(gpu.textures().insert(texture)) {}
  ~TextureNumber() { gpu_.textures().erase(number_); }
  TextureNumber(const TextureNumber&) = delete;
  TextureNumber& operator=(const TextureNumber&) = delete;
  [[nodiscard]] std::uint64_t get() const { return number_; }

 private:
  Gpu& gpu_;
  std::uint64_t number_;
};

template <class Coordinate>
std::vector<Words> read_texture(Gpu& gpu, std::uint64_t texture, const std::string& ptx,
                                std::vector<Coordinate> x, std::vector<Coordinate> y) {
  const std::size_t count = x.size();
  std::vector<Words> results(count);
  const auto module = load(gpu, ptx);
  DeviceBuffer xs(gpu, kThreads * sizeof(Coordinate));
  DeviceBuffer ys(gpu, kThreads * sizeof(Coordinate));
  DeviceBuffer out(gpu, kThreads * sizeof(Words));
  for (std::size_t first = 0; first < count; first += kThreads) {
    const std::size_t threads = std::min(kThreads, count - first);
    std::memcpy(xs.bytes().data(), x.data() + first, threads * sizeof(Coordinate));
    std::memcpy(ys.bytes().data(), y.data() + first, threads * sizeof(Coordinate));
    launch(gpu, module->kernel("test"), {1}, {static_cast<std::uint32_t>(threads)},
           Parameters().add(texture).add(xs.address()).add(ys.address()).add(out.address()));
    std::memcpy(results.data() + first, out.bytes().data(), threads * sizeof(Words));
  }
  return results;
}

// --- The reference
// ------------------------------------------------------------------------------------------

struct Picture {
  int width;
  int height;
  std::vector<std::array<double, 4>> texels;
  std::array<double, 4> border{};

  [[nodiscard]] std::array<double, 4> at(int x, int y) const {
    return texels[static_cast<std::size_t>(y) * static_cast<std::size_t>(width) +
                  static_cast<std::size_t>(x)];
  }
};

/// Steps back into [0, size) one period, one texel at a time; -1 for the border.
int reference_index(long texel, int size, AddressMode mode) {
  if (mode == AddressMode::border) return texel < 0 || texel >= size ? -1 : static_cast<int>(texel);
  if (mode == AddressMode::wrap) {
    while (texel < 0) texel += size;
    while (texel >= size) texel -= size;
  } else if (mode == AddressMode::mirror) {
    while (texel < 0 || texel >= size) texel = texel < 0 ? -texel - 1 : 2L * size - texel - 1;
  } else {
    texel = texel < 0 ? 0 : texel >= size ? size - 1 : texel;
  }
  return static_cast<int>(texel);
}

std::array<double, 4> reference_read(const Picture& picture, const Texture& texture, float x, float y) {
  const bool normalized = texture.normalized_coordinates;
  const auto mode = [&](int axis) {
    const AddressMode given = texture.address_modes[static_cast<std::size_t>(axis)];
    const bool repeats = given == AddressMode::wrap || given == AddressMode::mirror;
    return repeats && !normalized ? AddressMode::clamp : given;
  };
  const auto scaled = [&](float coordinate, int size) {
    const double value = std::isnan(coordinate) ? 0 : coordinate;
    return normalized ? value * size : value;
  };
  const auto texel = [&](long column, long row) {
    const int i = reference_index(column, picture.width, mode(0));
    const int j = reference_index(row, picture.height, mode(1));
    return i < 0 || j < 0 ? picture.border : picture.at(i, j);
  };
  const double u = scaled(x, picture.width);
  const double v = scaled(y, picture.height);
  if (!texture.filters) return texel(std::lround(std::floor(u)), std::lround(std::floor(v)));
  const long i = std::lround(std::floor(u - 0.5));
  const long j = std::lround(std::floor(v - 0.5));
  const double alpha = std::floor((u - 0.5 - static_cast<double>(i)) * 256 + 0.5) / 256;
  const double beta = std::floor((v - 0.5 - static_cast<double>(j)) * 256 + 0.5) / 256;
  std::array<double, 4> result{};
  for (std::size_t channel = 0; channel < 4; ++channel) {
    result[channel] =
        (1 - alpha) * (1 - beta) * texel(i, j)[channel] + alpha * (1 - beta) * texel(i + 1, j)[channel] +
        (1 - alpha) * beta * texel(i, j + 1)[channel] + alpha * beta * texel(i + 1, j + 1)[channel];
  }
  return result;
}

/// Coordinates around the edges, the middles of texels, and the steps of the weights.
std::vector<float> interesting(int size, bool normalized) {
  std::vector<float> values;
  for (int quarter = -9; quarter <= 4 * size + 9; ++quarter) {
    const float value = static_cast<float>(quarter) / 4;
    values.push_back(normalized ? value / static_cast<float>(size) : value);
  }
  for (const float step : {1.0F / 512, 1.0F / 256, 255.0F / 256, 511.0F / 512, 1.0F / 1024}) {
    const float value = 1.5F + step;
    values.push_back(normalized ? value / static_cast<float>(size) : value);
  }
  return values;
}

constexpr std::array kModes{AddressMode::wrap, AddressMode::clamp, AddressMode::mirror, AddressMode::border};

/// A picture of f32 with two channels in rows with a gap.
struct FloatPicture {
  Picture picture{5, 3, {}, {0.25, -7, 0, 0}};
  Texture texture;
  DeviceBuffer memory;

  explicit FloatPicture(Gpu& gpu) : memory(gpu, std::size_t{3} * 64) {
    texture = {.shape = Texture::Shape::plane,
               .address = memory.address(),
               .width = 5,
               .height = 3,
               .pitch = 64,
               .type = ChannelType::f32,
               .channels = 2,
               .border = {0.25F, -7, 99, 99}};
    const auto floats = memory.as<float>();
    for (float& value : floats) value = 1e9F;  // what lies between the rows must not be seen
    for (std::size_t y = 0; y < 3; ++y) {
      for (std::size_t x = 0; x < 5; ++x) {
        const std::array<double, 4> texel{static_cast<double>(10 * y + x), -1.5 * static_cast<double>(x * y)};
        floats[y * 16 + 2 * x] = static_cast<float>(texel[0]);
        floats[y * 16 + 2 * x + 1] = static_cast<float>(texel[1]);
        picture.texels.push_back(texel);
      }
    }
  }
};

void compare(Gpu& gpu, const FloatPicture& made) {
  std::vector<float> xs;
  std::vector<float> ys;
  for (const float x : interesting(5, made.texture.normalized_coordinates)) {
    for (const float y : interesting(3, made.texture.normalized_coordinates)) {
      xs.push_back(x);
      ys.push_back(y);
    }
  }
  const TextureNumber number(gpu, made.texture);
  const auto results =
      read_texture(gpu, number.get(), reading_kernel("tex.2d.v4.f32.f32", "{%r1, %r2}"), xs, ys);
  for (std::size_t i = 0; i < results.size(); ++i) {
    const auto expected = reference_read(made.picture, made.texture, xs[i], ys[i]);
    CAPTURE(xs[i]);
    CAPTURE(ys[i]);
    for (std::size_t channel = 0; channel < 4; ++channel) {
      CHECK(std::bit_cast<float>(results[i][channel]) == static_cast<float>(expected[channel]));
    }
  }
}

TEST_CASE("textures: every mode, filter and kind of coordinate") {
  for (const auto& gpu : gpus()) {
    FloatPicture made(*gpu);
    for (const AddressMode mode : kModes) {
      for (const bool filters : {false, true}) {
        for (const bool normalized : {false, true}) {
          made.texture.address_modes = {mode, AddressMode::clamp};
          made.texture.filters = filters;
          made.texture.normalized_coordinates = normalized;
          CAPTURE(static_cast<int>(mode));
          CAPTURE(filters);
          CAPTURE(normalized);
          compare(*gpu, made);
          std::swap(made.texture.address_modes[0], made.texture.address_modes[1]);
          compare(*gpu, made);
        }
      }
    }
  }
}

TEST_CASE("textures: coordinates that are no numbers, or far away") {
  Gpu& gpu = *gpus().front();
  FloatPicture made(gpu);
  const std::string ptx = reading_kernel("tex.2d.v4.f32.f32", "{%r1, %r2}");
  const std::vector<float> xs{kNan, kInfinity, -kInfinity, 3e38F, -3e38F};
  const std::vector<float> ys(xs.size(), 0.0F);
  const auto first_channel = [&](AddressMode mode, bool filters, bool normalized) {
    made.texture.address_modes = {mode, mode};
    made.texture.filters = filters;
    made.texture.normalized_coordinates = normalized;
    const TextureNumber number(gpu, made.texture);
    std::vector<float> values;
    for (const Words& words : read_texture(gpu, number.get(), ptx, xs, ys)) {
      values.push_back(std::bit_cast<float>(words[0]));
    }
    return values;
  };
  const std::vector<float> clamped{0, 4, 0, 4, 0};
  const std::vector<float> outside{0, 0.25F, 0.25F, 0.25F, 0.25F};
  CHECK(first_channel(AddressMode::clamp, false, false) == clamped);
  CHECK(first_channel(AddressMode::clamp, true, true) == clamped);
  CHECK(first_channel(AddressMode::border, false, false) == outside);
  // Of a texture that repeats, infinity has no place; it reads as 0 like a NaN. 3e38 is a whole number.
  CHECK(first_channel(AddressMode::wrap, false, true) == std::vector<float>(5, 0.0F));
  CHECK(first_channel(AddressMode::mirror, false, true)[1] == 0);
}

TEST_CASE("textures: infinities and NaN in texels") {
  Gpu& gpu = *gpus().front();
  FloatPicture made(gpu);
  made.memory.as<float>()[0] = kInfinity;
  made.memory.as<float>()[2] = std::bit_cast<float>(0xffc1'2345U);
  made.texture.filters = true;
  const TextureNumber number(gpu, made.texture);
  // In a texel's middle the neighbours have no part; between an infinity and a NaN they have.
  const auto results =
      read_texture<float>(gpu, number.get(), reading_kernel("tex.2d.v4.f32.f32", "{%r1, %r2}"),
                          {0.5F, 2.5F, 1.0F}, {0.5F, 0.5F, 0.5F});
  CHECK(std::bit_cast<float>(results[0][0]) == kInfinity);
  CHECK(std::bit_cast<float>(results[1][0]) == 2);
  CHECK(results[2][0] == 0x7fff'ffffU);
}

template <class T>
struct Format {
  ChannelType type;
  std::vector<T> texels;
};

/// A buffer of one row, read texel by texel.
template <class T>
std::vector<Words> read_row(Gpu& gpu, const Format<T>& format, std::uint32_t channels, bool reads_integers) {
  DeviceBuffer memory(gpu, format.texels.size() * sizeof(T));
  std::memcpy(memory.bytes().data(), format.texels.data(), memory.bytes().size());
  const Texture texture{.address = memory.address(),
                        .width = format.texels.size() / channels,
                        .type = format.type,
                        .channels = channels,
                        .reads_integers = reads_integers};
  std::vector<std::int32_t> numbers;
  for (std::size_t i = 0; i < texture.width; ++i) numbers.push_back(static_cast<std::int32_t>(i));
  const TextureNumber number(gpu, texture);
  return read_texture(gpu, number.get(), reading_kernel("tex.1d.v4.u32.s32", "{%r1}"), numbers, numbers);
}

std::uint32_t bits(float value) {
  return std::bit_cast<std::uint32_t>(value);
}

TEST_CASE("textures: formats as integers and as parts of one") {
  for (const auto& gpu : gpus()) {
    using List = std::vector<Words>;
    const Format<std::uint8_t> bytes{ChannelType::u8, {0, 1, 255, 128}};
    CHECK(read_row(*gpu, bytes, 1, true) == List{{0}, {1}, {255}, {128}});
    CHECK(read_row(*gpu, bytes, 2, true) == List{{0, 1}, {255, 128}});
    CHECK(read_row(*gpu, bytes, 4, false) == List{{0, bits(1.0F / 255), bits(1), bits(128.0F / 255)}});
    const Format<std::int8_t> signed_bytes{ChannelType::s8, {-128, -127, 127, 64}};
    CHECK(read_row(*gpu, signed_bytes, 4, true) == List{{0xffff'ff80U, 0xffff'ff81U, 127, 64}});
    CHECK(read_row(*gpu, signed_bytes, 4, false) == List{{bits(-1), bits(-1), bits(1), bits(64.0F / 127)}});
    const Format<std::uint16_t> shorts{ChannelType::u16, {0, 65535, 32768, 7}};
    CHECK(read_row(*gpu, shorts, 2, true) == List{{0, 65535}, {32768, 7}});
    CHECK(read_row(*gpu, shorts, 2, false) ==
          List{{0, bits(1)}, {bits(32768.0F / 65535), bits(7.0F / 65535)}});
    const Format<std::int16_t> signed_shorts{ChannelType::s16, {-32768, 32767}};
    CHECK(read_row(*gpu, signed_shorts, 1, true) == List{{0xffff'8000U}, {32767}});
    CHECK(read_row(*gpu, signed_shorts, 1, false) == List{{bits(-1)}, {bits(1)}});
    // 32 bits are integers whatever the texture says.
    const Format<std::uint32_t> words{ChannelType::u32, {0xdead'beefU, 1}};
    CHECK(read_row(*gpu, words, 1, false) == List{{0xdead'beefU}, {1}});
    const Format<float> floats{ChannelType::f32, {-0.0F, 1.5F, 1e-40F, 3}};
    CHECK(read_row(*gpu, floats, 4, true) == List{{bits(0), bits(1.5F), bits(1e-40F), bits(3)}});
    // One, the smallest subnormal, the largest subnormal, minus infinity.
    const Format<std::uint16_t> halves{ChannelType::f16, {0x3c00, 0x0001, 0x03ff, 0xfc00, 0x7e01, 0x7bff}};
    CHECK(read_row(*gpu, halves, 2, false) == List{{bits(1), bits(std::ldexp(1.0F, -24))},
                                                   {bits(std::ldexp(1023.0F, -24)), bits(-kInfinity)},
                                                   {0x7fff'ffffU, bits(65504)}});
  }
}

TEST_CASE("textures: every half is what it stands for") {
  Gpu& gpu = *gpus().front();
  Format<std::uint16_t> halves{ChannelType::f16, {}};
  for (std::uint32_t half = 0; half < 0x1'0000; ++half)
    halves.texels.push_back(static_cast<std::uint16_t>(half));
  const auto results = read_row(gpu, halves, 1, false);
  for (std::uint32_t half = 0; half < 0x1'0000; ++half) {
    const int exponent = static_cast<int>(half >> 10 & 31);
    const double fraction = half & 1023;
    const double size =
        exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1 + fraction / 1024, exponent - 15);
    const double expected = exponent == 31 && fraction == 0 ? double{kInfinity} : size;
    const float got = std::bit_cast<float>(results[half][0]);
    if (exponent == 31 && fraction != 0) {
      CHECK(results[half][0] == 0x7fff'ffffU);
    } else {
      CHECK(got == static_cast<float>((half & 0x8000) != 0 ? -expected : expected));
    }
  }
}

TEST_CASE("textures: a buffer is zero outside, and is read by whole numbers") {
  Gpu& gpu = *gpus().front();
  DeviceBuffer memory(gpu, 12);
  memory.as<std::uint32_t>()[0] = 7;
  memory.as<std::uint32_t>()[2] = 9;
  const TextureNumber number(
      gpu, {.address = memory.address(), .width = 3, .type = ChannelType::u32, .border = {1, 1, 1, 1}});
  const std::string by_number = reading_kernel("tex.1d.v4.u32.s32", "{%r1}");
  const std::vector<std::int32_t> numbers{-1, 0, 2, 3, INT32_MAX, INT32_MIN};
  CHECK(read_texture(gpu, number.get(), by_number, numbers, numbers) ==
        std::vector<Words>{{0}, {7}, {9}, {0}, {0}, {0}});
  const std::vector<float> places{-0.5F, 0.9F, 2.5F, 3.0F, kNan, kInfinity};
  CHECK(read_texture(gpu, number.get(), reading_kernel("tex.1d.v4.u32.f32", "{%r1}"), places, places) ==
        std::vector<Words>{{0}, {7}, {9}, {0}, {7}, {0}});
}

/// Three steps of five rows of four floats, each of them its number.
struct Box {
  DeviceBuffer memory;
  Texture texture;

  explicit Box(Gpu& gpu) : memory(gpu, std::size_t{3} * 5 * 32) {
    texture = {.shape = Texture::Shape::volume,
               .address = memory.address(),
               .width = 4,
               .height = 5,
               .depth = 3,
               .pitch = 32,
               .type = ChannelType::f32};
    for (std::size_t row = 0; row < 15; ++row) {
      for (std::size_t x = 0; x < 4; ++x) memory.as<float>()[row * 8 + x] = value(x, row % 5, row / 5);
    }
  }
  static float value(std::size_t x, std::size_t y, std::size_t z) {
    return static_cast<float>(x * x + 100 * y * y + 10'000 * z);
  }
};

TEST_CASE("textures: boxes, by number, by place, and between eight texels") {
  for (const auto& gpu : gpus()) {
    Box box(*gpu);
    box.texture.address_modes = {AddressMode::clamp, AddressMode::clamp, AddressMode::border};
    box.texture.border = {-1, 0, 0, 0};
    const std::string by_number = reading_kernel("tex.3d.v4.f32.s32", "{%r1, 2, %r2, %r2}");
    const std::string by_place =
        reading_kernel("tex.3d.v4.f32.f32", "{%r1, 0f3FC00000, %r2, %r2}");  // y is 1.5
    const auto first_channel = [](const std::vector<Words>& results) {
      std::vector<float> values;
      values.reserve(results.size());
      for (const Words& words : results) values.push_back(std::bit_cast<float>(words[0]));
      return values;
    };
    const TextureNumber plain(*gpu, box.texture);
    CHECK(
        first_channel(read_texture<std::int32_t>(*gpu, plain.get(), by_number, {0, 3, 9, 1}, {0, 2, 1, 3})) ==
        std::vector<float>{Box::value(0, 2, 0), Box::value(3, 2, 2), Box::value(3, 2, 1), -1});
    box.texture.filters = true;
    const TextureNumber filtered(*gpu, box.texture);
    // In the middle of a texel; between two slices; a quarter from one column to the next; half outside.
    const float row = Box::value(0, 1, 0);
    CHECK(first_channel(read_texture<float>(*gpu, filtered.get(), by_place, {0.5F, 0.5F, 1.75F, 0.5F},
                                            {0.5F, 1.0F, 1.0F, 0.0F})) ==
          std::vector<float>{row, row + 5000, row + 5000 + 1.75F, (row - 1) / 2});
  }
}

TEST_CASE("textures: a line repeats and filters as one row of a plane does") {
  Gpu& gpu = *gpus().front();
  FloatPicture made(gpu);
  made.texture.height = 1;
  made.texture.filters = made.texture.normalized_coordinates = true;
  for (const AddressMode mode : kModes) {
    made.texture.address_modes = {mode, AddressMode::clamp, AddressMode::clamp};
    const std::vector<float> xs = interesting(5, true);
    const std::vector<float> ys(xs.size(), 0.5F);
    made.texture.shape = Texture::Shape::plane;
    const TextureNumber plane(gpu, made.texture);
    made.texture.shape = Texture::Shape::line;
    const TextureNumber line(gpu, made.texture);
    CHECK(read_texture(gpu, line.get(), reading_kernel("tex.1d.v4.f32.f32", "{%r1}"), xs, ys) ==
          read_texture(gpu, plane.get(), reading_kernel("tex.2d.v4.f32.f32", "{%r1, %r2}"), xs, ys));
  }
}

TEST_CASE("textures: numbers of texels stop at the edge, or at the border") {
  Gpu& gpu = *gpus().front();
  FloatPicture made(gpu);
  made.texture.filters = true;
  const std::string ptx = reading_kernel("tex.level.2d.v4.f32.s32", "{%r1, %r2}", ", %r0");
  const std::vector<std::int32_t> xs{-1, 4, 5, INT32_MAX, INT32_MIN, 2};
  const std::vector<std::int32_t> ys{0, 2, 1, INT32_MAX, 1, -1};
  const auto first_channel = [&](AddressMode mode) {
    made.texture.address_modes = {mode, mode};
    const TextureNumber number(gpu, made.texture);
    std::vector<float> values;
    for (const Words& words : read_texture(gpu, number.get(), ptx, xs, ys)) {
      values.push_back(std::bit_cast<float>(words[0]));
    }
    return values;
  };
  CHECK(first_channel(AddressMode::wrap) == std::vector<float>{0, 24, 14, 24, 10, 2});
  CHECK(first_channel(AddressMode::border) == std::vector<float>{0.25F, 24, 0.25F, 0.25F, 0.25F, 0.25F});
}

TEST_CASE("textures: lanes that do not read keep what they had") {
  const std::string guarded =
      ".version 7.0\n.target sm_75\n.address_size 64\n"
      ".visible .entry test(.param .u64 texture, .param .u64 x, .param .u64 y, .param .u64 out)\n{\n"
      "  .reg .pred %p;\n  .reg .b32 %r<8>;\n  .reg .b64 %d<4>;\n"
      "  ld.param.u64 %d0, [texture];\n  ld.param.u64 %d3, [out];\n  mov.u32 %r0, %tid.x;\n"
      "  mad.wide.u32 %d3, %r0, 16, %d3;\n  and.b32 %r1, %r0, 1;\n  setp.eq.u32 %p, %r1, 1;\n"
      "  mov.u32 %r4, %r0;\n  mov.u32 %r5, 50;\n"
      "  @%p tex.1d.v4.u32.s32 {%r4, %r5, _, _}, [%d0, {%r0}];\n"
      "  st.global.v4.u32 [%d3], {%r4, %r5, %r4, %r5};\n  ret;\n}\n";
  for (const auto& gpu : gpus()) {
    const Format<std::uint8_t> unused{ChannelType::u8, {}};
    DeviceBuffer memory(*gpu, 32);
    for (std::size_t i = 0; i < 32; ++i) memory.as<std::uint8_t>()[i] = static_cast<std::uint8_t>(100 + i);
    const TextureNumber number(
        *gpu, {.address = memory.address(), .width = 32, .type = ChannelType::u8, .reads_integers = true});
    const std::vector<std::int32_t> nothing(32);
    const auto results = read_texture(*gpu, number.get(), guarded, nothing, nothing);
    for (std::uint32_t lane = 0; lane < 32; ++lane) {
      const Words expected =
          (lane & 1) != 0 ? Words{100 + lane, 0, 100 + lane, 0} : Words{lane, 50, lane, 50};
      CHECK(results[lane] == expected);
    }
  }
}

// --- Mistakes
// -----------------------------------------------------------------------------------------------

struct Failure {
  Status status = Status::success;
  std::string message;
  [[nodiscard]] bool mentions(std::string_view text) const { return message.find(text) != std::string::npos; }
};

Failure failure_of(Gpu& gpu, std::uint64_t texture, const std::string& ptx) {
  try {
    read_texture<std::int32_t>(gpu, texture, ptx, {1}, {1});
  } catch (const Error& error) {
    return {error.status(), error.what()};
  }
  return {};
}

TEST_CASE("textures: numbers that are none have a name") {
  Gpu& gpu = *gpus().front();
  const std::string plane = reading_kernel("tex.2d.v4.f32.s32", "{%r1, %r2}");
  const Failure invented = failure_of(gpu, 3, plane);
  CHECK(invented.status == Status::illegal_address);
  CHECK(invented.mentions(
      "kernel 'test', block (0,0,0), thread (0,0,0), PTX line 18: texture 3 does not exist"));
  FloatPicture made(gpu);
  const std::uint64_t number = gpu.textures().insert(made.texture);
  CHECK(failure_of(gpu, number, plane).status == Status::success);
  CHECK(failure_of(gpu, number, reading_kernel("tex.1d.v4.f32.s32", "{%r1}"))
            .mentions("has 2 dimensions, and the instruction reads 1"));
  gpu.textures().erase(number);
  const Failure destroyed = failure_of(gpu, number, plane);
  CHECK(destroyed.status == Status::illegal_address);
  CHECK(destroyed.mentions("has been destroyed"));
  CHECK(gpu.textures().insert(made.texture) != number);
  gpu.textures().erase(number + 1);
}

TEST_CASE("textures: memory that is gone is an illegal address") {
  Gpu& gpu = *gpus().front();
  const DeviceAddress address = gpu.memory().allocate(64);
  const TextureNumber number(gpu, {.address = address, .width = 16, .type = ChannelType::u32});
  const std::string ptx = reading_kernel("tex.1d.v4.u32.s32", "{%r1}");
  CHECK(failure_of(gpu, number.get(), ptx).status == Status::success);
  gpu.memory().free(address);
  // The coordinates' buffers may take the freed address; far behind everything nothing can.
  const TextureNumber beyond(gpu, {.address = gpu.memory().base() + gpu.memory().total_bytes() - 8,
                                   .width = 16,
                                   .type = ChannelType::u32,
                                   .channels = 4});
  const Failure failure = failure_of(gpu, beyond.get(), ptx);
  CHECK(failure.status == Status::illegal_address);
  CHECK(failure.mentions("16-byte access at"));
  CHECK(failure.mentions("read through texture " + std::to_string(beyond.get())));
}

TEST_CASE("textures: forms that are not there are refused by name") {
  Gpu& gpu = *gpus().front();
  for (const char* form : {"tex.a1d.v4.f32.f32", "tex.a2d.v4.f32.f32", "tex.cube.v4.f32.f32",
                           "tex.grad.2d.v4.f32.f32", "tex.base.2d.v4.f32.f32", "tex.2d.v2.f16x2.f32",
                           "tex.2d.v4.f16.f32", "tex.2d.v4.f32.f16", "tld4.r.2d.v4.f32.f32", "tex.2d"}) {
    const Failure failure = failure_of(gpu, 0, reading_kernel(form, "{%r1, %r2}"));
    CHECK(failure.status == Status::not_supported);
    CHECK(failure.mentions(form));
  }
  const std::string form = "tex.2d.v4.f32.f32";
  // A sampler of its own; offsets; and with too few coordinates it is no PTX.
  CHECK(failure_of(gpu, 0, reading_kernel(form, "%d1, {%r1, %r2}")).status == Status::not_supported);
  CHECK(failure_of(gpu, 0, reading_kernel(form, "{%r1, %r2}", ", {%r1, %r2}")).status ==
        Status::not_supported);
  CHECK(failure_of(gpu, 0, reading_kernel(form, "{%r1}")).status == Status::invalid_ptx);
  CHECK(failure_of(gpu, 0, reading_kernel("tex.3d.v4.f32.f32", "{%r1, %r2, %r2}")).status ==
        Status::invalid_ptx);
  CHECK(failure_of(gpu, 0, reading_kernel("tex.level.2d.v4.f32.f32", "{%r1, %r2}")).status ==
        Status::invalid_ptx);
}

}  // namespace
}  // namespace vgpu::software::test
