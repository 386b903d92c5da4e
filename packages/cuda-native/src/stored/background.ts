// Work that goes on beside other work.

/** Starts everything, and ends when all of it has: whoever fails then has nothing under way any more. */
export async function together(actions: readonly (() => Promise<void>)[]): Promise<void> {
  const results = await Promise.allSettled(actions.map(async (action) => action()));
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}

/** Started now, and awaited later. */
export function inBackground(actions: readonly (() => Promise<void>)[]): Promise<void> {
  const work = together(actions);
  // Where something else fails first, nobody asks how this one ended.
  work.catch(() => {});
  return work;
}
