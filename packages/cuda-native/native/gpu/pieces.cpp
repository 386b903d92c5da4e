#include "gpu/pieces.h"

#include <algorithm>

namespace vgpu::gpu {
namespace {

std::size_t valuesOf(const Output& output, std::size_t count) {
  return (count + output.per - 1) / output.per;
}

/** What one lane has on the device, and what of it is on its way. */
struct LaneBuffers {
  std::array<Buffer, kInputs> inputs;
  Buffer output;
  bool busy = false;
  std::size_t first = 0;
  std::size_t count = 0;
};

class Pipeline {
 public:
  Pipeline(const Context& context, std::span<const compute::Array> inputs, std::size_t count,
           const Output& output)
      : context_(context), inputs_(inputs), count_(count), output_(output) {
    std::size_t widest = output.per == 1 ? output.bytes : 1;
    for (const compute::Array& input : inputs) widest = std::max(widest, compute::elementBytes(input.type));
    most_ = kPieceBytes / widest;
    capacity_ = std::min(most_, count);
  }

  void run(const Launch& launch, const Take& take) {
    std::size_t piece = 0;
    for (std::size_t first = 0; first < count_; first += most_, ++piece) {
      context_.throwIfStopped();
      finish(piece, take);
      start(piece, first, launch);
    }
    // The one before the last comes first.
    finish(piece, take);
    finish(piece + 1, take);
  }

 private:
  void start(std::size_t piece, std::size_t first, const Launch& launch) {
    LaneBuffers& own = lanes_[piece % Device::lanes];
    const Lane& lane = context_.device().lane(piece);
    const Driver& driver = context_.device().driver();
    own.first = first;
    own.count = std::min(most_, count_ - first);
    Piece made{.stream = lane.stream,
               .count = own.count,
               .capacity = capacity_,
               .outputCapacity = valuesOf(output_, capacity_)};
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      const std::size_t size = compute::elementBytes(inputs_[i].type);
      if (own.inputs[i].address() == 0) own.inputs[i] = context_.allocate(capacity_ * size);
      std::byte* staging = lane.staging + i * kPieceBytes;
      context_.gate().copy(staging, inputs_[i].data + first * size, own.count * size);
      made.inputs[i] = own.inputs[i].address();
      driver.check(driver.cuMemcpyHtoDAsync_v2(made.inputs[i], staging, own.count * size, lane.stream),
                   "cuMemcpyHtoDAsync");
    }
    if (own.output.address() == 0) own.output = context_.allocate(made.outputCapacity * output_.bytes);
    made.output = own.output.address();
    launch(made);
    driver.check(driver.cuMemcpyDtoHAsync_v2(lane.staging + kInputs * kPieceBytes, made.output,
                                             valuesOf(output_, own.count) * output_.bytes, lane.stream),
                 "cuMemcpyDtoHAsync");
    own.busy = true;
  }

  void finish(std::size_t piece, const Take& take) {
    LaneBuffers& own = lanes_[piece % Device::lanes];
    if (!own.busy) return;
    const Lane& lane = context_.device().lane(piece);
    context_.device().synchronize(lane.stream);
    own.busy = false;
    take(own.first / output_.per * output_.bytes, lane.staging + kInputs * kPieceBytes,
         valuesOf(output_, own.count) * output_.bytes);
  }

  const Context& context_;
  std::span<const compute::Array> inputs_;
  std::size_t count_;
  Output output_;
  /** Elements of a whole piece, and of the longest one that there is. */
  std::size_t most_ = 0;
  std::size_t capacity_ = 0;
  std::array<LaneBuffers, Device::lanes> lanes_;
};

}  // namespace

void forPieces(const Context& context, std::span<const compute::Array> inputs, std::size_t count,
               const Output& output, const Launch& launch, const Take& take) {
  Pipeline(context, inputs, count, output).run(launch, take);
}

}  // namespace vgpu::gpu
