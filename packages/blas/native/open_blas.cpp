#include "vgpu/blas/open_blas.h"

#include <dlfcn.h>

#include <limits>
#include <optional>
#include <string_view>
#include <utility>

namespace vgpu::blas {
namespace {

// CBLAS_ORDER and CBLAS_TRANSPOSE (the reference implementation's cblas.h).
constexpr int kColumnMajor = 102;
constexpr int kNoTranspose = 111;
constexpr int kTranspose = 112;

template <typename Number>
using Gemm = void (*)(int order, int transpose_a, int transpose_b, int m, int n, int k, Number alpha,
                      const Number* a, int lda, const Number* b, int ldb, Number beta, Number* c, int ldc);

struct Operand {
  int transpose;
  int leading_dimension;
};

/// How BLAS describes the matrix, if it can.
std::optional<Operand> describe(const Matrix& matrix, std::int64_t rows, std::int64_t columns) {
  constexpr std::int64_t kMost = std::numeric_limits<int>::max();
  if (matrix.row_stride == 1 && matrix.column_stride >= rows && matrix.column_stride <= kMost) {
    return Operand{kNoTranspose, static_cast<int>(matrix.column_stride)};
  }
  if (matrix.column_stride == 1 && matrix.row_stride >= columns && matrix.row_stride <= kMost) {
    return Operand{kTranspose, static_cast<int>(matrix.row_stride)};
  }
  return std::nullopt;
}

template <typename Number>
void call(Gemm<Number> gemm, const Product& product, Operand a, Operand b, Operand c) {
  gemm(kColumnMajor, a.transpose, b.transpose, static_cast<int>(product.m), static_cast<int>(product.n),
       static_cast<int>(product.k), static_cast<Number>(product.alpha),
       reinterpret_cast<const Number*>(product.a.first), a.leading_dimension,
       reinterpret_cast<const Number*>(product.b.first), b.leading_dimension,
       static_cast<Number>(product.beta), reinterpret_cast<Number*>(product.c.first), c.leading_dimension);
}

template <typename Function>
bool find(void* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(dlsym(library, name));
  return function != nullptr;
}

/// The kernels that OpenBLAS has for AVX-512, by its names for processors (its driver/others/dynamic.c). A
/// name that is not among them costs speed at most.
bool has_avx512(std::string_view core) {
  return core == "SkylakeX" || core == "Cooperlake" || core == "SapphireRapids";
}

}  // namespace

struct OpenBlas::Functions {
  Gemm<float> sgemm = nullptr;
  Gemm<double> dgemm = nullptr;
};

OpenBlas::OpenBlas(void* library, std::unique_ptr<Functions> functions, const char* description,
                   bool uses_avx512)
    : library_(library),
      functions_(std::move(functions)),
      description_(description),
      uses_avx512_(uses_avx512) {}

OpenBlas::~OpenBlas() {
  dlclose(library_);
}

std::unique_ptr<OpenBlas> OpenBlas::load(unsigned threads) {
  void* library = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return nullptr;
  auto functions = std::make_unique<Functions>();
  void (*set_threads)(int) = nullptr;
  const char* (*description)() = nullptr;
  const char* (*core)() = nullptr;
  if (!find(library, "cblas_sgemm", functions->sgemm) || !find(library, "cblas_dgemm", functions->dgemm) ||
      !find(library, "openblas_set_num_threads", set_threads) ||
      !find(library, "openblas_get_config", description) || !find(library, "openblas_get_corename", core)) {
    dlclose(library);
    return nullptr;
  }
  set_threads(static_cast<int>(threads));
  return std::unique_ptr<OpenBlas>(
      new OpenBlas(library, std::move(functions), description(), has_avx512(core())));
}

bool OpenBlas::multiply(const Product& product) const {
  const Element element = product.c.element;
  if (product.a.element != element || product.b.element != element) return false;
  if (element != Element::f32 && element != Element::f64) return false;
  const auto a = describe(product.a, product.m, product.k);
  const auto b = describe(product.b, product.k, product.n);
  const auto c = describe(product.c, product.m, product.n);
  // Of a vector both ways of lying may be true.
  if (!a || !b || !c || c->transpose != kNoTranspose) return false;
  if (element == Element::f32) {
    call(functions_->sgemm, product, *a, *b, *c);
  } else {
    call(functions_->dgemm, product, *a, *b, *c);
  }
  return true;
}

}  // namespace vgpu::blas
