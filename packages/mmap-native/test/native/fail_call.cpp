// A library for LD_PRELOAD that makes one system call fail:
//
//   VGPU_FAIL_CALL=fdatasync:5    every fdatasync() returns -1 with errno 5 (EIO)
//
// The variable is read at each call, so that a program can switch it on and off itself. posix_fallocate()
// returns its error instead of setting errno. Calls that are not named go through.
#include <dlfcn.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace {

/** The errno for the call, or 0. */
int errorFor(const char* call) {
  const char* const wanted = getenv("VGPU_FAIL_CALL");
  const std::size_t length = strlen(call);
  if (wanted == nullptr || strncmp(wanted, call, length) != 0 || wanted[length] != ':') return 0;
  return static_cast<int>(strtol(wanted + length + 1, nullptr, 10));
}

template <typename Function, typename... Arguments>
auto failOrCall(const char* call, Function* /*type*/, Arguments... arguments) {
  const int error = errorFor(call);
  using Return = decltype(static_cast<Function*>(nullptr)(arguments...));
  if (error != 0) {
    errno = error;
    return static_cast<Return>(-1);
  }
  static auto* const real = reinterpret_cast<Function*>(dlsym(RTLD_NEXT, call));
  if (real == nullptr) abort();
  return real(arguments...);
}

}  // namespace

#define EXPORT extern "C" __attribute__((visibility("default")))

EXPORT int fdatasync(int file) {
  return failOrCall("fdatasync", &fdatasync, file);
}
EXPORT int fsync(int file) {
  return failOrCall("fsync", &fsync, file);
}
EXPORT int msync(void* pages, size_t length, int flags) {
  return failOrCall("msync", &msync, pages, length, flags);
}
EXPORT int fallocate(int file, int mode, off_t offset, off_t length) {
  return failOrCall("fallocate", &fallocate, file, mode, offset, length);
}
EXPORT ssize_t copy_file_range(int from, off64_t* source, int to, off64_t* target, size_t length,
                               unsigned flags) {
  return failOrCall("copy_file_range", &copy_file_range, from, source, to, target, length, flags);
}
EXPORT int rename(const char* from, const char* to) noexcept {
  return failOrCall("rename", &rename, from, to);
}
EXPORT int unlink(const char* path) noexcept {
  return failOrCall("unlink", &unlink, path);
}
EXPORT int ftruncate(int file, off_t size) noexcept {
  return failOrCall("ftruncate", &ftruncate, file, size);
}
