#ifndef VGPU_DRIVER_GRAPH_KERNEL_NODE_H
#define VGPU_DRIVER_GRAPH_KERNEL_NODE_H

#include "driver/launch.h"

// The launch that the parameters of a kernel node describe.
CUresult vgpu_kernel_node_launch(const CUDA_KERNEL_NODE_PARAMS* parameters, struct vgpu_launch* launch);

#endif
