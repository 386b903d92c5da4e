// Textures: memory that kernels read by coordinates, through objects that the program makes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>

#include "vgpu/software_gpu/device_memory.h"

namespace vgpu::software {

enum class ChannelType : std::uint8_t { u8, u16, u32, s8, s16, s32, f16, f32 };

constexpr std::uint32_t channel_bytes(ChannelType type) {
  switch (type) {
    case ChannelType::u8:
    case ChannelType::s8:
      return 1;
    case ChannelType::u16:
    case ChannelType::s16:
    case ChannelType::f16:
      return 2;
    default:
      return 4;
  }
}

/// What a coordinate outside the texture means (CUDA C++ Programming Guide, "Texture Fetching").
enum class AddressMode : std::uint8_t { wrap, clamp, mirror, border };

/// Where texels lie and how they are read. Whoever makes one has checked that no number here overflows:
/// pitch · height · depth and what lies before it are addresses.
struct Texture {
  enum class Shape : std::uint8_t {
    buffer,  // texels next to each other, read by their number; outside are zeros
    line,    // the same with address modes and a filter
    plane,   // rows of texels
    volume,  // slices of rows
  };

  Shape shape = Shape::buffer;
  DeviceAddress address = 0;
  std::uint64_t width = 0;   // texels
  std::uint64_t height = 1;  // rows
  std::uint64_t depth = 1;   // slices
  std::uint64_t pitch = 0;   // bytes from one row to the next; `height` of them from one slice to the next
  ChannelType type = ChannelType::f32;
  std::uint32_t channels = 1;  // 1, 2 or 4
  std::array<AddressMode, 3> address_modes{AddressMode::clamp, AddressMode::clamp, AddressMode::clamp};
  bool filters = false;  // linearly; only where texels read as floats
  bool normalized_coordinates = false;
  bool reads_integers = false;  // 8 and 16 bits as they are, instead of as [0, 1] or [-1, 1]
  std::array<float, 4> border{};

  [[nodiscard]] unsigned dimensions() const {
    return shape == Shape::volume ? 3 : shape == Shape::plane ? 2 : 1;
  }
  [[nodiscard]] std::uint32_t texel_bytes() const { return channels * channel_bytes(type); }
  [[nodiscard]] bool is_integer() const {
    const bool narrow = channel_bytes(type) < 4;
    const bool is_float = type == ChannelType::f16 || type == ChannelType::f32;
    return !is_float && (reads_integers || !narrow);
  }
};

/// Textures by the numbers that kernels get. Not thread-safe: changed only between launches, which read it.
class TextureTable {
 public:
  /// The number is never given out twice.
  std::uint64_t insert(const Texture& texture) {
    const std::uint64_t handle = next_++;
    textures_.emplace(handle, texture);
    return handle;
  }
  void erase(std::uint64_t handle) { textures_.erase(handle); }
  /// nullptr where there is none.
  [[nodiscard]] const Texture* find(std::uint64_t handle) const {
    const auto found = textures_.find(handle);
    return found == textures_.end() ? nullptr : &found->second;
  }
  /// What is wrong with a number that find() does not know.
  [[nodiscard]] std::string describe(std::uint64_t handle) const {
    const std::string subject = "texture " + std::to_string(handle);
    return handle >= kFirst && handle < next_ ? subject + " has been destroyed" : subject + " does not exist";
  }

 private:
  // Far from what a program that forgot to create one has in its memory.
  static constexpr std::uint64_t kFirst = 0x7e00'0001;

  std::uint64_t next_ = kFirst;
  std::unordered_map<std::uint64_t, Texture> textures_;
};

}  // namespace vgpu::software
