#include "../error.h"

#include <cerrno>
#include <system_error>
#include <utility>

namespace vgpu::os {
namespace {

ErrorKind kindOf(std::int64_t number) noexcept {
  switch (number) {
    case EEXIST:
      return ErrorKind::exists;
    case ENOENT:
    case ENOTDIR:
      return ErrorKind::notFound;
    case EACCES:
    case EPERM:
    case EROFS:
      return ErrorKind::access;
    case ENOSPC:
    case EDQUOT:
    // The limit of the process (RLIMIT_FSIZE) or of the file system on the size of one file.
    case EFBIG:
      return ErrorKind::noSpace;
    case EOPNOTSUPP:
#if ENOTSUP != EOPNOTSUPP
    case ENOTSUP:
#endif
    case ENOSYS:
      return ErrorKind::unsupported;
    default:
      return ErrorKind::io;
  }
}

// glibc's strerrorname_np is younger than the C libraries that releases are built for.
std::string nameOf(std::int64_t number) {
  switch (number) {
#define NAME(error) \
  case error:       \
    return #error;
    NAME(EPERM)
    NAME(ENOENT)
    NAME(EINTR)
    NAME(EIO)
    NAME(ENXIO)
    NAME(EBADF)
    NAME(EAGAIN)
    NAME(ENOMEM)
    NAME(EACCES)
    NAME(EFAULT)
    NAME(EBUSY)
    NAME(EEXIST)
    NAME(EXDEV)
    NAME(ENODEV)
    NAME(ENOTDIR)
    NAME(EISDIR)
    NAME(EINVAL)
    NAME(ENFILE)
    NAME(EMFILE)
    NAME(ETXTBSY)
    NAME(EFBIG)
    NAME(ENOSPC)
    NAME(ESPIPE)
    NAME(EROFS)
    NAME(EMLINK)
    NAME(ENAMETOOLONG)
    NAME(ENOLCK)
    NAME(ENOSYS)
    NAME(ENOTEMPTY)
    NAME(ELOOP)
    NAME(ENODATA)
    NAME(EOVERFLOW)
    NAME(EOPNOTSUPP)
    NAME(ETIMEDOUT)
    NAME(ESTALE)
    NAME(EDQUOT)
#if ENOTSUP != EOPNOTSUPP
    NAME(ENOTSUP)
#endif
#ifdef EUCLEAN
    NAME(EUCLEAN)
#endif
#ifdef EREMOTEIO
    NAME(EREMOTEIO)
#endif
#undef NAME
    default:
      return std::to_string(number);
  }
}

std::string messageOf(const char* call, std::int64_t number, const std::string& path) {
  const std::string text = std::system_category().message(static_cast<int>(number));
  return std::string(call) + ": " + nameOf(number) + " (" + text + ")" + (path.empty() ? "" : ": " + path);
}

}  // namespace

Error::Error(const char* call, std::int64_t number, std::string path)
    : std::runtime_error(messageOf(call, number, path)),
      kind_(kindOf(number)),
      call_(call),
      number_(number),
      name_(nameOf(number)),
      path_(std::move(path)) {}

}  // namespace vgpu::os
