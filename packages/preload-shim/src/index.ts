export { GuestError, type GuestErrorCode, isGuestError } from './errors.js';
export { type GuestLibrary, guestLibrary } from './guest-library.js';
