declare module '@vgpu/executor' {
  export class Executor {
    static start(options: {
      gpu: 'auto' | 'real' | 'software';
      signal?: AbortSignal;
      log?: (line: string) => void;
    }): Promise<Executor>;
    static connect(url: string): Promise<Executor>;
    readonly url: string;
    readonly device: { name: string; memoryBytes: number; backend: string };
    stop(): Promise<void>;
  }
}
declare module '@vgpu/preload-shim' {
  export function guestLibrary(): { library: string; directory: string };
}
