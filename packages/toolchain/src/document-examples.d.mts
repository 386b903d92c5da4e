export function documentExamples(path: string): { title: string; source: string; prints: string[] }[];
export function runExample(source: string, packageDirectory: string): Promise<string[]>;
