// cuBLAS's operations. Every matrix and vector is checked as a whole before anything is computed: whoever
// names memory that is not there gets the error that the original's kernels would have run into.
#include <cstring>

#include "backends/description.h"
#include "backends/software/blas_operands.h"
#include "backends/software/busy_span.h"
#include "backends/software/software_backend.h"
#include "support/log.h"
#include "vgpu/blas/short_floats.h"
#include "vgpu/blas/triangular.h"
#include "vgpu/blas/vector_operations.h"

namespace vgpu::executor {
namespace {

using blas::Element;
using blas::Matrix;

/// What the executor computes in, of the compute types that the guest lets pass.
Element scalar_element(std::int32_t compute) {
  switch (compute) {
    case CUBLAS_COMPUTE_16F:
    case CUBLAS_COMPUTE_16F_PEDANTIC:
      return Element::f16;
    case CUBLAS_COMPUTE_32I:
    case CUBLAS_COMPUTE_32I_PEDANTIC:
      return Element::i32;
    case CUBLAS_COMPUTE_64F:
    case CUBLAS_COMPUTE_64F_PEDANTIC:
    case CUBLAS_COMPUTE_64F_EMULATED_FIXEDPOINT:
      return Element::f64;
    default:
      return Element::f32;
  }
}

/// Sums are formed in float or in double; the types must fit, which a guest's own checks make sure of.
void require_types(Element a, Element b, Element c, Element scalar) {
  const bool wide = c == Element::f64 || c == Element::i32;
  const bool fits = c == Element::f64   ? a == Element::f64 && b == Element::f64
                    : c == Element::i32 ? a == Element::i8 && b == Element::i8
                                        : a != Element::f64 && b != Element::f64 && c != Element::i8;
  const bool scalar_fits = wide ? scalar == c : scalar == Element::f16 || scalar == Element::f32;
  if (!fits || !scalar_fits || a == Element::i32 || b == Element::i32)
    throw CallError(CUDA_ERROR_INVALID_VALUE, "a product of types that do not go together");
}

constexpr std::int32_t kTransposed[] = {CUBLAS_OP_T, CUBLAS_OP_C};

bool is_transposed(std::int32_t operation) {
  return operation == kTransposed[0] || operation == kTransposed[1];
}

/// The matrix that the operation makes of it.
Matrix apply(std::int32_t operation, Matrix matrix) {
  if (is_transposed(operation)) std::swap(matrix.row_stride, matrix.column_stride);
  return matrix;
}

BlasOperands::Shape shape(std::int32_t operation, std::uint32_t rows, std::uint32_t columns) {
  return is_transposed(operation) ? BlasOperands::Shape{columns, rows} : BlasOperands::Shape{rows, columns};
}

}  // namespace

blas::Multiplier& SoftwareBackend::multiplier() {
  if (multiplier_) return *multiplier_;
  const auto path = [this] {
    switch (gpu_->vector_path()) {
      case software::VectorPath::avx512:
        return blas::Path::avx512;
      case software::VectorPath::avx2:
        return blas::Path::avx2;
      default:
        return blas::Path::portable;
    }
  }();
  multiplier_ = std::make_unique<blas::Multiplier>(
      path, gpu_->threads(),
      [this](unsigned count, const std::function<void(unsigned)>& task) { gpu_->parallel(count, task); },
      use_open_blas_);
  if (log_ != nullptr) log_->write(Level::info, "matrix products by " + multiplier_->description());
  return *multiplier_;
}

CUresult SoftwareBackend::vgpuBlasOpen(Handle current) {
  require_context(current);
  static_cast<void>(multiplier());
  return CUDA_SUCCESS;
}

CUresult SoftwareBackend::vgpuBlasMultiply(Handle current, std::span<const std::byte> description,
                                           Handle stream) {
  require_stream(current, stream);
  const BusySpan busy(account_);
  const auto given = read_description<vgpu_blas_product>(description);
  BlasOperands operands(space_, given.flags, given.batch_count);
  const Element scalar = scalar_element(given.compute);
  const Element types[] = {blas_element(given.type_a), blas_element(given.type_b),
                           blas_element(given.type_c)};
  require_types(types[0], types[1], types[2], scalar);

  blas::Product product;
  product.m = given.m;
  product.n = given.n;
  product.k = given.k;
  if (given.m == 0 || given.n == 0 || given.batch_count == 0) return CUDA_SUCCESS;
  product.alpha = operands.scalar("alpha", given.alpha, scalar, VGPU_BLAS_ALPHA_ON_DEVICE);
  product.beta = operands.scalar("beta", given.beta, scalar, VGPU_BLAS_BETA_ON_DEVICE);
  if (given.k == 0) product.alpha = 0;
  std::vector<blas::Product> batch(given.batch_count, product);
  if (product.alpha != 0) {
    const auto a = operands.matrices({"A", given.a, given.lda, given.stride_a, types[0]},
                                     shape(given.operation_a, given.m, given.k), false);
    const auto b = operands.matrices({"B", given.b, given.ldb, given.stride_b, types[1]},
                                     shape(given.operation_b, given.k, given.n), false);
    for (std::size_t i = 0; i < batch.size(); ++i) {
      batch[i].a = apply(given.operation_a, a[i]);
      batch[i].b = apply(given.operation_b, b[i]);
    }
  }
  const auto c =
      operands.matrices({"C", given.c, given.ldc, given.stride_c, types[2]}, {given.m, given.n}, true);
  for (std::size_t i = 0; i < batch.size(); ++i) batch[i].c = c[i];
  multiplier().multiply(batch);
  return CUDA_SUCCESS;
}

CUresult SoftwareBackend::vgpuBlasSolve(Handle current, std::span<const std::byte> description,
                                        Handle stream) {
  require_stream(current, stream);
  const BusySpan busy(account_);
  const auto given = read_description<vgpu_blas_solve>(description);
  BlasOperands operands(space_, given.flags, given.batch_count);
  const Element element = blas_element(given.type);
  if (element != Element::f32 && element != Element::f64)
    throw CallError(CUDA_ERROR_INVALID_VALUE, "equations are of float or double");
  if (given.m == 0 || given.n == 0 || given.batch_count == 0) return CUDA_SUCCESS;
  const bool left = given.side == CUBLAS_SIDE_LEFT;
  const std::uint32_t order = left ? given.m : given.n;
  blas::TriangularSystem system;
  system.order = order;
  system.columns = left ? given.n : given.m;
  system.alpha = operands.scalar("alpha", given.alpha, element, VGPU_BLAS_ALPHA_ON_DEVICE);
  system.lower = given.fill == CUBLAS_FILL_MODE_LOWER;
  system.unit = given.diagonal == CUBLAS_DIAG_UNIT;
  // X op(A) = B is op(A)' X' = B'; and the transpose of a lower triangle is an upper one.
  const bool transposed = is_transposed(given.operation) == left;
  if (transposed) system.lower = !system.lower;
  const auto a = operands.matrices({"A", given.a, given.lda, given.stride_a, element}, {order, order}, false);
  const auto b =
      operands.matrices({"B", given.b, given.ldb, given.stride_b, element}, {given.m, given.n}, true);
  for (std::size_t i = 0; i < b.size(); ++i) {
    system.a = apply(transposed ? CUBLAS_OP_T : CUBLAS_OP_N, a[i]);
    system.b = apply(left ? CUBLAS_OP_N : CUBLAS_OP_T, b[i]);
    blas::solve(system);
  }
  return CUDA_SUCCESS;
}

namespace {

/// The two vectors of an operation of level 1, and what it computes.
template <typename Number>
class VectorCall {
 public:
  VectorCall(DeviceSpace& space, const vgpu_blas_vector& given)
      : operands_(space, given.flags, 1), given_(given), count_(given.count) {
    constexpr Element kElement = sizeof(Number) == sizeof(double) ? Element::f64 : Element::f32;
    element_ = kElement;
  }

