#include "guest_api.h"

// CUDA 12.8 gave the function a second name for another precision of the same value.
CUresult cuEventElapsedTime_v2(float* pMilliseconds, CUevent hStart, CUevent hEnd) {
  return cuEventElapsedTime(pMilliseconds, hStart, hEnd);
}
