export { GuestError, type GuestErrorCode, isGuestError } from './errors.js';
export {
  type GuestLibrary,
  guestLibrary,
  recoveryProgram,
  selfTestProgram,
  shimExplainProgram,
  tracingLibrary,
} from './guest-library.js';
export { LIBRARY_NAMES } from './names-folder.js';
