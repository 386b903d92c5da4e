#include "file_object.h"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "arguments.h"
#include "environment.h"
#include "mapping_object.h"
#include "os/copy.h"
#include "os/directory.h"
#include "os/mapping.h"
#include "perform.h"

namespace vgpu::addon {
namespace {

// Bytes read only to have them in the page cache: few enough to stay in the processor's cache.
constexpr std::size_t throwawayBytes = std::size_t{128} << 10;
// Address space taken at a time to ask about residency.
constexpr std::uint64_t residencyStep = std::uint64_t{1} << 30;

/** Reads the range and forgets it: afterwards it is in the page cache. */
void loadRange(const os::File& file, std::uint64_t offset, std::uint64_t length) {
  std::array<std::byte, throwawayBytes> buffer{};
  const std::uint64_t end = offset + length;
  while (offset < end) {
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), end - offset));
    const std::size_t count = file.read(offset, std::span(buffer).first(wanted));
    if (count < wanted) return;
    offset += count;
  }
}

std::uint64_t residentBytesOf(const os::File& file, std::uint64_t offset, std::uint64_t length) {
  std::uint64_t resident = 0;
  const std::uint64_t end = std::min(offset + length, file.size());
  while (offset < end) {
    const std::uint64_t begin = offset - offset % os::mappingGranularity();
    const std::uint64_t stop = std::min(end, begin + residencyStep);
    const auto mapping =
        os::Mapping::ofFile(file, begin, static_cast<std::size_t>(stop - begin), os::Sharing::copyOnWrite);
    resident += mapping.residentBytes(static_cast<std::size_t>(offset - begin),
                                      static_cast<std::size_t>(stop - offset));
    offset = stop;
  }
  return resident;
}

/** Bytes of JavaScript that an operation uses on another thread, kept alive while it does. */
struct BorrowedBytes {
  std::span<std::byte> bytes;
  std::shared_ptr<Napi::ObjectReference> view;
  // Closing a window unmaps its pages at once, though the view lives on.
  std::shared_ptr<os::Mapping> mapping;
};

BorrowedBytes borrow(const Napi::CallbackInfo& info, std::size_t index) {
  Napi::Uint8Array view = bytesArgument(info, index);
  auto* const data = reinterpret_cast<std::byte*>(view.Data());
  return {.bytes = {data, view.ByteLength()},
          .view = std::make_shared<Napi::ObjectReference>(Napi::Persistent(view.As<Napi::Object>())),
          .mapping = Environment::of(info.Env()).mappingAt(data)};
}

}  // namespace

Napi::Function FileObject::define(Napi::Env env) {
  return DefineClass(
      env, "NativeFile",
      {InstanceMethod<&FileObject::size>("size"), InstanceMethod<&FileObject::isRegular>("isRegular"),
       InstanceMethod<&FileObject::resize>("resize"), InstanceMethod<&FileObject::reserve>("reserve"),
       InstanceMethod<&FileObject::punchHole>("punchHole"), InstanceMethod<&FileObject::read>("read"),
       InstanceMethod<&FileObject::write>("write"), InstanceMethod<&FileObject::copyWithin>("copyWithin"),
       InstanceMethod<&FileObject::flush>("flush"), InstanceMethod<&FileObject::dropCache>("dropCache"),
       InstanceMethod<&FileObject::prefetch>("prefetch"), InstanceMethod<&FileObject::load>("load"),
       InstanceMethod<&FileObject::residentBytes>("residentBytes"),
       InstanceMethod<&FileObject::tryLock>("tryLock"), InstanceMethod<&FileObject::unlock>("unlock"),
       InstanceMethod<&FileObject::isAt>("isAt"), InstanceMethod<&FileObject::setMode>("setMode"),
       InstanceMethod<&FileObject::map>("map"), InstanceMethod<&FileObject::close>("close")});
}

Napi::Object FileObject::create(Napi::Env env, const std::shared_ptr<os::File>& file) {
  auto copy = file;
  return Environment::of(env).fileClass.New({Napi::External<std::shared_ptr<os::File>>::New(env, &copy)});
}

FileObject::FileObject(const Napi::CallbackInfo& info) : Napi::ObjectWrap<FileObject>(info) {
  if (!info[0].IsExternal()) throw Napi::TypeError::New(info.Env(), "NativeFile is not for users");
  file_ = std::move(*info[0].As<Napi::External<std::shared_ptr<os::File>>>().Data());
}

std::shared_ptr<os::File> FileObject::file(const Napi::CallbackInfo& info) const {
  if (!file_) throw Napi::Error::New(info.Env(), "the file is closed");
  return file_;
}

