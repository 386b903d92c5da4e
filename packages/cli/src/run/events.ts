/**
 * The lines of JSON that an executor appends to a file. One without an end is left out: somebody is still writing it, or
 * a full disk cut it off.
 */
export function parseEvents<Event>(text: string): Event[] {
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  return whole.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Event]));
}
