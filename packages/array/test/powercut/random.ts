// Numbers that look random and are the same for the same seeds (splitmix32).

export type Random = (limit: number) => number;

/** Each call of the result gives a whole number from 0 up to, not including, its argument. */
export function randomFrom(...seeds: readonly number[]): Random {
  let state = 0;
  for (const seed of seeds) state = mixed((state ^ seed) + 0x9e3779b9);
  return (limit) => {
    state = (state + 0x9e3779b9) | 0;
    return mixed(state) % limit;
  };
}

function mixed(value: number): number {
  let bits = value | 0;
  bits = Math.imul(bits ^ (bits >>> 16), 0x21f0aaad);
  bits = Math.imul(bits ^ (bits >>> 15), 0x735a2d97);
  return (bits ^ (bits >>> 15)) >>> 0;
}
