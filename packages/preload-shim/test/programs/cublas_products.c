// The gemm family of cuBLAS: every combination of types, transposed or not, alone and in batches, scalars on
// the host and on the device, against the same sums in double.
//
//   cublas_products libcublas.so.13
#include "cublas.h"

struct types {
  const char* name;
  int compute, ab, c;
  double tolerance;  // of a result, relative to the sum of the magnitudes it is made of
};

// The sums are exact in float but for the last rounding: values have few digits. Only the result's type loses
// some, and what beta C adds.
static const struct types kinds[] = {
    {"f32", CUBLAS_COMPUTE_32F, CUDA_R_32F, CUDA_R_32F, 1e-6},
    {"f32 by tf32", CUBLAS_COMPUTE_32F_FAST_TF32, CUDA_R_32F, CUDA_R_32F, 1e-6},
    {"f64", CUBLAS_COMPUTE_64F, CUDA_R_64F, CUDA_R_64F, 1e-14},
    {"f16", CUBLAS_COMPUTE_16F, CUDA_R_16F, CUDA_R_16F, 1e-3},
    {"f16 by f32", CUBLAS_COMPUTE_32F, CUDA_R_16F, CUDA_R_16F, 1e-3},
    {"f16 to f32", CUBLAS_COMPUTE_32F, CUDA_R_16F, CUDA_R_32F, 1e-6},
    {"bf16", CUBLAS_COMPUTE_32F, CUDA_R_16BF, CUDA_R_16BF, 8e-3},
    {"bf16 to f32", CUBLAS_COMPUTE_32F, CUDA_R_16BF, CUDA_R_32F, 1e-6},
    {"i8 to f32", CUBLAS_COMPUTE_32F, CUDA_R_8I, CUDA_R_32F, 1e-6},
    {"i8 to i32", CUBLAS_COMPUTE_32I, CUDA_R_8I, CUDA_R_32I, 0},
};

enum { KINDS = sizeof kinds / sizeof kinds[0], BATCH = 3 };
enum form { SINGLE, STRIDED, POINTERS, FORMS };

struct shape {
  int m, n, k, transa, transb, lda, ldb, ldc;
};

/// A scalar of the type that goes with the compute type, on the host or on the device.
struct scalar {
  double value;
  struct array array;
};

static struct scalar make_scalar(int compute, double value) {
  const int type = compute == CUBLAS_COMPUTE_16F   ? CUDA_R_16F
                   : compute == CUBLAS_COMPUTE_64F ? CUDA_R_64F
                   : compute == CUBLAS_COMPUTE_32I ? CUDA_R_32I
                                                   : CUDA_R_32F;
  struct scalar scalar = {value, make_array(type, 1)};
  put(scalar.array.host, 0, type, value);
  upload(&scalar.array);
  return scalar;
}

static CUdeviceptr pointers_to(const struct array* array, size_t stride) {
  CUdeviceptr addresses[BATCH], table;
  for (size_t i = 0; i < BATCH; ++i) addresses[i] = array->device + i * stride * bytes_of(array->type);
  CHECK(cuMemAlloc(&table, sizeof addresses));
  CHECK(cuMemcpyHtoD(table, addresses, sizeof addresses));
  return table;
}

static void compare(const struct types* kind, const struct shape* s, const struct array* a,
                    const struct array* b, const double* before, const struct array* c, size_t offsets[3],
                    double alpha, double beta) {
  for (int j = 0; j < s->n; ++j) {
    for (int i = 0; i < s->m; ++i) {
      double sum = 0, magnitude = 0;
      for (int p = 0; p < s->k; ++p) {
        const size_t at_a = s->transa == CUBLAS_OP_N ? (size_t)p * (size_t)s->lda + (size_t)i
                                                     : (size_t)i * (size_t)s->lda + (size_t)p;
        const size_t at_b = s->transb == CUBLAS_OP_N ? (size_t)j * (size_t)s->ldb + (size_t)p
                                                     : (size_t)p * (size_t)s->ldb + (size_t)j;
        const double product =
            get(a->host, offsets[0] + at_a, kind->ab) * get(b->host, offsets[1] + at_b, kind->ab);
        sum += product;
        magnitude += fabs(product);
      }
      const size_t at = offsets[2] + (size_t)j * (size_t)s->ldc + (size_t)i;
      const double expected = alpha * sum + (beta == 0 ? 0 : beta * before[at]);
      magnitude = fabs(alpha) * magnitude + (beta == 0 ? 0 : fabs(beta * before[at]));
      const double got = get(c->host, at, kind->c);
      REQUIRE(fabs(got - expected) <= kind->tolerance * magnitude,
              "%s, %d x %d x %d, operations %d %d, alpha %g, beta %g: element (%d,%d) is %.9g, not %.9g",
              kind->name, s->m, s->n, s->k, s->transa, s->transb, alpha, beta, i, j, got, expected);
    }
  }
}

