// cuBLAS on vectors, matrices times vectors, triangular systems, and copies of vectors and matrices, against
// simple loops.
//
//   cublas_vectors libcublas.so.13
#include "cublas.h"

enum { N = 301, HOST = 0, DEVICE = 1 };

static const float half = 0.5f;

/// The place of logical element i of n, for an increment that may be negative.
static size_t place(int i, int n, int increment) {
  return (size_t)(increment < 0 ? (i - (n - 1)) * increment : i * increment);
}

static float value(const struct array* array, size_t index) {
  return ((const float*)array->host)[index];
}

static void expect_near(const char* what, double got, double expected) {
  REQUIRE(fabs(got - expected) <= 1e-5 * (1 + fabs(expected)), "%s is %.9g, not %.9g", what, got, expected);
}

static void change_vectors(int incx, int incy) {
  struct array x = make_array(CUDA_R_32F, N * 3), y = make_array(CUDA_R_32F, N * 3);
  float* before = malloc(sizeof(float) * N * 3);
  REQUIRE(before != NULL, "no memory");
  memcpy(before, y.host, sizeof(float) * N * 3);
  CHECK(cublasSaxpy_v2(cublas_handle, N, &half, pointer(&x), incx, pointer(&y), incy));
  download(&y);
  for (int i = 0; i < N; ++i) {
    const size_t at = place(i, N, incy);
    expect_near("axpy", value(&y, at), before[at] + 0.5 * value(&x, place(i, N, incx)));
  }
  memcpy(before, y.host, sizeof(float) * N * 3);
  CHECK(cublasSswap_v2(cublas_handle, N, pointer(&x), incx, pointer(&y), incy));
  CHECK(cublasScopy_v2(cublas_handle, N, pointer(&x), incx, pointer(&y), incy));
  download(&y);
  for (int i = 0; i < N; ++i)
    expect_near("swap and copy", value(&y, place(i, N, incy)), before[place(i, N, incy)]);
  CHECK(cublasSscal_v2(cublas_handle, N, &half, pointer(&y), abs(incy)));
  download(&y);
  for (int i = 0; i < N; ++i)
    expect_near("scal", value(&y, place(i, N, incy)), 0.5 * before[place(i, N, incy)]);
  free(before);
  free_array(&x);
  free_array(&y);
}

static void reduce_vectors(int mode) {
  struct array x = make_array(CUDA_R_32F, N * 2), y = make_array(CUDA_R_32F, N * 2);
  struct array number = make_array(CUDA_R_32F, 1), index = make_array(CUDA_R_32I, 1);
  double dot = 0, squares = 0, sum = 0;
  int greatest = 0, least = 0;
  ((float*)x.host)[2 * 77] = 100;
  ((float*)x.host)[2 * 99] = -100;
  ((float*)x.host)[2 * 55] = 0.001f;
  for (int i = 0; i < N; ++i) {
    const double a = value(&x, 2 * (size_t)i), b = value(&y, (size_t)(N - 1 - i));
    dot += a * b;
    squares += a * a;
    sum += fabs(a);
    if (fabs(a) > fabs(value(&x, 2 * (size_t)greatest))) greatest = i;
    if (fabs(a) < fabs(value(&x, 2 * (size_t)least))) least = i;
  }
  upload(&x);
  CHECK(cublasSetPointerMode_v2(cublas_handle, mode));
  float* result = mode == DEVICE ? pointer(&number) : number.host;
  int* place_of = mode == DEVICE ? pointer(&index) : index.host;
#define RESULT(call, array, what, expected) \
  CHECK(call);                              \
  if (mode == DEVICE) download(&array);     \
  expect_near(what, get(array.host, 0, array.type), expected)
  RESULT(cublasSdot_v2(cublas_handle, N, pointer(&x), 2, pointer(&y), -1, result), number, "dot", dot);
  RESULT(cublasSnrm2_v2(cublas_handle, N, pointer(&x), 2, result), number, "nrm2", sqrt(squares));
  RESULT(cublasSasum_v2(cublas_handle, N, pointer(&x), 2, result), number, "asum", sum);
  RESULT(cublasIsamax_v2(cublas_handle, N, pointer(&x), 2, place_of), index, "iamax", greatest + 1);
  RESULT(cublasIsamin_v2(cublas_handle, N, pointer(&x), 2, place_of), index, "iamin", least + 1);
  // Nothing to reduce gives 0, and so does an increment that is not positive.
  RESULT(cublasSdot_v2(cublas_handle, 0, pointer(&x), 1, pointer(&y), 1, result), number, "dot of nothing",
         0);
  RESULT(cublasSnrm2_v2(cublas_handle, N, pointer(&x), -1, result), number, "nrm2 backwards", 0);
  RESULT(cublasIsamax_v2(cublas_handle, -1, pointer(&x), 1, place_of), index, "iamax of nothing", 0);
  CHECK(cublasSetPointerMode_v2(cublas_handle, HOST));
  free_array(&x);
  free_array(&y);
  free_array(&number);
  free_array(&index);
}

