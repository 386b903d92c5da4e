import type { ErrorCode } from './error-codes.js';

/** The reference of all error codes as a page. */
export function errorReference(codes: readonly ErrorCode[]): string {
  const packages = [...new Set(codes.map((code) => code.package))];
  return [
    INTRO,
    ...packages.map((name) =>
      section(
        name,
        codes.filter((code) => code.package === name),
      ),
    ),
  ].join('\n');
}

/** The remedies as a module: `vgpu` says them for errors that bring none of their own. */
export function remedyModule(codes: readonly ErrorCode[]): string {
  const lines = codes.map(({ code, remedy }) => `  ${code}: ${JSON.stringify(remedy)},`);
  return `// Generated from the comments of the error codes by \`pnpm codegen\`.
export const remedies: Readonly<Record<string, string>> = {
${lines.join('\n')}
};
`;
}

const INTRO = `# Error codes

<!-- Generated from the comments of the error codes by \`pnpm codegen\`: edit them in the packages. -->

Every error of vgpu has a \`code\`, which stays the same between versions; its message names the values involved. \`vgpu\` prints
code, cause and remedy on stderr, and in the \`error\` of \`--json\`. What CUDA's own error codes mean in a program is in
[How a call gets its answer](../how-it-works.md#when-something-is-wrong).
`;

function section(name: string, codes: readonly ErrorCode[]): string {
  const rows = codes.map(({ code, cause, remedy }) => `| \`${code}\` | ${cell(cause)} | ${cell(remedy)} |`);
  return `## ${name}\n\n| code | cause | remedy |\n|---|---|---|\n${rows.join('\n')}\n`;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}
