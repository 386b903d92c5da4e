export { GuestError, type GuestErrorCode, isGuestError } from './errors.js';
export { type GuestLibrary, guestLibrary, selfTestProgram, tracingLibrary } from './guest-library.js';
