// What the runtime of CUDA 12 answers otherwise than that of CUDA 13. Only generated code calls these, which
// gives them the names and the version node of the original.

#ifndef VGPU_RUNTIME_CUDA12_H
#define VGPU_RUNTIME_CUDA12_H

#include "cuda_abi.h"

cudaError_t vgpu_cuda12_get_device_properties(struct cudaDeviceProp_12* prop, int device);
cudaError_t vgpu_cuda12_pointer_get_attributes(struct cudaPointerAttributes_12* attributes, const void* ptr);
cudaError_t vgpu_cuda12_runtime_get_version(int* version);
cudaError_t vgpu_cuda12_get_driver_entry_point(const char* symbol, void** function, unsigned long long flags,
                                               enum cudaDriverEntryPointQueryResult* status);
cudaError_t vgpu_cuda12_get_driver_entry_point_ptsz(const char* symbol, void** function,
                                                    unsigned long long flags,
                                                    enum cudaDriverEntryPointQueryResult* status);
// struct cudaResourceDesc ended before its flags.
cudaError_t vgpu_cuda12_create_texture_object(cudaTextureObject_t* pTexObject,
                                              const struct cudaResourceDesc* pResDesc,
                                              const struct cudaTextureDesc* pTexDesc,
                                              const struct cudaResourceViewDesc* pResViewDesc);
cudaError_t vgpu_cuda12_get_texture_object_resource_desc(struct cudaResourceDesc* pResDesc,
                                                         cudaTextureObject_t texObject);
cudaError_t vgpu_cuda12_stream_get_capture_info(cudaStream_t stream, enum cudaStreamCaptureStatus* status,
                                                unsigned long long* id, cudaGraph_t* graph,
                                                const cudaGraphNode_t** dependencies, size_t* count);
cudaError_t vgpu_cuda12_graph_get_edges(cudaGraph_t graph, cudaGraphNode_t* from, cudaGraphNode_t* to,
                                        size_t* count);
cudaError_t vgpu_cuda12_graph_node_get_dependencies(cudaGraphNode_t node, cudaGraphNode_t* dependencies,
                                                    size_t* count);
cudaError_t vgpu_cuda12_graph_add_dependencies(cudaGraph_t graph, const cudaGraphNode_t* from,
                                               const cudaGraphNode_t* to, size_t count);
// A location was a device's number, or -1 for the host.
cudaError_t vgpu_cuda12_mem_prefetch_async(const void* pointer, size_t count, int device,
                                           cudaStream_t stream);
cudaError_t vgpu_cuda12_mem_advise(const void* pointer, size_t count, enum cudaMemoryAdvise advice,
                                   int device);

#endif
