/** Who gets the library; vgpu shim install --help explains them. */
export const scopes = ['program', 'service', 'container', 'system'] as const;
export type Scope = (typeof scopes)[number];
