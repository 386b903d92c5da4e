export class MissingSystemPackagesError extends Error {
  readonly code: 'ERR_VGPU_MISSING_SYSTEM_PACKAGES';
}
/** The executable file that a command's name stands for in PATH. */
export function findCommand(name: string): string | undefined;
/** Installs what the build needs and the machine lacks, or throws MissingSystemPackagesError. */
export function ensureSystemPackages(): void;
/**
 * Installs the packages of those commands that the machine lacks.
 * @throws MissingSystemPackagesError with the one line that would install them
 */
export function requireCommands(names: readonly string[]): void;
