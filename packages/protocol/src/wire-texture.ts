// What arrays and textures look like on the wire: the structures that cuArray3DCreate and cuTexObjectCreate take, without
// their union.
import type { WireStructure } from './wire.js';

export const array: WireStructure = {
  name: 'vgpu_array',
  about: 'An array. Nothing of it can be believed.',
  fields: [
    { name: 'width', type: 'u64', about: 'elements of a row' },
    { name: 'height', type: 'u64', about: 'rows; 0 of an array with one dimension' },
    { name: 'depth', type: 'u64', about: 'slices; 0 of an array with one or two' },
    { name: 'format', type: 'i32', about: 'CUarray_format' },
    { name: 'channels', type: 'u32', about: 'of an element' },
    { name: 'flags', type: 'u32', about: 'CUDA_ARRAY3D_…' },
    { name: 'reserved', type: 'u32', about: 'zero' },
  ],
};

export const texture: WireStructure = {
  name: 'vgpu_texture',
  about: 'A texture object: what it reads, and how. Nothing of it can be believed.',
  fields: [
    { name: 'array', type: 'u64', about: 'CUarray; what it has itself is then 0 below' },
    { name: 'address', type: 'u64', about: 'of the first texel' },
    { name: 'width', type: 'u64', about: 'texels in a row; of linear memory its bytes' },
    { name: 'height', type: 'u64', about: 'rows; 0 of linear memory' },
    { name: 'pitch', type: 'u64', about: 'bytes from one row to the next; 0 of linear memory' },
    { name: 'resource', type: 'i32', about: 'CUresourcetype' },
    { name: 'format', type: 'i32', about: 'CUarray_format' },
    { name: 'channels', type: 'u32', about: 'of a texel' },
    { name: 'address_mode', type: 'i32', count: 3, about: 'CUaddress_mode of each coordinate' },
    { name: 'filter_mode', type: 'i32', about: 'CUfilter_mode' },
    { name: 'flags', type: 'u32', about: 'CU_TRSF_…' },
    { name: 'max_anisotropy', type: 'u32', about: 'of mipmaps, like the following four' },
    { name: 'mipmap_filter_mode', type: 'i32', about: 'CUfilter_mode' },
    { name: 'mipmap_level_bias', type: 'u32', about: 'the bits of a float' },
    { name: 'min_mipmap_level', type: 'u32', about: 'likewise' },
    { name: 'max_mipmap_level', type: 'u32', about: 'likewise' },
    { name: 'border_color', type: 'u32', count: 4, about: 'the bits of floats' },
    { name: 'reserved', type: 'u32', about: 'zero' },
  ],
};
