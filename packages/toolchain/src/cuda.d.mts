export function findNvcc(): string | undefined;
export function makePtx(nvcc: string, source: string): string;
export function incomparable(made: string, kept: string): string | undefined;
