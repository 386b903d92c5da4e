// The addon's functions; src/native.ts describes them.
#include <napi.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "arguments.h"
#include "buffer_object.h"
#include "environment.h"
#include "file_object.h"
#include "mapping_object.h"
#include "os/directory.h"
#include "os/mapping.h"
#include "perform.h"

namespace vgpu::addon {
namespace {

Napi::Value openFile(const Napi::CallbackInfo& info) {
  const auto access = booleanArgument(info, 2) ? os::Access::readWrite : os::Access::read;
  const auto links = booleanArgument(info, 3) ? os::Links::follow : os::Links::refuse;
  return perform(info, [path = stringArgument(info, 1), access, links] {
    return std::make_shared<os::File>(os::File::open(path, access, links));
  });
}

Napi::Value createFile(const Napi::CallbackInfo& info) {
  return perform(info,
                 [path = stringArgument(info, 1), mode = static_cast<unsigned>(integerArgument(info, 2))] {
                   return std::make_shared<os::File>(os::File::createNew(path, mode));
                 });
}

Napi::Value createUnnamedFile(const Napi::CallbackInfo& info) {
  return perform(info, [directory = stringArgument(info, 1)] {
    return std::make_shared<os::File>(os::File::createUnnamed(directory));
  });
}

Napi::Value anonymousMemory(const Napi::CallbackInfo& info) {
  const auto length = static_cast<std::size_t>(integerArgument(info, 0));
  return quickly(info, [&] {
    auto mapping = os::Mapping::anonymous(length);
    return MappingObject::create(info.Env(), std::make_shared<os::Mapping>(std::move(mapping)));
  });
}

Napi::Value faultCount(const Napi::CallbackInfo& info) {
  return toValue(info.Env(), os::faultCount());
}

Napi::Value listDirectory(const Napi::CallbackInfo& info) {
  return perform(info, [directory = stringArgument(info, 1)] {
    std::vector<std::string> names;
    os::listDirectory(directory, [&](const std::string& name) { names.push_back(name); });
    return names;
  });
}

Napi::Value replace(const Napi::CallbackInfo& info) {
  return perform(info,
                 [from = stringArgument(info, 1), to = stringArgument(info, 2)] { os::replace(from, to); });
}

Napi::Value removeFile(const Napi::CallbackInfo& info) {
  return perform(info, [path = stringArgument(info, 1)] { os::removeFile(path); });
}

Napi::Value flushDirectory(const Napi::CallbackInfo& info) {
  return perform(info, [directory = stringArgument(info, 1)] { os::flushDirectory(directory); });
}

Napi::Value resolveLink(const Napi::CallbackInfo& info) {
  return perform(info, [path = stringArgument(info, 1)] { return os::resolveLink(path); });
}

Napi::Value modeOf(const Napi::CallbackInfo& info) {
  return perform(info, [path = stringArgument(info, 1)] { return std::uint64_t{os::modeOf(path)}; });
}

Napi::Object initialize(Napi::Env env, Napi::Object exports) {
  auto environment = std::make_unique<Environment>();
  environment->fileClass = Napi::Persistent(FileObject::define(env));
  environment->mappingClass = Napi::Persistent(MappingObject::define(env));
  environment->bufferClass = Napi::Persistent(BufferObject::define(env));
  // Node deletes it with the environment.
  env.SetInstanceData(environment.release());

  exports.Set("openFile", Napi::Function::New<openFile>(env));
  exports.Set("createFile", Napi::Function::New<createFile>(env));
  exports.Set("createUnnamedFile", Napi::Function::New<createUnnamedFile>(env));
  exports.Set("anonymousMemory", Napi::Function::New<anonymousMemory>(env));
  exports.Set("faultCount", Napi::Function::New<faultCount>(env));
  exports.Set("listDirectory", Napi::Function::New<listDirectory>(env));
  exports.Set("replace", Napi::Function::New<replace>(env));
  exports.Set("removeFile", Napi::Function::New<removeFile>(env));
  exports.Set("flushDirectory", Napi::Function::New<flushDirectory>(env));
  exports.Set("resolveLink", Napi::Function::New<resolveLink>(env));
  exports.Set("modeOf", Napi::Function::New<modeOf>(env));
  exports.Set("processId", toValue(env, os::processId()));
  exports.Set("pageSize", toValue(env, std::uint64_t{os::pageSize()}));
  exports.Set("mappingGranularity", toValue(env, std::uint64_t{os::mappingGranularity()}));
  return exports;
}

NODE_API_MODULE(vgpu_mmap, initialize)

}  // namespace
}  // namespace vgpu::addon