Napi::Value FileObject::size(const Napi::CallbackInfo& info) {
  return quickly(info, [&] { return toValue(info.Env(), file(info)->size()); });
}

Napi::Value FileObject::isRegular(const Napi::CallbackInfo& info) {
  return quickly(info, [&] { return toValue(info.Env(), file(info)->isRegular()); });
}

Napi::Value FileObject::resize(const Napi::CallbackInfo& info) {
  return perform(info, [file = file(info), size = integerArgument(info, 1)] { file->resize(size); });
}

Napi::Value FileObject::reserve(const Napi::CallbackInfo& info) {
  return perform(info, [file = file(info), offset = integerArgument(info, 1),
                        length = integerArgument(info, 2)] { file->reserve(offset, length); });
}

Napi::Value FileObject::punchHole(const Napi::CallbackInfo& info) {
  return perform(info, [file = file(info), offset = integerArgument(info, 1),
                        length = integerArgument(info, 2)] { file->punchHole(offset, length); });
}

Napi::Value FileObject::read(const Napi::CallbackInfo& info) {
  return perform(info, [file = file(info), offset = integerArgument(info, 1), target = borrow(info, 2)] {
    return std::uint64_t{file->read(offset, target.bytes)};
  });
}

Napi::Value FileObject::write(const Napi::CallbackInfo& info) {
  return perform(info, [file = file(info), offset = integerArgument(info, 1), source = borrow(info, 2)] {
    file->write(offset, source.bytes);
  });
}

Napi::Value FileObject::copyWithin(const Napi::CallbackInfo& info) {
  return perform(info, [file = file(info), from = integerArgument(info, 1), to = integerArgument(info, 2),
                        length = integerArgument(info, 3)] { os::copyWithin(*file, from, to, length); });
}

Napi::Value FileObject::flush(const Napi::CallbackInfo& info) {
  return perform(info, [file = file(info)] { file->flush(); });
}

Napi::Value FileObject::dropCache(const Napi::CallbackInfo& info) {
  return perform(info, [file = file(info), offset = integerArgument(info, 1),
                        length = integerArgument(info, 2)] { file->dropCache(offset, length); });
}

Napi::Value FileObject::prefetch(const Napi::CallbackInfo& info) {
  return perform(info, [file = file(info), offset = integerArgument(info, 1),
                        length = integerArgument(info, 2)] { file->prefetch(offset, length); });
}

Napi::Value FileObject::load(const Napi::CallbackInfo& info) {
  return perform(info, [file = file(info), offset = integerArgument(info, 1),
                        length = integerArgument(info, 2)] { loadRange(*file, offset, length); });
}

Napi::Value FileObject::residentBytes(const Napi::CallbackInfo& info) {
  return perform(info,
                 [file = file(info), offset = integerArgument(info, 1), length = integerArgument(info, 2)] {
                   return residentBytesOf(*file, offset, length);
                 });
}

Napi::Value FileObject::tryLock(const Napi::CallbackInfo& info) {
  const auto kind = booleanArgument(info, 1) ? os::LockKind::exclusive : os::LockKind::shared;
  return perform(info, [file = file(info), kind] { return file->tryLock(kind); });
}

Napi::Value FileObject::unlock(const Napi::CallbackInfo& info) {
  return quickly(info, [&] {
    file(info)->unlock();
    return info.Env().Undefined();
  });
}

Napi::Value FileObject::isAt(const Napi::CallbackInfo& info) {
  return perform(info, [file = file(info), path = stringArgument(info, 1)] {
    return os::identityOf(path) == file->identity();
  });
}

Napi::Value FileObject::setMode(const Napi::CallbackInfo& info) {
  const auto mode = static_cast<unsigned>(integerArgument(info, 1));
  return perform(info, [file = file(info), mode] { os::setMode(*file, mode); });
}

Napi::Value FileObject::map(const Napi::CallbackInfo& info) {
  const auto offset = integerArgument(info, 0);
  const auto length = static_cast<std::size_t>(integerArgument(info, 1));
  const auto sharing = booleanArgument(info, 2) ? os::Sharing::shared : os::Sharing::copyOnWrite;
  return quickly(info, [&] {
    auto mapping = os::Mapping::ofFile(*file(info), offset, length, sharing);
    return MappingObject::create(info.Env(), std::make_shared<os::Mapping>(std::move(mapping)));
  });
}

Napi::Value FileObject::close(const Napi::CallbackInfo& info) {
  file_.reset();
  return info.Env().Undefined();
}

}  // namespace vgpu::addon
