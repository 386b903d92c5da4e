// Mistakes of the host: what is freed wrongly, and what never is.
#include "planted.h"

int main(int count, char** arguments) {
  const Mode mode(count, arguments);
  int* values = device_integers(64);
  if (mode.is("twice")) {
    CHECK(cudaFree(values));
    EXPECT_STATUS(cudaFree(values), cudaErrorInvalidValue);
  }
  if (mode.is("inside")) EXPECT_STATUS(cudaFree(values + 4), cudaErrorInvalidValue);
  return passed("%s", mode.name());
}