static void extremes(void) {
  // The squares of neither number are numbers of the type.
  const double large[2] = {3e300, 4e300}, small[2] = {3e-300, 4e-300};
  double result = 0;
  CUdeviceptr x;
  CHECK(cuMemAlloc(&x, sizeof large));
  CHECK(cuMemcpyHtoD(x, large, sizeof large));
  CHECK(cublasDnrm2_v2(cublas_handle, 2, (const double*)(uintptr_t)x, 1, &result));
  REQUIRE(fabs(result - 5e300) < 1e290, "nrm2 of large numbers is %g", result);
  CHECK(cuMemcpyHtoD(x, small, sizeof small));
  CHECK(cublasDnrm2_v2(cublas_handle, 2, (const double*)(uintptr_t)x, 1, &result));
  REQUIRE(fabs(result - 5e-300) < 1e-310, "nrm2 of small numbers is %g", result);
  CHECK(cublasDdot_v2(cublas_handle, 2, (const double*)(uintptr_t)x, 1, (const double*)(uintptr_t)x, 1,
                      &result));
  REQUIRE(result == 0, "dot of small numbers is %g", result);
  CHECK(cuMemFree(x));
}

static void matrix_times_vector(int transposed, int incx, int incy) {
  enum { ROWS = 37, COLUMNS = 23, LD = 40 };
  const int from = transposed ? ROWS : COLUMNS, to = transposed ? COLUMNS : ROWS;
  struct array a = make_array(CUDA_R_32F, LD * COLUMNS), x = make_array(CUDA_R_32F, 3 * ROWS),
               y = make_array(CUDA_R_32F, 3 * ROWS);
  float before[3 * ROWS];
  const float beta = -2;
  memcpy(before, y.host, sizeof before);
  CHECK(cublasSgemv_v2(cublas_handle, transposed, ROWS, COLUMNS, &half, pointer(&a), LD, pointer(&x), incx,
                       &beta, pointer(&y), incy));
  download(&y);
  for (int i = 0; i < to; ++i) {
    double sum = 0;
    for (int j = 0; j < from; ++j) {
      const int row = transposed ? j : i, column = transposed ? i : j;
      sum += (double)value(&a, (size_t)(column * LD + row)) * value(&x, place(j, from, incx));
    }
    const size_t at = place(i, to, incy);
    expect_near("gemv", value(&y, at), 0.5 * sum - 2 * before[at]);
  }
  // a += x y'
  float* a_before = malloc(sizeof(float) * LD * COLUMNS);
  REQUIRE(a_before != NULL, "no memory");
  memcpy(a_before, a.host, sizeof(float) * LD * COLUMNS);
  CHECK(cublasSger_v2(cublas_handle, ROWS, COLUMNS, &half, pointer(&x), incx, pointer(&y), incy, pointer(&a),
                      LD));
  download(&a);
  for (int j = 0; j < COLUMNS; ++j) {
    for (int i = 0; i < ROWS; ++i) {
      const size_t at = (size_t)(j * LD + i);
      expect_near("ger", value(&a, at),
                  a_before[at] + 0.5 * value(&x, place(i, ROWS, incx)) * value(&y, place(j, COLUMNS, incy)));
    }
  }
  free(a_before);
  free_array(&a);
  free_array(&x);
  free_array(&y);
}

