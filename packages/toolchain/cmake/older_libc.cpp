// What GCC's C++ library takes from a C library that is newer than the oldest one that Node runs on
// (glibc 2.28). Part of released programs only; the symbols stay inside.
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

#define HIDDEN extern "C" __attribute__((visibility("hidden")))

// 2.32. Zero: there may be threads, so reference counts are atomic. That is never wrong.
HIDDEN char __libc_single_threaded;
char __libc_single_threaded = 0;

// 2.36.
HIDDEN unsigned arc4random();
unsigned arc4random() {
  unsigned value = 0;
  ssize_t got = 0;
  do {
    got = getrandom(&value, sizeof value, 0);
  } while (got < 0 && errno == EINTR);
  if (got != sizeof value) {
    abort();
  }
  return value;
}

namespace {
constexpr long kNanosecondsPerSecond = 1000000000;

// How long it is by `clock` until `end`, from now on by the clock that a condition variable of 2.28 knows.
timespec on_system_clock(clockid_t clock, const timespec& end) {
  timespec from{};
  timespec now{};
  clock_gettime(clock, &from);
  clock_gettime(CLOCK_REALTIME, &now);
  timespec result{.tv_sec = now.tv_sec + end.tv_sec - from.tv_sec,
                  .tv_nsec = now.tv_nsec + end.tv_nsec - from.tv_nsec};
  while (result.tv_nsec < 0) {
    result.tv_nsec += kNanosecondsPerSecond;
    --result.tv_sec;
  }
  while (result.tv_nsec >= kNanosecondsPerSecond) {
    result.tv_nsec -= kNanosecondsPerSecond;
    ++result.tv_sec;
  }
  return result;
}

bool has_passed(clockid_t clock, const timespec& end) {
  timespec now{};
  clock_gettime(clock, &now);
  return now.tv_sec > end.tv_sec || (now.tv_sec == end.tv_sec && now.tv_nsec >= end.tv_nsec);
}
}  // namespace

// 2.30. Callers look at their own clock when it returns, and wait again where the system's clock was set
// meanwhile.
HIDDEN int pthread_cond_clockwait(pthread_cond_t* condition, pthread_mutex_t* mutex, clockid_t clock,
                                  const timespec* end);
int pthread_cond_clockwait(pthread_cond_t* condition, pthread_mutex_t* mutex, clockid_t clock,
                           const timespec* end) {
  const timespec until = on_system_clock(clock, *end);
  return pthread_cond_timedwait(condition, mutex, &until);
}

// 2.30. Here nobody looks again: the one time that counts is the caller's.
HIDDEN int pthread_mutex_clocklock(pthread_mutex_t* mutex, clockid_t clock, const timespec* end) noexcept;
int pthread_mutex_clocklock(pthread_mutex_t* mutex, clockid_t clock, const timespec* end) noexcept {
  for (;;) {
    const timespec until = on_system_clock(clock, *end);
    const int result = pthread_mutex_timedlock(mutex, &until);
    if (result != ETIMEDOUT || has_passed(clock, *end)) {
      return result;
    }
  }
}

// 2.29 has second versions of these, which leave out a report of errors that nobody has used for decades. The
// results are the same. The linker sends calls here (--wrap).
#ifdef __x86_64__
#define FIRST_VERSION "GLIBC_2.2.5"
#else
#define FIRST_VERSION "GLIBC_2.17"
#endif
#define FIRST_OF(name) __asm__(".symver first_" #name ", " #name "@" FIRST_VERSION)
FIRST_OF(exp);
FIRST_OF(exp2);
FIRST_OF(log);
FIRST_OF(log2);
FIRST_OF(pow);
extern "C" double first_exp(double value);
extern "C" double first_exp2(double value);
extern "C" double first_log(double value);
extern "C" double first_log2(double value);
extern "C" double first_pow(double base, double exponent);
HIDDEN double __wrap_exp(double value) {
  return first_exp(value);
}
HIDDEN double __wrap_exp2(double value) {
  return first_exp2(value);
}
HIDDEN double __wrap_log(double value) {
  return first_log(value);
}
HIDDEN double __wrap_log2(double value) {
  return first_log2(value);
}
HIDDEN double __wrap_pow(double base, double exponent) {
  return first_pow(base, exponent);
}