  /// The bits of the result; 0 for an operation without one.
  std::uint64_t run() {
    switch (given_.operation) {
      case VGPU_BLAS_AXPY:
        blas::axpy<Number>(count_, alpha(), readable("x", given_.x, given_.increment_x),
                           writable("y", given_.y, given_.increment_y));
        return 0;
      case VGPU_BLAS_SCAL:
        if (given_.increment_x > 0)
          blas::scal<Number>(count_, alpha(), writable("x", given_.x, given_.increment_x));
        return 0;
      case VGPU_BLAS_COPY:
        blas::copy<Number>(count_, readable("x", given_.x, given_.increment_x),
                           writable("y", given_.y, given_.increment_y));
        return 0;
      case VGPU_BLAS_SWAP:
        blas::swap<Number>(count_, writable("x", given_.x, given_.increment_x),
                           writable("y", given_.y, given_.increment_y));
        return 0;
      default:
        return reduce();
    }
  }

 private:
  std::uint64_t reduce() {
    if (given_.operation == VGPU_BLAS_DOT) {
      return bits(blas::dot<Number>(count_, readable("x", given_.x, given_.increment_x),
                                    readable("y", given_.y, given_.increment_y)));
    }
    // BLAS has it that those of a single vector give 0 for an increment that is not positive.
    const std::int64_t count = given_.increment_x > 0 ? count_ : 0;
    const auto x = count == 0 ? blas::Vector<const Number>{} : readable("x", given_.x, given_.increment_x);
    switch (given_.operation) {
      case VGPU_BLAS_NRM2:
        return bits(blas::nrm2<Number>(count, x));
      case VGPU_BLAS_ASUM:
        return bits(blas::asum<Number>(count, x));
      case VGPU_BLAS_IAMAX:
        return static_cast<std::uint32_t>(blas::iamax<Number>(count, x));
      case VGPU_BLAS_IAMIN:
        return static_cast<std::uint32_t>(blas::iamin<Number>(count, x));
      default:
        throw CallError(CUDA_ERROR_INVALID_VALUE,
                        "operation " + std::to_string(given_.operation) + " on vectors");
    }
  }

