#include "gpu/images.h"

#define VGPU_EMBED(family)                       \
  __asm__(                                       \
      ".pushsection .rodata\n"                   \
      ".balign 16\n"                             \
      ".globl vgpu_image_" #family               \
      "\n"                                       \
      ".hidden vgpu_image_" #family              \
      "\n"                                       \
      "vgpu_image_" #family                      \
      ":\n"                                      \
      ".incbin \"" VGPU_IMAGE_FOLDER "/" #family \
      ".image\"\n"                               \
      ".byte 0\n"                                \
      ".popsection\n");                          \
  extern "C" __attribute__((visibility("hidden"))) const unsigned char vgpu_image_##family[];

VGPU_EMBED(elementwise)
VGPU_EMBED(reduce)
VGPU_EMBED(scan)
VGPU_EMBED(histogram)
VGPU_EMBED(sort)
VGPU_EMBED(matrix)
VGPU_EMBED(linear_system)
VGPU_EMBED(bit_matrix)
VGPU_EMBED(distance)
VGPU_EMBED(layout)

namespace vgpu::gpu {

const void* imageOf(Family family) {
  switch (family) {
    case Family::elementwise:
      return vgpu_image_elementwise;
    case Family::reduce:
      return vgpu_image_reduce;
    case Family::scan:
      return vgpu_image_scan;
    case Family::histogram:
      return vgpu_image_histogram;
    case Family::sort:
      return vgpu_image_sort;
    case Family::matrix:
      return vgpu_image_matrix;
    case Family::linearSystem:
      return vgpu_image_linear_system;
    case Family::bitMatrix:
      return vgpu_image_bit_matrix;
    case Family::distance:
      return vgpu_image_distance;
    case Family::layout:
      break;
  }
  return vgpu_image_layout;
}

}  // namespace vgpu::gpu
