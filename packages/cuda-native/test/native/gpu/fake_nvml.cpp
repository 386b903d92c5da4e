// The NVML of the fake driver, with one device. For xid_events_test.cpp.
#include "fake_nvml.h"

#include <deque>
#include <string>

namespace {

constexpr int kTimeout = 10;

std::deque<FakeNvmlAnswer> waiting;
std::string refused;
int refusedWith = 0;
std::string asked;
int aDevice = 0;
int aSet = 0;

int answer(const char* function) {
  return refused == function ? refusedWith : 0;
}

struct Event {
  void* device;
  unsigned long long type;
  unsigned long long data;
  unsigned gpuInstance;
  unsigned computeInstance;
};

}  // namespace

#pragma GCC visibility push(default)
extern "C" {

void fakeNvmlAnswer(const FakeNvmlAnswer* answers, int count) {
  waiting.assign(answers, answers + count);
}

void fakeNvmlRefuse(const char* function, int result) {
  refused = function == nullptr ? "" : function;
  refusedWith = result;
}

const char* fakeNvmlUuid() {
  return asked.c_str();
}

int cuDeviceGetUuid(unsigned char* uuid, int device) {
  for (int i = 0; i < 16; ++i) uuid[i] = static_cast<unsigned char>(0xa0 + i + device);
  return answer("cuDeviceGetUuid");
}

int nvmlInit_v2() {
  return answer("nvmlInit_v2");
}

int nvmlDeviceGetHandleByUUID(const char* uuid, void** device) {
  asked = uuid;
  *device = &aDevice;
  return answer("nvmlDeviceGetHandleByUUID");
}

int nvmlEventSetCreate(void** set) {
  *set = &aSet;
  return answer("nvmlEventSetCreate");
}

int nvmlEventSetFree(void* set) {
  return set == &aSet ? 0 : 2;
}

int nvmlDeviceRegisterEvents(void* device, unsigned long long types, void* set) {
  return device == &aDevice && set == &aSet && types == 8 ? answer("nvmlDeviceRegisterEvents") : 2;
}

int nvmlEventSetWait_v2(void* set, Event* event, unsigned /*milliseconds*/) {
  if (set != &aSet) return 2;
  if (waiting.empty()) return kTimeout;
  const FakeNvmlAnswer next = waiting.front();
  waiting.pop_front();
  *event = {&aDevice, next.type, next.data, 0, 0};
  return next.result;
}
}
#pragma GCC visibility pop
