// An open file: explicit reads and writes, space, durability, locks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace vgpu::os {

enum class Access : std::uint8_t { read, readWrite };
enum class LockKind : std::uint8_t { shared, exclusive };
/** What open() does with a symbolic link as the last part of the path. */
enum class Links : std::uint8_t { follow, refuse };

/** Tells whether two names are the same file. */
struct FileIdentity {
  std::uint64_t device = 0;
  std::uint64_t index = 0;
  bool operator==(const FileIdentity&) const = default;
};

/**
 * Owns a descriptor (Linux, macOS) or a handle (Windows). All paths are UTF-8. Every function throws
 * os::Error. Threads may use one File together, except for moving and destroying it.
 */
class File {
 public:
#ifdef _WIN32
  using Handle = void*;
#else
  using Handle = int;
#endif

  File() noexcept = default;
  File(File&& other) noexcept;
  File& operator=(File&& other) noexcept;
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File();

  /** Never waits, whatever the path is (a pipe, say): isRegular() tells afterwards. */
  static File open(const std::string& path, Access access, Links links = Links::follow);
  /**
   * A file that did not exist before: never follows a link, never takes over somebody's file. `mode` is
   * narrowed by the umask, and means nothing on Windows.
   */
  static File createNew(const std::string& path, unsigned mode);
  /** A file that vanishes with its last handle, whatever happens. Throws `unsupported` where that needs a
   * name. */
  static File createUnnamed(const std::string& directory);

  [[nodiscard]] bool isOpen() const noexcept;
  void close() noexcept;

  [[nodiscard]] std::uint64_t size() const;
  void resize(std::uint64_t size);
  /**
   * Takes the disk space now, so that a full disk is an error here and not a fault later. Grows the file; on
   * failure the size is what it was.
   */
  void reserve(std::uint64_t offset, std::uint64_t length);
  /** The range reads as zero afterwards and occupies no disk. */
  void punchHole(std::uint64_t offset, std::uint64_t length);

  /** Fewer bytes than asked for only at the end of the file. */
  std::size_t read(std::uint64_t offset, std::span<std::byte> target) const;
  void write(std::uint64_t offset, std::span<const std::byte> bytes);

  /** Everything written so far, file size included, survives a power cut once this returns. */
  void flush();
  /** Starts reading ahead. */
  void prefetch(std::uint64_t offset, std::uint64_t length) const;
  /** Lets the system forget the cached pages that lie wholly in the range, once they are written back. */
  void dropCache(std::uint64_t offset, std::uint64_t length) const;

  /**
   * False when somebody else holds a lock that conflicts. Changes the kind of a lock that is held already.
   * The lock belongs to this open file, not to the process, and goes when the process dies.
   */
  [[nodiscard]] bool tryLock(LockKind kind);
  void unlock();

  [[nodiscard]] FileIdentity identity() const;
  [[nodiscard]] bool isRegular() const;
  [[nodiscard]] Handle handle() const noexcept {
    return handle_;
  }
  /** For messages. */
  [[nodiscard]] const std::string& path() const noexcept {
    return path_;
  }

 private:
  File(Handle handle, std::string path) noexcept;

#ifdef _WIN32
  static inline const Handle closed = reinterpret_cast<Handle>(static_cast<std::intptr_t>(-1));
#else
  static constexpr Handle closed = -1;
#endif
  Handle handle_ = closed;
  std::string path_;
#ifdef _WIN32
  // Windows neither changes the kind of a lock nor tells it.
  std::optional<LockKind> lock_;
#endif
};

}  // namespace vgpu::os
