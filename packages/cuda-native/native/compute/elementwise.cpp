#include "compute/elementwise.h"

#include <algorithm>
#include <atomic>
#include <string>

#include "compute/checks.h"
#include "compute/error.h"
#include "compute/kernels.h"

namespace vgpu::compute {
namespace {

constexpr std::size_t kBlock = std::size_t{1} << 16;

void checkOutput(const Array& x, const Array& out) {
  checkType(out, x.type);
  checkCount(x.count, out);
  checkSameOrApart(x, {out.type, out.data, x.count});
}

template <typename T>
T scalar(const Number& number) {
  T converted{};
  if (const auto* value = std::get_if<double>(&number)) {
    kernels<double>().cast[static_cast<std::size_t>(typeOf<T>())](value, &converted, 1);
  } else {
    converted = static_cast<T>(std::get<Wide>(number));
  }
  return converted;
}

template <typename T>
void checkDivisors(const Context& context, const T* y, std::size_t count) {
  std::atomic<std::size_t> zero{count};
  context.forBlocks(count, kBlock, [&](std::size_t first, std::size_t last) {
    const auto found = static_cast<std::size_t>(std::find(y + first, y + last, T{0}) - y);
    if (found == last) return;
    std::size_t before = zero.load();
    while (found < before && !zero.compare_exchange_weak(before, found)) {
    }
  });
  if (zero == count) return;
  throw Error(ErrorKind::divisionByZero, "division by the integer 0 at index " + std::to_string(zero), zero);
}

template <typename T>
auto kernelOf(Binary operation) {
  const Kernels<T>& table = kernels<T>();
  switch (operation) {
    case Binary::add:
      return table.add;
    case Binary::sub:
      return table.sub;
    case Binary::mul:
      return table.mul;
    case Binary::div:
      break;
  }
  return table.div;
}

}  // namespace

void binary(const Context& context, Binary operation, const Array& x, const Array& y, const Array& out) {
  checkType(y, x.type);
  checkCount(x.count, y);
  checkOutput(x, out);
  checkOutput({y.type, y.data, x.count}, out);
  withType(x.type, [&]<typename T>(T) {
    const T* left = x.as<T>();
    const T* right = y.as<T>();
    if (operation == Binary::div && !std::is_floating_point_v<T>) checkDivisors(context, right, x.count);
    const auto kernel = kernelOf<T>(operation);
    context.forBlocks(x.count, kBlock, [&](std::size_t first, std::size_t last) {
      kernel(left + first, right + first, out.as<T>() + first, last - first);
    });
  });
}

void scale(const Context& context, const Array& x, const Number& factor, const Array& out) {
  checkOutput(x, out);
  withType(x.type, [&]<typename T>(T) {
    const T by = scalar<T>(factor);
    context.forBlocks(x.count, kBlock, [&](std::size_t first, std::size_t last) {
      kernels<T>().scale(x.as<T>() + first, by, out.as<T>() + first, last - first);
    });
  });
}

void axpy(const Context& context, const Number& alpha, const Array& x, const Array& y, const Array& out) {
  checkType(y, x.type);
  checkCount(x.count, y);
  checkOutput(x, out);
  checkOutput({y.type, y.data, x.count}, out);
  withType(x.type, [&]<typename T>(T) {
    const T by = scalar<T>(alpha);
    context.forBlocks(x.count, kBlock, [&](std::size_t first, std::size_t last) {
      kernels<T>().axpy(by, x.as<T>() + first, y.as<T>() + first, out.as<T>() + first, last - first);
    });
  });
}

void fill(const Context& context, const Number& value, const Array& out) {
  withType(out.type, [&]<typename T>(T) {
    const T with = scalar<T>(value);
    context.forBlocks(out.count, kBlock, [&](std::size_t first, std::size_t last) {
      std::fill(out.as<T>() + first, out.as<T>() + last, with);
    });
  });
}

void cast(const Context& context, const Array& x, const Array& out) {
  checkCount(x.count, out);
  const Array target{out.type, out.data, x.count};
  if (x.data != target.data || elementBytes(x.type) != elementBytes(target.type)) checkApart(x, target);
  withType(x.type, [&]<typename T>(T) {
    const auto kernel = kernels<T>().cast[static_cast<std::size_t>(target.type)];
    context.forBlocks(x.count, kBlock, [&](std::size_t first, std::size_t last) {
      kernel(x.as<T>() + first, target.data + first * elementBytes(target.type), last - first);
    });
  });
}

}  // namespace vgpu::compute
