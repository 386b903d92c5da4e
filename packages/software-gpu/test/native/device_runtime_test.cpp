// printf's texts, the buffer that they go through, and the heap: without a kernel.
#include "vgpu/software_gpu/device_runtime.h"

#include <doctest/doctest.h>

#include <atomic>
#include <cstring>
#include <thread>
#include <vector>

#include "execution/device_printf.h"

namespace vgpu::software::test {
namespace {

/// Arguments as a kernel packs them.
class Packed {
 public:
  template <class T>
  Packed& add(T value) {
    bytes_.resize((bytes_.size() + sizeof(T) - 1) / sizeof(T) * sizeof(T));
    bytes_.resize(bytes_.size() + sizeof(T));
    std::memcpy(bytes_.data() + bytes_.size() - sizeof(T), &value, sizeof value);
    return *this;
  }

  FormattedText format(std::string_view text) const {
    return format_device_printf(
        text, {.argument =
                   [this](std::uint64_t offset, void* to, std::size_t bytes) {
                     REQUIRE(offset + bytes <= bytes_.size());
                     std::memcpy(to, bytes_.data() + offset, bytes);
                   },
               .string = [](std::uint64_t address) { return "string " + std::to_string(address); }});
  }

 private:
  std::vector<std::byte> bytes_;
};

std::string all_of(DeviceOutput& output) {
  std::string text;
  for (const DeviceOutput::Text& part : output.take()) text += part.text;
  return text;
}

}  // namespace

TEST_CASE("printf: each argument is aligned to its size") {
  const FormattedText formatted =
      Packed().add(7).add(2.5).add('x' + 0).add(std::int64_t{1} << 40).add(-1).format("%d %f %c %lld %u");
  CHECK(formatted.text == "7 2.500000 x 1099511627776 4294967295");
  CHECK(formatted.arguments == 5);
}

TEST_CASE("printf: strings, stars, pointers") {
  CHECK(Packed().add(std::uint64_t{5}).add(std::uint64_t{0}).format("%s, %s").text == "string 5, (null)");
  CHECK(Packed().add(5).add(-5).format("%*d|").text == "   -5|");
  CHECK(Packed().add(-4).add(1).format("%*d|").text == "1   |");
  CHECK(Packed().add(-1).add(2.5).format("%.*f").text == "2.500000");
  CHECK(Packed().add(std::uint64_t{255}).format("%p").text == "0xff");
}

TEST_CASE("printf: what CUDA does not know is copied") {
  CHECK(Packed().format("%y %").text == "%y %");
  CHECK(Packed().format("100%").text == "100%");
  CHECK(Packed().format("%n").text == "%n");
  CHECK(Packed().format("%hhhd").text == "%hhhd");
  CHECK(Packed().format("%-5.3").text == "%-5.3");
  CHECK(Packed().add(1).format("%2147483647d").text == "%2147483647d");
  CHECK(Packed().format("").arguments == 0);
}

TEST_CASE("printf: the 33rd argument is ignored") {
  Packed packed;
  std::string format;
  for (int i = 0; i < 33; ++i) {
    packed.add(i % 10);
    format += "%d";
  }
  const FormattedText formatted = packed.format(format);
  CHECK(formatted.text == "01234567890123456789012345678901%d");
  CHECK(formatted.arguments == 32);
}

TEST_CASE("output: blocks come in their order, and so do the texts of a block") {
  using enum DeviceOutput::Stream;
  DeviceOutput buffer;
  buffer.begin(1000);
  buffer.write(2, output, "c");
  buffer.write(0, output, "a");
  buffer.write(2, output, "d");
  buffer.write(1, output, "b");
  buffer.write(3, error, "e");
  const auto texts = buffer.take();
  REQUIRE(texts.size() == 2);
  CHECK(texts[0].text == "abcd");
  CHECK(texts[0].stream == output);
  CHECK(texts[1].text == "e");
  CHECK(texts[1].stream == error);
  CHECK(buffer.take().empty());
}

TEST_CASE("output: the oldest text makes room") {
  using enum DeviceOutput::Stream;
  DeviceOutput buffer;
  buffer.begin(3 * (DeviceOutput::kRecordBytes + 1));
  for (const char* text : {"1", "2", "3", "4"}) buffer.write(0, output, text);
  CHECK(all_of(buffer) == "234");
  buffer.write(0, output, std::string(1000, 'x'));
  buffer.write(0, output, "5");
  CHECK(all_of(buffer) == "5");
  buffer.begin(0);
  buffer.write(0, output, "6");
  CHECK(all_of(buffer).empty());
}

TEST_CASE("heap: pieces are apart, and freed ones join") {
  DeviceMemory memory(1 << 20);
  DeviceHeap heap(memory);
  CHECK(heap.allocate(16) == 0);
  heap.reserve(256);
  CHECK(memory.free_bytes() < memory.total_bytes());
  const DeviceAddress a = heap.allocate(1);
  const DeviceAddress b = heap.allocate(100);
  const DeviceAddress c = heap.allocate(112);
  CHECK(a % 16 == 0);
  CHECK(b >= a + 16);
  CHECK(c >= b + 112);
  CHECK(heap.allocate(100) == 0);
  CHECK(heap.free(a));
  CHECK(heap.free(c));
  CHECK(heap.allocate(256) == 0);
  CHECK(heap.free(b));
  CHECK(heap.allocate(256) == a);
}

TEST_CASE("heap: what was not allocated cannot be freed") {
  DeviceMemory memory(1 << 20);
  DeviceHeap heap(memory);
  heap.reserve(1024);
  const DeviceAddress a = heap.allocate(64);
  CHECK_FALSE(heap.free(a + 16));
  CHECK(heap.free(a));
  CHECK_FALSE(heap.free(a));
  CHECK_FALSE(heap.free(12345));
}

TEST_CASE("heap: new memory is zero, alignment is kept, absurd sizes are refused") {
  DeviceMemory memory(1 << 20);
  DeviceHeap heap(memory);
  heap.reserve(64 << 10);
  const DeviceAddress a = heap.allocate(64);
  std::memset(reinterpret_cast<void*>(a), 0x55, 64);
  CHECK(heap.free(a));
  const DeviceAddress b = heap.allocate(64);
  CHECK(b == a);
  CHECK(*reinterpret_cast<const std::uint64_t*>(b) == 0);
  static_cast<void>(heap.allocate(16));
  const DeviceAddress aligned = heap.allocate(100, 4096);
  CHECK(aligned != 0);
  CHECK(aligned % 4096 == 0);
  CHECK(heap.free(aligned));
  CHECK(heap.allocate(0) == 0);
  CHECK(heap.allocate(~std::uint64_t{0}) == 0);
  CHECK(heap.allocate(~std::uint64_t{0} - 8) == 0);
}

TEST_CASE("heap: threads at once") {
  DeviceMemory memory(16 << 20);
  DeviceHeap heap(memory);
  heap.reserve(1 << 20);
  std::atomic<int> mistakes = 0;
  const auto work = [&](unsigned seed) {
    std::vector<DeviceAddress> kept;
    for (unsigned i = 0; i < 2000; ++i) {
      const DeviceAddress address = heap.allocate(16 + (i * seed) % 200);
      if (address == 0) continue;
      *reinterpret_cast<DeviceAddress*>(address) = address + seed;
      kept.push_back(address);
      if (kept.size() < 20) continue;
      const DeviceAddress oldest = kept.front();
      kept.erase(kept.begin());
      if (*reinterpret_cast<DeviceAddress*>(oldest) != oldest + seed || !heap.free(oldest)) ++mistakes;
    }
    for (const DeviceAddress address : kept) {
      if (!heap.free(address)) ++mistakes;
    }
  };
  std::thread other(work, 7);
  work(11);
  other.join();
  CHECK(mistakes == 0);
  CHECK(heap.allocate(1 << 20) != 0);  // everything has joined again
}

}  // namespace vgpu::software::test
