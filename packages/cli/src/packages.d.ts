declare module '@vgpu/preload-shim' {
  export function guestLibrary(): { library: string; directory: string };
}
