// Driver API calls about variables, libraries and their kernels, which the guest makes modules and functions of.
import type { CallEntry } from '../schema.js';
import { local } from './define.js';

const group = (why: string, since: number, prototypes: readonly string[]): CallEntry[] =>
  prototypes.map((text) => local('driver', since, text, why));

export const driverLocalLibraries: readonly CallEntry[] = [
  ...group('keeps the image, and loads it as a module where it is used', 12000, [
    `CUresult cuLibraryLoadData(CUlibrary *library, const void *code, CUjit_option *jitOptions, void
      **jitOptionsValues, unsigned int numJitOptions, CUlibraryOption *libraryOptions, void
      **libraryOptionValues, unsigned int numLibraryOptions)`,
    `CUresult cuLibraryLoadFromFile(CUlibrary *library, const char *fileName, CUjit_option *jitOptions, void
      **jitOptionsValues, unsigned int numJitOptions, CUlibraryOption *libraryOptions, void
      **libraryOptionValues, unsigned int numLibraryOptions)`,
    'CUresult cuLibraryUnload(CUlibrary library)',
    'CUresult cuLibraryGetModule(CUmodule *pMod, CUlibrary library)',
    'CUresult cuLibraryGetKernel(CUkernel *pKernel, CUlibrary library, const char *name)',
    'CUresult cuLibraryGetGlobal(CUdeviceptr *dptr, size_t *bytes, CUlibrary library, const char *name)',
  ]),
  ...group('links one image, which is that image', 6050, [
    `CUresult cuLinkCreate_v2(unsigned int numOptions, CUjit_option *options, void **optionValues, CUlinkState
      *stateOut)`,
    `CUresult cuLinkAddData_v2(CUlinkState state, CUjitInputType type, void *data, size_t size, const char *name,
      unsigned int numOptions, CUjit_option *options, void **optionValues)`,
    `CUresult cuLinkAddFile_v2(CUlinkState state, CUjitInputType type, const char *path, unsigned int numOptions,
      CUjit_option *options, void **optionValues)`,
  ]),
  ...group('links one image, which is that image', 5050, [
    'CUresult cuLinkComplete(CUlinkState state, void **cubinOut, size_t *sizeOut)',
    'CUresult cuLinkDestroy(CUlinkState state)',
  ]),
  ...group('asks the module', 12040, [
    'CUresult cuLibraryGetKernelCount(unsigned int *count, CUlibrary lib)',
  ]),
  ...group('asks the module', 12040, [
    'CUresult cuModuleEnumerateFunctions(CUfunction *functions, unsigned int numFunctions, CUmodule mod)',
    'CUresult cuLibraryEnumerateKernels(CUkernel *kernels, unsigned int numKernels, CUlibrary lib)',
  ]),
  ...group('keeps the name that the executor told', 12030, [
    'CUresult cuFuncGetName(const char **name, CUfunction hfunc)',
  ]),
  ...group('is the kernel of the module in the current context', 12000, [
    'CUresult cuKernelGetFunction(CUfunction *pFunc, CUkernel kernel)',
    'CUresult cuKernelGetAttribute(int *pi, CUfunction_attribute attrib, CUkernel kernel, CUdevice dev)',
    'CUresult cuKernelSetAttribute(CUfunction_attribute attrib, int val, CUkernel kernel, CUdevice dev)',
    'CUresult cuKernelSetCacheConfig(CUkernel kernel, CUfunc_cache config, CUdevice dev)',
  ]),
  ...group('is the kernel of the module in the current context', 12040, [
    'CUresult cuKernelGetParamInfo(CUkernel kernel, size_t paramIndex, size_t *paramOffset, size_t *paramSize)',
  ]),
  ...group('knows it since cuLibraryGetKernel', 12030, [
    'CUresult cuKernelGetName(const char **name, CUkernel hfunc)',
  ]),
  ...group('knows it since cuLibraryGetKernel', 12050, [
    'CUresult cuKernelGetLibrary(CUlibrary *pLib, CUkernel kernel)',
  ]),
  ...group('asks for an attribute, which the executor reads from the decoded kernel', 12040, [
    'CUresult cuFuncLoad(CUfunction function)',
    'CUresult cuFuncIsLoaded(CUfunctionLoadingState *state, CUfunction function)',
  ]),
  ...group('maps managed variables here too', 3020, [
    'CUresult cuModuleGetGlobal_v2(CUdeviceptr *dptr, size_t *bytes, CUmodule hmod, const char *name)',
  ]),
  ...group('maps them here too', 12000, [
    'CUresult cuLibraryGetManaged(CUdeviceptr *dptr, size_t *bytes, CUlibrary library, const char *name)',
  ]),
  ...group('there is no profiler to tell, and then it does nothing', 4000, [
    'CUresult cuProfilerStart(void)',
    'CUresult cuProfilerStop(void)',
  ]),
];
