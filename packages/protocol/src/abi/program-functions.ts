// What programs that people run take from CUDA's libraries: what they link, and what they look up by name. Names are the
// symbols that a program built with CUDA 13 ends up with.

const names = (text: string): readonly string[] => text.trim().split(/\s+/);

const registration = `__cudaRegisterFatBinary __cudaRegisterFatBinaryEnd __cudaUnregisterFatBinary __cudaRegisterFunction
  __cudaRegisterVar __cudaPushCallConfiguration __cudaPopCallConfiguration __cudaGetKernel __cudaLaunchKernel`;

export interface Program {
  readonly title: string;
  readonly source: string;
  readonly functions: readonly string[];
}

export const programFunctions: readonly Program[] = [
  {
    title: 'CUDA programs from the field',
    source: 'the runtime functions of about 400 programs',
    functions: names(`${registration} __cudaInitModule __cudaRegisterManagedVar cudaDeviceCanAccessPeer
      cudaDeviceDisablePeerAccess cudaDeviceEnablePeerAccess cudaDeviceGetAttribute cudaDeviceGetDefaultMemPool
      cudaDeviceGetLimit cudaDeviceGetStreamPriorityRange cudaDeviceReset cudaDeviceSetLimit cudaDeviceSynchronize
      cudaEventCreate cudaEventCreateWithFlags cudaEventDestroy cudaEventElapsedTime cudaEventQuery cudaEventRecord
      cudaEventSynchronize cudaFree cudaFreeAsync cudaFreeHost cudaFuncGetAttributes cudaFuncSetAttribute
      cudaFuncSetCacheConfig cudaGetDevice cudaGetDeviceCount cudaGetDeviceProperties cudaGetErrorName
      cudaGetErrorString cudaGetLastError cudaGraphDestroy cudaGraphExecDestroy cudaGraphInstantiate cudaGraphLaunch
      cudaHostAlloc cudaHostGetDevicePointer cudaHostRegister cudaHostUnregister cudaLaunchKernel cudaLaunchKernelExC
      cudaMalloc cudaMalloc3D cudaMallocAsync cudaMallocHost cudaMallocManaged cudaMallocPitch cudaMemGetInfo
      cudaMemPoolSetAttribute cudaMemPrefetchAsync cudaMemcpy cudaMemcpyAsync cudaMemcpyFromSymbol cudaMemcpyToSymbol
      cudaMemset cudaMemsetAsync cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags cudaPeekAtLastError
      cudaSetDevice cudaStreamBeginCapture cudaStreamCreate cudaStreamCreateWithFlags cudaStreamCreateWithPriority
      cudaStreamDestroy cudaStreamEndCapture cudaStreamSynchronize cudaStreamWaitEvent`),
  },
  {
    title: "llama.cpp's CUDA backend",
    source: '`libggml-cuda.so` of the npm package `@node-llama-cpp/linux-x64-cuda` 3.22.1',
    functions: names(`${registration} cuDeviceGet cuDeviceGetAttribute cuGetErrorString cuMemAddressFree
      cuMemAddressReserve cuMemCreate cuMemGetAllocationGranularity cuMemMap cuMemRelease cuMemSetAccess cuMemUnmap
      cublasCreate_v2 cublasDestroy_v2 cublasGemmBatchedEx cublasGemmEx cublasGemmStridedBatchedEx
      cublasGetStatusString cublasSetMathMode cublasSetStream_v2 cublasSetWorkspace_v2 cublasSgemmBatched
      cublasSgemmStridedBatched cublasSgemm_v2 cublasStrsmBatched cudaDeviceCanAccessPeer cudaDeviceEnablePeerAccess
      cudaDeviceGetAttribute cudaDeviceGetPCIBusId cudaDeviceSynchronize cudaEventCreateWithFlags cudaEventDestroy
      cudaEventRecord cudaEventSynchronize cudaFree cudaFreeHost cudaFuncGetAttributes cudaFuncSetAttribute
      cudaGetDevice cudaGetDeviceCount cudaGetDeviceProperties cudaGetErrorString cudaGetLastError cudaGraphDestroy
      cudaGraphExecDestroy cudaGraphExecUpdate cudaGraphInstantiate cudaGraphLaunch cudaHostAlloc
      cudaHostGetDevicePointer cudaHostRegister cudaHostUnregister cudaLaunchCooperativeKernel cudaLaunchKernelExC
      cudaMalloc cudaMallocHost cudaMallocManaged cudaMemGetInfo cudaMemcpy2DAsync cudaMemcpyAsync
      cudaMemcpyPeerAsync cudaMemset cudaMemsetAsync cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags
      cudaPeekAtLastError cudaSetDevice cudaSetDeviceFlags cudaStreamBeginCapture cudaStreamCreateWithFlags
      cudaStreamDestroy cudaStreamEndCapture cudaStreamIsCapturing cudaStreamSynchronize cudaStreamWaitEvent`),
  },
  {
    title: "Ollama's search for a device",
    source: 'what its child process looks up',
    functions:
      names(`cuInit cuDriverGetVersion cuDeviceGetCount cuDeviceGet cuDeviceGetAttribute cuDeviceGetName
      cuDeviceTotalMem_v2 cuDeviceGetPCIBusId nvmlInit_v2 nvmlSystemGetDriverVersion nvmlShutdown`),
  },
  {
    title: 'nvtop: what it looks up in NVML before it shows a device',
    source: 'Debian’s nvtop 3.0.1; it shows N/A for what is refused',
    functions:
      names(`nvmlDeviceGetClockInfo nvmlDeviceGetComputeRunningProcesses nvmlDeviceGetCount nvmlDeviceGetCount_v2
      nvmlDeviceGetCurrPcieLinkGeneration nvmlDeviceGetCurrPcieLinkWidth nvmlDeviceGetDecoderUtilization
      nvmlDeviceGetEncoderUtilization nvmlDeviceGetEnforcedPowerLimit nvmlDeviceGetFanSpeed
      nvmlDeviceGetGraphicsRunningProcesses nvmlDeviceGetHandleByIndex nvmlDeviceGetHandleByIndex_v2
      nvmlDeviceGetMaxClockInfo nvmlDeviceGetMaxPcieLinkGeneration nvmlDeviceGetMaxPcieLinkWidth
      nvmlDeviceGetMemoryInfo nvmlDeviceGetName nvmlDeviceGetPciInfo nvmlDeviceGetPciInfo_v2
      nvmlDeviceGetPciInfo_v3 nvmlDeviceGetPcieThroughput nvmlDeviceGetPowerUsage
      nvmlDeviceGetProcessUtilization nvmlDeviceGetTemperature nvmlDeviceGetTemperatureThreshold
      nvmlDeviceGetUtilizationRates nvmlErrorString nvmlInit nvmlInit_v2 nvmlShutdown`),
  },
  {
    title: 'FFmpeg: what it looks up in the driver before it uses any of it',
    source: '`libavutil`, by way of `ffnvcodec/dynlink_loader.h`',
    functions:
      names(`cuArray3DCreate_v2 cuArrayDestroy cuCtxCreate_v2 cuCtxDestroy_v2 cuCtxGetDevice cuCtxPopCurrent_v2
      cuCtxPushCurrent_v2 cuCtxSetLimit cuDestroyExternalMemory cuDestroyExternalSemaphore cuDeviceComputeCapability
      cuDeviceGet cuDeviceGetAttribute cuDeviceGetCount cuDeviceGetName cuDeviceGetUuid cuDevicePrimaryCtxGetState
      cuDevicePrimaryCtxRelease cuDevicePrimaryCtxReset cuDevicePrimaryCtxRetain cuDevicePrimaryCtxSetFlags
      cuEGLStreamConsumerDisconnect cuEGLStreamProducerConnect cuEGLStreamProducerDisconnect
      cuEGLStreamProducerPresentFrame cuEGLStreamProducerReturnFrame cuEventCreate cuEventDestroy_v2 cuEventQuery
      cuEventRecord cuEventSynchronize cuExternalMemoryGetMappedBuffer cuExternalMemoryGetMappedMipmappedArray
      cuGLGetDevices_v2 cuGetErrorName cuGetErrorString cuGraphicsGLRegisterImage cuGraphicsMapResources
      cuGraphicsResourceGetMappedPointer_v2 cuGraphicsSubResourceGetMappedArray cuGraphicsUnmapResources
      cuGraphicsUnregisterResource cuImportExternalMemory cuImportExternalSemaphore cuInit cuLaunchKernel
      cuLinkAddData cuLinkComplete cuLinkCreate cuLinkDestroy cuMemAllocManaged cuMemAllocPitch_v2 cuMemAlloc_v2
      cuMemFree_v2 cuMemcpy cuMemcpy2DAsync_v2 cuMemcpy2D_v2 cuMemcpyAsync cuMemcpyDtoDAsync_v2 cuMemcpyDtoD_v2
      cuMemcpyDtoHAsync_v2 cuMemcpyDtoH_v2 cuMemcpyHtoDAsync_v2 cuMemcpyHtoD_v2 cuMemsetD8Async
      cuMipmappedArrayDestroy cuMipmappedArrayGetLevel cuModuleGetFunction cuModuleGetGlobal cuModuleLoadData
      cuModuleUnload cuSignalExternalSemaphoresAsync cuStreamAddCallback cuStreamCreate cuStreamDestroy_v2
      cuStreamQuery cuStreamSynchronize cuTexObjectCreate cuTexObjectDestroy cuWaitExternalSemaphoresAsync`),
  },
  {
    title: 'PyTorch: what it looks up in driver and NVML',
    source: '`c10/cuda/driver_api.h`, `ATen/cuda/nvrtc_stub/ATenNVRTC.h`',
    functions: names(`cuCtxFromGreenCtx cuCtxGetCurrent cuCtxPopCurrent_v2 cuCtxPushCurrent_v2 cuCtxSetCurrent
      cuDevResourceGenerateDesc cuDevSmResourceSplitByCount cuDeviceGet cuDeviceGetAttribute cuDeviceGetDevResource
      cuDevicePrimaryCtxGetState cuDevicePrimaryCtxRetain cuFuncGetAttribute cuFuncSetAttribute cuFuncSetCacheConfig
      cuGetErrorString cuGreenCtxCreate cuGreenCtxDestroy cuGreenCtxStreamCreate cuLaunchCooperativeKernel
      cuLaunchKernel cuLinkAddData_v2 cuLinkComplete cuLinkCreate_v2 cuLogsRegisterCallback cuLogsUnregisterCallback
      cuMemAddressFree cuMemAddressReserve cuMemCreate cuMemExportToShareableHandle cuMemGetAddressRange_v2
      cuMemGetAllocationGranularity cuMemGetAllocationPropertiesFromHandle cuMemImportFromShareableHandle cuMemMap
      cuMemRelease cuMemRetainAllocationHandle cuMemSetAccess cuMemUnmap cuMemsetD32Async cuModuleGetFunction
      cuModuleLoad cuModuleLoadData cuModuleLoadDataEx cuModuleUnload cuMulticastAddDevice cuMulticastBindMem
      cuMulticastCreate cuMulticastUnbind cuOccupancyMaxActiveBlocksPerMultiprocessor cuPointerGetAttribute
      cuStreamWriteValue32_v2 cuTensorMapEncodeTiled nvmlDeviceGetComputeRunningProcesses
      nvmlDeviceGetGpuFabricInfoV nvmlDeviceGetHandleByPciBusId_v2 nvmlDeviceGetNvLinkRemoteDeviceType
      nvmlDeviceGetNvLinkRemotePciInfo_v2 nvmlInit_v2 nvmlSystemGetCudaDriverVersion_v2`),
  },
  {
    title: 'PyTorch: the runtime',
    source: 'what `c10/cuda`, `ATen/cuda` and `torch/csrc/cuda` call, conditional graphs and IPC included',
    functions:
      names(`${registration} cudaDeviceCanAccessPeer cudaDeviceEnablePeerAccess cudaDeviceGetAttribute
      cudaDeviceGetDefaultMemPool cudaDeviceGetLimit cudaDeviceGetP2PAttribute cudaDeviceGetPCIBusId
      cudaDeviceGetStreamPriorityRange cudaDeviceReset cudaDeviceSetLimit cudaDeviceSetMemPool cudaDeviceSynchronize
      cudaDriverGetVersion cudaEventCreate cudaEventCreateWithFlags cudaEventDestroy cudaEventElapsedTime
      cudaEventQuery cudaEventRecord cudaEventRecordWithFlags cudaEventSynchronize cudaFree cudaFreeAsync cudaFreeHost
      cudaFuncGetAttributes cudaFuncSetAttribute cudaFuncSetCacheConfig cudaGetDevice cudaGetDeviceCount
      cudaGetDeviceProperties cudaGetDriverEntryPoint cudaGetDriverEntryPointByVersion cudaGetErrorName
      cudaGetErrorString cudaGetLastError cudaGetSymbolAddress cudaGraphAddDependencies cudaGraphAddEmptyNode
      cudaGraphAddNode cudaGraphConditionalHandleCreate cudaGraphCreate cudaGraphDebugDotPrint cudaGraphDestroy
      cudaGraphExecDestroy cudaGraphExecUpdate cudaGraphGetNodes cudaGraphInstantiate cudaGraphInstantiateWithFlags
      cudaGraphKernelNodeGetParams cudaGraphKernelNodeSetParams cudaGraphLaunch cudaGraphNodeGetType
      cudaGraphRetainUserObject cudaHostAlloc cudaHostGetDevicePointer cudaHostRegister cudaHostUnregister
      cudaIpcCloseMemHandle cudaIpcGetEventHandle cudaIpcGetMemHandle cudaIpcOpenEventHandle cudaIpcOpenMemHandle
      cudaLaunchCooperativeKernel cudaLaunchHostFunc cudaLaunchKernel cudaLaunchKernelExC cudaMalloc cudaMallocAsync
      cudaMallocFromPoolAsync cudaMallocHost cudaMallocManaged cudaMemAdvise cudaMemGetInfo cudaMemPoolCreate
      cudaMemPoolDestroy cudaMemPoolGetAttribute cudaMemPoolSetAccess cudaMemPoolSetAttribute cudaMemPoolTrimTo
      cudaMemPrefetchAsync cudaMemcpy cudaMemcpy2D cudaMemcpy2DAsync cudaMemcpyAsync cudaMemcpyFromSymbol
      cudaMemcpyPeerAsync cudaMemcpyToSymbol cudaMemcpyToSymbolAsync cudaMemset cudaMemset2DAsync cudaMemsetAsync
      cudaOccupancyAvailableDynamicSMemPerBlock cudaOccupancyMaxActiveBlocksPerMultiprocessor
      cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags cudaOccupancyMaxActiveClusters cudaPeekAtLastError
      cudaPointerGetAttributes cudaProfilerStart cudaProfilerStop cudaRuntimeGetVersion cudaSetDevice
      cudaSetDeviceFlags cudaStreamAddCallback cudaStreamBeginCapture cudaStreamBeginCaptureToGraph cudaStreamCreate
      cudaStreamCreateWithFlags cudaStreamCreateWithPriority cudaStreamDestroy cudaStreamEndCapture
      cudaStreamGetCaptureInfo cudaStreamGetFlags cudaStreamGetPriority cudaStreamIsCapturing cudaStreamQuery
      cudaStreamSetAttribute cudaStreamSynchronize cudaStreamUpdateCaptureDependencies cudaStreamWaitEvent
      cudaThreadExchangeStreamCaptureMode cudaUserObjectCreate`),
  },
];
