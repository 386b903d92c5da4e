// Where things are in the system that is changed. The recovery program knows STATE and TEMPORARY_SUFFIX too
// (packages/preload-shim/native/recovery).

export const PRELOAD_FILE = '/etc/ld.so.preload';
export const LIBRARIES = '/usr/lib/vgpu-shim';
/** A symbolic link to the folder of the version in use. */
export const CURRENT = `${LIBRARIES}/current`;
export const LIBRARY = `${CURRENT}/libvgpu_cuda.so`;
export const NAMES = `${CURRENT}/names`;
export const RECOVERY = `${CURRENT}/vgpu-shim-recover`;
/** One numbered folder for each installation that can be undone: its journal, and copies of what it replaced. */
export const STATE = '/var/lib/vgpu-shim';
/** What a new file is called until it takes its name. */
export const TEMPORARY_SUFFIX = '.vgpu-new';

export const UNITS = '/etc/systemd/system';
export const GUARD_UNIT = 'vgpu-shim-recover.service';
