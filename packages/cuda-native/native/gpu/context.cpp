#include "gpu/context.h"

#include <algorithm>
#include <cstring>

#include "compute/error.h"

namespace vgpu::gpu {
namespace {

[[noreturn]] void abort() {
  throw compute::Error(compute::ErrorKind::aborted, "aborted");
}

/** Calls work(place in the rows, place in the piece, bytes) for bytes first … first + count of the rows put
 * together. */
template <typename Work>
void forRows(const Rows& rows, std::size_t first, std::size_t count, Work work) {
  for (std::size_t done = 0; done < count;) {
    const std::size_t row = (first + done) / rows.rowBytes;
    const std::size_t column = (first + done) % rows.rowBytes;
    const std::size_t bytes = std::min(rows.rowBytes - column, count - done);
    work(rows.row(row) + column, done, bytes);
    done += bytes;
  }
}

Rows joined(const Rows& rows) {
  const bool isOneRun =
      rows.stride == rows.rowBytes && (rows.groups == 1 || rows.step == rows.rowBytes * rows.rows);
  return isOneRun ? Rows{rows.data, rows.bytes(), 1, rows.bytes()} : rows;
}

}  // namespace

void Gate::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
}

void Gate::copy(std::byte* to, const std::byte* from, std::size_t bytes) {
  pass([&] { std::memcpy(to, from, bytes); });
}

void Gate::throwIfClosed() const {
  if (closed_) abort();
}

Rows rowsOf(const compute::Array& array) {
  return {array.data, array.bytes(), 1, array.bytes()};
}

Rows rowsOf(const compute::Matrix& matrix) {
  const std::size_t size = compute::elementBytes(matrix.array.type);
  return {matrix.array.data, matrix.columns * size, matrix.rows, matrix.stride * size};
}

Rows rowsOf(const compute::MatrixBatch& batch) {
  Rows rows = rowsOf(batch.first);
  rows.groups = batch.count;
  rows.step = batch.step * compute::elementBytes(batch.first.array.type);
  return rows;
}

void Context::throwIfStopped() const {
  gate_.pass([&] {
    // JavaScript stores there with Atomics.
    if (stop_ != nullptr && __atomic_load_n(stop_, __ATOMIC_RELAXED) != 0) abort();
  });
}

Buffer Context::upload(const Rows& source) const {
  const Rows rows = joined(source);
  const std::size_t total = rows.bytes();
  Buffer buffer = allocate(total);
  const Driver& driver = device_.driver();
  std::size_t piece = 0;
  for (std::size_t first = 0; first < total; first += kPieceBytes, ++piece) {
    throwIfStopped();
    const Lane& lane = device_.lane(piece);
    if (piece >= Device::lanes) device_.synchronize(lane.stream);
    const std::size_t bytes = std::min(kPieceBytes, total - first);
    gate_.pass([&] {
      forRows(rows, first, bytes, [&](const std::byte* from, std::size_t at, std::size_t count) {
        std::memcpy(lane.staging + at, from, count);
      });
    });
    driver.check(driver.cuMemcpyHtoDAsync_v2(buffer.address() + first, lane.staging, bytes, lane.stream),
                 "cuMemcpyHtoDAsync");
  }
  for (std::size_t lane = 0; lane < std::min(piece, Device::lanes); ++lane) {
    device_.synchronize(device_.lane(lane).stream);
  }
  return buffer;
}

void Context::fetch(DevicePointer from, std::byte* to, std::size_t total) const {
  const Driver& driver = device_.driver();
  device_.synchronize(stream());
  const auto bytesOf = [&](std::size_t piece) { return std::min(kPieceBytes, total - piece * kPieceBytes); };
  const std::size_t pieces = (total + kPieceBytes - 1) / kPieceBytes;
  const auto begin = [&](std::size_t piece) {
    const Lane& lane = device_.lane(piece);
    driver.check(
        driver.cuMemcpyDtoHAsync_v2(lane.staging, from + piece * kPieceBytes, bytesOf(piece), lane.stream),
        "cuMemcpyDtoHAsync");
  };
  if (pieces > 0) begin(0);
  for (std::size_t piece = 0; piece < pieces; ++piece) {
    throwIfStopped();
    if (piece + 1 < pieces) begin(piece + 1);
    device_.synchronize(device_.lane(piece).stream);
    std::memcpy(to + piece * kPieceBytes, device_.lane(piece).staging, bytesOf(piece));
  }
}

void Context::download(DevicePointer from, const Rows& target, bool isInput) const {
  const Rows rows = joined(target);
  const std::size_t total = rows.bytes();
  const auto write = [&](std::size_t first, const std::byte* data, std::size_t bytes) {
    forRows(rows, first, bytes,
            [&](std::byte* to, std::size_t at, std::size_t count) { gate_.copy(to, data + at, count); });
  };
  // In parts, so that the result need not be on the host twice; unless its place is still needed.
  const std::size_t part = isInput ? std::max<std::size_t>(total, 1) : 8 * kPieceBytes;
  std::vector<std::byte> held(std::min(part, total));
  for (std::size_t first = 0; first < total; first += part) {
    const std::size_t bytes = std::min(part, total - first);
    fetch(from + first, held.data(), bytes);
    write(first, held.data(), bytes);
  }
}

Target::Target(const Context& context, std::byte* data, std::size_t bytes, bool isInput)
    : context_(context), data_(data), held_(isInput ? bytes : 0) {}

void Target::write(std::size_t offset, const std::byte* from, std::size_t bytes) {
  if (held_.empty()) {
    context_.gate().copy(data_ + offset, from, bytes);
  } else {
    std::memcpy(held_.data() + offset, from, bytes);
  }
}

void Target::finish() {
  if (!held_.empty()) context_.gate().copy(data_, held_.data(), held_.size());
}

}  // namespace vgpu::gpu