/// Solves, and multiplies the solution with the matrix again.
static void triangular(int side, int fill, int trans, int unit, int batched) {
  enum { M = 9, COLUMNS = 5, LD = 11, BATCH = 2 };
  const int order = side == 0 ? M : COLUMNS;
  struct array a = make_array(CUDA_R_32F, BATCH * LD * LD), b = make_array(CUDA_R_32F, BATCH * LD * LD);
  float* right = malloc(sizeof(float) * BATCH * LD * LD);
  REQUIRE(right != NULL, "no memory");
  for (size_t i = 0; i < BATCH * LD * LD; ++i) {
    const size_t row = i % (LD * LD) % LD, column = i % (LD * LD) / LD;
    const int used = row == column ? !unit : (fill == 0) == (row > column);
    // What must not be read would spoil everything.
    ((float*)a.host)[i] = !used ? NAN : row == column ? 4 : value(&a, i) / 16;
  }
  upload(&a);
  memcpy(right, b.host, sizeof(float) * BATCH * LD * LD);
  if (batched) {
    CUdeviceptr addresses[2 * BATCH], tables;
    for (size_t i = 0; i < BATCH; ++i) {
      addresses[i] = a.device + i * LD * LD * sizeof(float);
      addresses[BATCH + i] = b.device + i * LD * LD * sizeof(float);
    }
    CHECK(cuMemAlloc(&tables, sizeof addresses));
    CHECK(cuMemcpyHtoD(tables, addresses, sizeof addresses));
    CHECK(cublasStrsmBatched(cublas_handle, side, fill, trans, unit, M, COLUMNS, &half,
                             (const float* const*)(uintptr_t)tables, LD,
                             (float* const*)(uintptr_t)(tables + BATCH * sizeof *addresses), LD, BATCH));
    CHECK(cuMemFree(tables));
  } else {
    CHECK(cublasStrsm_v2(cublas_handle, side, fill, trans, unit, M, COLUMNS, &half, pointer(&a), LD,
                         pointer(&b), LD));
  }
  download(&b);
  for (int matrix = 0; matrix < (batched ? BATCH : 1); ++matrix) {
    const size_t start = (size_t)matrix * LD * LD;
    for (int j = 0; j < COLUMNS; ++j) {
      for (int i = 0; i < M; ++i) {
        double sum = 0;
        for (int p = 0; p < order; ++p) {
          int row = side == 0 ? i : p, column = side == 0 ? p : j;
          if (trans != CUBLAS_OP_N) {
            const int swapped = row;
            row = column;
            column = swapped;
          }
          if (row != column && (fill == 0) != (row > column)) continue;
          const double element = row == column && unit ? 1 : value(&a, start + (size_t)(column * LD + row));
          sum += element * value(&b, start + (size_t)(side == 0 ? j * LD + p : p * LD + i));
        }
        REQUIRE(fabs(sum - 0.5 * right[start + (size_t)(j * LD + i)]) < 1e-4,
                "trsm side %d fill %d operation %d unit %d: element (%d,%d) is %g, not %g", side, fill, trans,
                unit, i, j, sum, 0.5 * right[start + (size_t)(j * LD + i)]);
      }
    }
  }
  free(right);
  free_array(&a);
  free_array(&b);
}

static void transfers(void) {
  enum { ROWS = 4, COLUMNS = 3, LDA = 6, LDB = 5 };
  float matrix[LDA * COLUMNS], back[LDA * COLUMNS];
  for (int i = 0; i < LDA * COLUMNS; ++i) {
    matrix[i] = (float)i;
    back[i] = -1;
  }
  CUdeviceptr device;
  CHECK(cuMemAlloc(&device, sizeof(float) * LDB * COLUMNS));
  float* there = (float*)(uintptr_t)device;
  CHECK(cublasSetMatrix(ROWS, COLUMNS, sizeof(float), matrix, LDA, there, LDB));
  CHECK(cublasGetMatrix(ROWS, COLUMNS, sizeof(float), there, LDB, back, LDA));
  for (int i = 0; i < LDA * COLUMNS; ++i) {
    const float expected = i % LDA < ROWS ? matrix[i] : -1;
    REQUIRE(back[i] == expected, "element %d of the matrix came back as %g", i, back[i]);
  }
  CHECK(cublasSetVector(4, sizeof(float), matrix, 3, there, 2));
  CHECK(cublasGetVector(4, sizeof(float), there, 2, back, 1));
  for (int i = 0; i < 4; ++i) REQUIRE(back[i] == matrix[3 * i], "element %d of the vector is %g", i, back[i]);
  EXPECT_STATUS(cublasSetVector(4, sizeof(float), matrix, 0, there, 1), CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_STATUS(cublasSetMatrix(4, 1, 0, matrix, 4, there, 4), CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_STATUS(cublasSetMatrix(4, 1, sizeof(float), matrix, 3, there, 4), CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_STATUS(cublasSetVector(1000, sizeof(float), matrix, 1, there, 1), CUBLAS_STATUS_MAPPING_ERROR);
  CHECK(cublasSetVector(0, sizeof(float), NULL, 1, NULL, 1));
  CHECK(cuMemFree(device));
}

int main(int argc, char** argv) {
  REQUIRE(argc == 2, "usage: %s LIBRARY", argv[0]);
  open_cublas(argv[1]);
  static const int increments[][2] = {{1, 1}, {2, 3}, {-1, 2}, {3, -2}};
  for (size_t i = 0; i < sizeof increments / sizeof increments[0]; ++i) {
    change_vectors(increments[i][0], increments[i][1]);
    for (int transposed = 0; transposed < 2; ++transposed)
      matrix_times_vector(transposed, increments[i][0], increments[i][1]);
  }
  reduce_vectors(HOST);
  reduce_vectors(DEVICE);
  extremes();
  for (int i = 0; i < 32; ++i) triangular(i & 1, i >> 1 & 1, i >> 2 & 1, i >> 3 & 1, i >> 4 & 1);
  transfers();
  printf("ok vectors and triangular systems\n");
  return 0;
}
