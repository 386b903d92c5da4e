// Textures: what the guest answers, and the calls beneath.
import type { CallEntry } from '../schema.js';
import { bytesIn, bytesOut, local, out, remote } from './define.js';

const splitting = 'takes the structures apart, which have unions, and sends one of ../wire-texture.ts';

export const textures: readonly CallEntry[] = [
  // `description` is a vgpu_texture.
  remote(
    'internal',
    0,
    'CUresult vgpuTexObjectCreate(CUtexObject *texture, const void *description, size_t bytes)',
    { roles: { texture: out, description: bytesIn('bytes') } },
  ),
  // The same back.
  remote(
    'internal',
    0,
    'CUresult vgpuTexObjectDescription(void *description, size_t bytes, CUtexObject texture)',
    { roles: { description: bytesOut('bytes') } },
  ),
  remote('driver', 5000, 'CUresult cuTexObjectDestroy(CUtexObject texObject)'),
  local(
    'driver',
    5000,
    `CUresult cuTexObjectCreate(CUtexObject *pTexObject, const CUDA_RESOURCE_DESC *pResDesc,
      const CUDA_TEXTURE_DESC *pTexDesc, const CUDA_RESOURCE_VIEW_DESC *pResViewDesc)`,
    splitting,
  ),
  local(
    'driver',
    5000,
    'CUresult cuTexObjectGetResourceDesc(CUDA_RESOURCE_DESC *pResDesc, CUtexObject texObject)',
    splitting,
  ),
  local(
    'driver',
    5000,
    'CUresult cuTexObjectGetTextureDesc(CUDA_TEXTURE_DESC *pTexDesc, CUtexObject texObject)',
    splitting,
  ),
];