  static std::uint64_t bits(Number value) {
    std::uint64_t result = 0;
    std::memcpy(&result, &value, sizeof(value));
    return result;
  }

  Number alpha() {
    return static_cast<Number>(operands_.scalar("alpha", given_.alpha, element_, VGPU_BLAS_ALPHA_ON_DEVICE));
  }

  Number* first(const char* name, std::uint64_t address, std::int64_t increment, bool written) {
    if (count_ == 0) return nullptr;
    // A vector is a matrix of one row.
    return reinterpret_cast<Number*>(
        operands_.matrices({name, address, increment, 0, element_}, {1, given_.count}, written)
            .front()
            .first);
  }
  blas::Vector<const Number> readable(const char* name, std::uint64_t address, std::int64_t increment) {
    return {first(name, address, increment, false), increment};
  }
  blas::Vector<Number> writable(const char* name, std::uint64_t address, std::int64_t increment) {
    return {first(name, address, increment, true), increment};
  }

  BlasOperands operands_;
  const vgpu_blas_vector& given_;
  std::int64_t count_;
  Element element_;
};

std::uint64_t run(DeviceSpace& space, const vgpu_blas_vector& given) {
  switch (blas_element(given.type)) {
    case Element::f32:
      return VectorCall<float>(space, given).run();
    case Element::f64:
      return VectorCall<double>(space, given).run();
    default:
      throw CallError(CUDA_ERROR_INVALID_VALUE, "vectors are of float or double");
  }
}

/// How many bytes the result has; 0 for none.
std::size_t result_bytes(const vgpu_blas_vector& given) {
  if (given.operation < VGPU_BLAS_DOT) return 0;
  if (given.operation >= VGPU_BLAS_IAMAX) return sizeof(std::int32_t);
  return blas::element_bytes(blas_element(given.type));
}

}  // namespace

CUresult SoftwareBackend::vgpuBlasVector(Handle current, std::span<const std::byte> description,
                                         Handle stream) {
  require_stream(current, stream);
  const BusySpan busy(account_);
  const auto given = read_description<vgpu_blas_vector>(description);
  const std::uint64_t bits = run(space_, given);
  if (const std::size_t bytes = result_bytes(given); bytes != 0) {
    std::memcpy(blas_range(space_, "the result", given.result, bytes, bytes, true).data(), &bits, bytes);
  }
  return CUDA_SUCCESS;
}

CUresult SoftwareBackend::vgpuBlasReduce(Handle current, std::uint64_t& bits,
                                         std::span<const std::byte> description, Handle stream) {
  require_stream(current, stream);
  const BusySpan busy(account_);
  const auto given = read_description<vgpu_blas_vector>(description);
  if (result_bytes(given) == 0) throw CallError(CUDA_ERROR_INVALID_VALUE, "an operation without a result");
  bits = run(space_, given);
  return CUDA_SUCCESS;
}

}  // namespace vgpu::executor