static void call(const struct types* kind, const struct shape* s, enum form form, const struct array* a,
                 const struct array* b, const struct array* c, const size_t strides[3], const void* alpha,
                 const void* beta) {
  CUdeviceptr tables[3];
  switch (form) {
    case SINGLE:
      CHECK(cublasGemmEx(cublas_handle, s->transa, s->transb, s->m, s->n, s->k, alpha, pointer(a), kind->ab,
                         s->lda, pointer(b), kind->ab, s->ldb, beta, pointer(c), kind->c, s->ldc,
                         kind->compute, CUBLAS_GEMM_DEFAULT));
      break;
    case STRIDED:
      CHECK(cublasGemmStridedBatchedEx(
          cublas_handle, s->transa, s->transb, s->m, s->n, s->k, alpha, pointer(a), kind->ab, s->lda,
          (long long)strides[0], pointer(b), kind->ab, s->ldb, (long long)strides[1], beta, pointer(c),
          kind->c, s->ldc, (long long)strides[2], BATCH, kind->compute, CUBLAS_GEMM_DEFAULT));
      break;
    default:
      tables[0] = pointers_to(a, strides[0]);
      tables[1] = pointers_to(b, strides[1]);
      tables[2] = pointers_to(c, strides[2]);
      CHECK(cublasGemmBatchedEx(cublas_handle, s->transa, s->transb, s->m, s->n, s->k, alpha,
                                (const void* const*)(uintptr_t)tables[0], kind->ab, s->lda,
                                (const void* const*)(uintptr_t)tables[1], kind->ab, s->ldb, beta,
                                (void* const*)(uintptr_t)tables[2], kind->c, s->ldc, BATCH, kind->compute,
                                CUBLAS_GEMM_DEFAULT));
      for (int i = 0; i < 3; ++i) CHECK(cuMemFree(tables[i]));
  }
}

static void try_product(const struct types* kind, const struct shape* s, enum form form, int on_device,
                        double alpha_value, double beta_value) {
  const size_t columns_a = (size_t)(s->transa == CUBLAS_OP_N ? s->k : s->m);
  const size_t columns_b = (size_t)(s->transb == CUBLAS_OP_N ? s->n : s->k);
  // A stride of 0 shares a matrix among the batch.
  const size_t strides[3] = {(size_t)s->lda * columns_a + 3,
                             form == STRIDED ? 0 : (size_t)s->ldb * columns_b + 1,
                             (size_t)s->ldc * (size_t)s->n + 2};
  const size_t batch = form == SINGLE ? 1 : BATCH;
  struct array a = make_array(kind->ab, strides[0] * batch + 1);
  struct array b = make_array(kind->ab, ((size_t)s->ldb * columns_b + 1) * batch + 1);
  struct array c = make_array(kind->c, strides[2] * batch + 1);
  struct scalar alpha = make_scalar(kind->compute, alpha_value),
                beta = make_scalar(kind->compute, beta_value);
  double* before = malloc(c.count * sizeof *before);
  REQUIRE(before != NULL, "no memory");
  // With beta = 0 the result must not depend on what was there.
  if (beta_value == 0 && kind->c != CUDA_R_32I) {
    for (size_t i = 0; i < c.count; ++i) put(c.host, i, kind->c, kind->c == CUDA_R_16F ? INFINITY : NAN);
    upload(&c);
  }
  for (size_t i = 0; i < c.count; ++i) before[i] = get(c.host, i, kind->c);

  CHECK(cublasSetPointerMode_v2(cublas_handle, on_device));
  call(kind, s, form, &a, &b, &c, strides, on_device ? pointer(&alpha.array) : alpha.array.host,
       on_device ? pointer(&beta.array) : beta.array.host);
  download(&c);
  for (size_t i = 0; i < batch; ++i) {
    size_t offsets[3] = {i * strides[0], i * strides[1], i * strides[2]};
    compare(kind, s, &a, &b, before, &c, offsets, alpha_value, beta_value);
  }
  // What lies between columns and between matrices is left alone.
  for (size_t i = 0; i < c.count; ++i) {
    const size_t in_matrix = i % strides[2];
    const int inside = in_matrix / (size_t)s->ldc < (size_t)s->n &&
                       in_matrix % (size_t)s->ldc < (size_t)s->m && i / strides[2] < batch;
    const double now = get(c.host, i, kind->c);
    REQUIRE(inside || now == before[i] || (isnan(now) && isnan(before[i])), "%s: element %zu was written",
            kind->name, i);
  }
  free(before);
  free_array(&a);
  free_array(&b);
  free_array(&c);
  free_array(&alpha.array);
  free_array(&beta.array);
}

static int between(int least, int most) {
  random_value();
  return least + (int)(random_state >> 8) % (most - least + 1);
}

int main(int argc, char** argv) {
  REQUIRE(argc == 2, "usage: %s LIBRARY", argv[0]);
  open_cublas(argv[1]);
  int tried = 0;
  static const int sizes[][3] = {{1, 1, 1},    {2, 3, 0},      {17, 33, 9},
                                 {64, 48, 64}, {200, 13, 300}, {5, 390, 70}};
  for (int kind = 0; kind < KINDS; ++kind) {
    for (size_t size = 0; size < sizeof sizes / sizeof sizes[0]; ++size) {
      for (int operations = 0; operations < 4; ++operations) {
        struct shape s = {sizes[size][0],
                          sizes[size][1],
                          sizes[size][2],
                          operations & 1,
                          operations & 2 ? CUBLAS_OP_C : CUBLAS_OP_N,
                          0,
                          0,
                          0};
        const int rows_a = s.transa == CUBLAS_OP_N ? s.m : s.k, rows_b = s.transb == CUBLAS_OP_N ? s.k : s.n;
        s.lda = (rows_a == 0 ? 1 : rows_a) + between(0, 3);
        s.ldb = (rows_b == 0 ? 1 : rows_b) + between(0, 3);
        s.ldc = s.m + between(0, 3);
        const int whole = kinds[kind].compute == CUBLAS_COMPUTE_32I;
        try_product(&kinds[kind], &s, (enum form)(tried % FORMS), tried % 2,
                    whole ? between(-3, 3) : (double)between(-4, 4) / 4,
                    tried % 4 == 0 ? 0
                    : whole        ? between(-3, 3)
                                   : (double)between(-4, 4) / 4);
        ++tried;
      }
    }
  }
  CHECK(cublasDestroy_v2(cublas_handle));
  printf("ok %d products of %d kinds\n", tried, (int)KINDS);
  return 0;
}
