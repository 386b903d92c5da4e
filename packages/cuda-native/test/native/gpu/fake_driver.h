// What a test asks the fake driver beside CUDA's functions.
#pragma once

/** What has been given out and not been given back. */
struct FakeDriverCounts {
  int retained = 0;
  int streams = 0;
  int hostBlocks = 0;
};

extern "C" {
FakeDriverCounts* fakeDriverCounts();
/** Of the calls of this function from now on, the one with this number fails, from 1. */
void fakeDriverRefuse(const char* call, int number);
}
