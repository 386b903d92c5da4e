export function browserBundle(
  entry: string,
  globalName: string,
): Promise<{ code: string; nodeImports: string[] }>;
