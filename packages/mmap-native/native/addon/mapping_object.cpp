#include "mapping_object.h"

#include <utility>

#include "arguments.h"
#include "buffer_object.h"
#include "environment.h"
#include "perform.h"

namespace vgpu::addon {
namespace {

struct Range {
  std::size_t offset;
  std::size_t length;
};

/** Arguments `first` and the next one, inside the mapping. */
Range rangeArgument(const Napi::CallbackInfo& info, std::size_t first, const os::Mapping& mapping) {
  const auto offset = static_cast<std::size_t>(integerArgument(info, first));
  const auto length = static_cast<std::size_t>(integerArgument(info, first + 1));
  if (offset > mapping.bytes().size() || length > mapping.bytes().size() - offset) {
    throw Napi::RangeError::New(info.Env(), "the range does not lie inside the mapping");
  }
  return {.offset = offset, .length = length};
}

os::Advice adviceArgument(const Napi::CallbackInfo& info, std::size_t index) {
  const std::string advice = stringArgument(info, index);
  if (advice == "normal") return os::Advice::normal;
  if (advice == "sequential") return os::Advice::sequential;
  if (advice == "random") return os::Advice::random;
  throw Napi::TypeError::New(info.Env(), "there is no advice '" + advice + "'");
}

}  // namespace

Napi::Function MappingObject::define(Napi::Env env) {
  return DefineClass(
      env, "NativeMapping",
      {InstanceMethod<&MappingObject::buffer>("buffer"),
       InstanceMethod<&MappingObject::writeBack>("writeBack"),
       InstanceMethod<&MappingObject::discard>("discard"),
       InstanceMethod<&MappingObject::prefetch>("prefetch"), InstanceMethod<&MappingObject::advise>("advise"),
       InstanceMethod<&MappingObject::residentBytes>("residentBytes"),
       InstanceMethod<&MappingObject::pin>("pin"), InstanceMethod<&MappingObject::unpin>("unpin"),
       InstanceMethod<&MappingObject::faulted>("faulted"), InstanceMethod<&MappingObject::close>("close")});
}

Napi::Object MappingObject::create(Napi::Env env, std::shared_ptr<os::Mapping> mapping) {
  return Environment::of(env).mappingClass.New(
      {Napi::External<std::shared_ptr<os::Mapping>>::New(env, &mapping)});
}

MappingObject::MappingObject(const Napi::CallbackInfo& info) : Napi::ObjectWrap<MappingObject>(info) {
  if (!info[0].IsExternal()) throw Napi::TypeError::New(info.Env(), "NativeMapping is not for users");
  mapping_ = std::move(*info[0].As<Napi::External<std::shared_ptr<os::Mapping>>>().Data());
}

std::shared_ptr<os::Mapping> MappingObject::mapping(const Napi::CallbackInfo& info) const {
  if (!mapping_) throw Napi::Error::New(info.Env(), "the mapping is closed");
  return mapping_;
}

Napi::Value MappingObject::buffer(const Napi::CallbackInfo& info) {
  const auto pages = mapping(info);
  const Range range = rangeArgument(info, 0, *pages);
  return quickly(info, [&] {
    return BufferObject::create(info.Env(), pages, pages->bytes().subspan(range.offset, range.length));
  });
}

Napi::Value MappingObject::writeBack(const Napi::CallbackInfo& info) {
  const auto pages = mapping(info);
  const Range range = rangeArgument(info, 1, *pages);
  return perform(info, [pages, range] { pages->writeBack(range.offset, range.length); });
}

Napi::Value MappingObject::discard(const Napi::CallbackInfo& info) {
  const auto pages = mapping(info);
  const Range range = rangeArgument(info, 1, *pages);
  return perform(info, [pages, range] { pages->discard(range.offset, range.length); });
}

Napi::Value MappingObject::prefetch(const Napi::CallbackInfo& info) {
  const auto pages = mapping(info);
  const Range range = rangeArgument(info, 1, *pages);
  return perform(info, [pages, range] { pages->prefetch(range.offset, range.length); });
}

Napi::Value MappingObject::advise(const Napi::CallbackInfo& info) {
  const auto pages = mapping(info);
  const os::Advice advice = adviceArgument(info, 0);
  const Range range = rangeArgument(info, 1, *pages);
  return quickly(info, [&] {
    pages->advise(advice, range.offset, range.length);
    return info.Env().Undefined();
  });
}

Napi::Value MappingObject::residentBytes(const Napi::CallbackInfo& info) {
  const auto pages = mapping(info);
  const Range range = rangeArgument(info, 0, *pages);
  return quickly(info, [&] { return toValue(info.Env(), pages->residentBytes(range.offset, range.length)); });
}

Napi::Value MappingObject::pin(const Napi::CallbackInfo& info) {
  const auto pages = mapping(info);
  const Range range = rangeArgument(info, 0, *pages);
  return quickly(info, [&] {
    pages->pin(range.offset, range.length);
    return info.Env().Undefined();
  });
}

Napi::Value MappingObject::unpin(const Napi::CallbackInfo& info) {
  const auto pages = mapping(info);
  const Range range = rangeArgument(info, 0, *pages);
  return quickly(info, [&] {
    pages->unpin(range.offset, range.length);
    return info.Env().Undefined();
  });
}

Napi::Value MappingObject::faulted(const Napi::CallbackInfo& info) {
  return toValue(info.Env(), mapping(info)->faulted());
}

Napi::Value MappingObject::close(const Napi::CallbackInfo& info) {
  mapping_.reset();
  return info.Env().Undefined();
}

}  // namespace vgpu::addon
