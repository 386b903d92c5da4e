export { GuestError, type GuestErrorCode, isGuestError } from './errors.js';
export {
  type GuestLibrary,
  guestLibrary,
  selfTestProgram,
  shimExplainProgram,
  tracingLibrary,
} from './guest-library.js';
