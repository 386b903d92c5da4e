// Textures of the runtime API, on top of those of the driver API.
import type { CallEntry } from '../schema.js';
import { local } from './define.js';

export const runtimeTextures: readonly CallEntry[] = [
  `cudaError_t cudaCreateTextureObject(cudaTextureObject_t *pTexObject, const struct cudaResourceDesc *pResDesc,
    const struct cudaTextureDesc *pTexDesc, const struct cudaResourceViewDesc *pResViewDesc)`,
  'cudaError_t cudaDestroyTextureObject(cudaTextureObject_t texObject)',
  `cudaError_t cudaGetTextureObjectResourceDesc(struct cudaResourceDesc *pResDesc,
    cudaTextureObject_t texObject)`,
  `cudaError_t cudaGetTextureObjectTextureDesc(struct cudaTextureDesc *pTexDesc,
    cudaTextureObject_t texObject)`,
].map((text) => local('runtime', 0, text, "turns the runtime's structures into the driver's, and back"));
