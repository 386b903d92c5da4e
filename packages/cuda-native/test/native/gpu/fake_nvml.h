// What a test asks the fake driver's NVML beside NVML's functions.
#pragma once

/** What nvmlEventSetWait_v2 answers. */
struct FakeNvmlAnswer {
  int result = 0;
  unsigned long long type = 0;
  unsigned long long data = 0;
};

extern "C" {
/** One answer for each call from now on, then a timeout for ever. */
void fakeNvmlAnswer(const FakeNvmlAnswer* answers, int count);
/** What this function answers from now on instead of success; null: all succeed. */
void fakeNvmlRefuse(const char* function, int result);
/** The device that was asked for last; empty before. */
const char* fakeNvmlUuid();
}
