/** Commands that Windows builds need, and that cannot be had without installing packages. */
export function missingWindowsCommands(): string[];
/**
 * Makes ready what Windows builds need, and returns CMake definitions that use it.
 * @throws MissingSystemPackagesError with the one line that would install what is missing
 */
export function prepareWindows(folder: string): string[];
/**
 * Makes Wine ready for all programs that this process starts, and returns the path of node.exe. Installs Wine where it can.
 * @throws MissingSystemPackagesError with the one line that would install it
 */
export function startWindows(): string;
/** Ends what Wine keeps running in the background. */
export function stopWine(): void;
/** The path of node.exe, fetched into the folder once. @throws Error when it is not the one that we know */
export function windowsNode(cache: string): string;
