// The families of operations, each with a file here, one below src/operations and its share of
// native/compute.
#pragma once

#include <napi.h>

namespace vgpu::addon {

void addReductions(Napi::Object exports);
void addElementwise(Napi::Object exports);
void addScans(Napi::Object exports);
void addSorts(Napi::Object exports);
void addMatrices(Napi::Object exports);
void addPoints(Napi::Object exports);

}  // namespace vgpu::addon
