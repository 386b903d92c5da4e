#include "gpu/elementwise.h"

#include <algorithm>
#include <cstring>

#include "compute/checks.h"
#include "compute/error.h"
#include "compute/kernels.h"
#include "gpu/kernel_name.h"
#include "gpu/pieces.h"

namespace vgpu::gpu {
namespace {

using compute::Array;

Array first(const Array& array, std::size_t count) {
  return {array.type, array.data, count};
}

void checkOutput(const Array& x, const Array& out) {
  compute::checkType(out, x.type);
  compute::checkCount(x.count, out);
  compute::checkSameOrApart(x, first(out, x.count));
}

template <typename T>
T scalar(const compute::Number& number) {
  T converted{};
  if (const auto* value = std::get_if<double>(&number)) {
    compute::kernels<double>().cast[static_cast<std::size_t>(compute::typeOf<T>())](value, &converted, 1);
  } else {
    converted = static_cast<T>(std::get<compute::Wide>(number));
  }
  return converted;
}

/** Computes `out` in pieces of x and y. */
void map(const Context& context, std::span<const Array> inputs, const Array& out, const Launch& launch) {
  const bool isInput =
      std::any_of(inputs.begin(), inputs.end(), [&](const Array& input) { return input.data == out.data; });
  Target target(context, out.data, out.bytes(), isInput);
  forPieces(context, inputs, out.count, {.bytes = compute::elementBytes(out.type)}, launch,
            [&](std::size_t offset, const std::byte* data, std::size_t bytes) {
              target.write(offset, data, bytes);
            });
  target.finish();
}

template <typename T>
void checkDivisors(const T* y, std::size_t count) {
  const auto zero = static_cast<std::size_t>(std::find(y, y + count, T{0}) - y);
  if (zero == count) return;
  throw compute::Error(compute::ErrorKind::divisionByZero,
                       "division by the integer 0 at index " + std::to_string(zero), zero);
}

const char* nameOf(compute::Binary operation) {
  switch (operation) {
    case compute::Binary::add:
      return "add";
    case compute::Binary::sub:
      return "sub";
    case compute::Binary::mul:
      return "mul";
    case compute::Binary::div:
      break;
  }
  return "div";
}

}  // namespace

void binary(const Context& context, compute::Binary operation, const Array& x, const Array& y,
            const Array& out) {
  compute::checkType(y, x.type);
  compute::checkCount(x.count, y);
  checkOutput(x, out);
  checkOutput(first(y, x.count), out);
  compute::withType(x.type, [&]<typename T>(T) {
    if constexpr (std::is_integral_v<T>) {
      if (operation != compute::Binary::div) return;
      context.gate().pass([&] { checkDivisors(y.as<T>(), x.count); });
    }
  });
  const std::string kernel = kernelName(nameOf(operation), nameOf(x.type));
  map(context, std::array{x, y}, first(out, x.count), [&](const Piece& piece) {
    context.device().launch(Family::elementwise, kernel, gridFor(piece.count), piece.stream, piece.inputs[0],
                            piece.inputs[1], piece.output, piece.count, piece.capacity);
  });
}

void scale(const Context& context, const Array& x, const compute::Number& factor, const Array& out) {
  checkOutput(x, out);
  compute::withType(x.type, [&]<typename T>(T) {
    const T by = scalar<T>(factor);
    map(context, std::array{x}, first(out, x.count), [&](const Piece& piece) {
      context.device().launch(Family::elementwise, kernelName("scale", nameOf(x.type)), gridFor(piece.count),
                              piece.stream, piece.inputs[0], by, piece.output, piece.count, piece.capacity);
    });
  });
}

void axpy(const Context& context, const compute::Number& alpha, const Array& x, const Array& y,
          const Array& out) {
  compute::checkType(y, x.type);
  compute::checkCount(x.count, y);
  checkOutput(x, out);
  checkOutput(first(y, x.count), out);
  compute::withType(x.type, [&]<typename T>(T) {
    const T by = scalar<T>(alpha);
    map(context, std::array{x, y}, first(out, x.count), [&](const Piece& piece) {
      context.device().launch(Family::elementwise, kernelName("axpy", nameOf(x.type)), gridFor(piece.count),
                              piece.stream, by, piece.inputs[0], piece.inputs[1], piece.output, piece.count,
                              piece.capacity);
    });
  });
}

void fill(const Context& context, const compute::Number& value, const Array& out) {
  const auto run = [&](auto bits) {
    map(context, {}, out, [&](const Piece& piece) {
      context.device().launch(Family::elementwise, kernelName("fill", bitsOf(out.type)), gridFor(piece.count),
                              piece.stream, bits, piece.output, piece.count, piece.capacity);
    });
  };
  compute::withType(out.type, [&]<typename T>(T) {
    const T with = scalar<T>(value);
    std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t> bits = 0;
    std::memcpy(&bits, &with, sizeof(T));
    run(bits);
  });
}

void cast(const Context& context, const Array& x, const Array& out) {
  compute::checkCount(x.count, out);
  const Array target = first(out, x.count);
  if (x.data != target.data || compute::elementBytes(x.type) != compute::elementBytes(target.type)) {
    compute::checkApart(x, target);
  }
  const std::string kernel = kernelName("cast", nameOf(x.type) + "_" + nameOf(out.type));
  map(context, std::array{x}, target, [&](const Piece& piece) {
    context.device().launch(Family::elementwise, kernel, gridFor(piece.count), piece.stream, piece.inputs[0],
                            piece.output, piece.count, piece.capacity);
  });
}

}  // namespace vgpu::gpu
