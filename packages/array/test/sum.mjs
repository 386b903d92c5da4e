// Adds up an array of f64 and says how much memory that took. For large.test.ts, which needs a process of its own.
import { PersistentArray } from '@vgpu/array';

const [path, how] = process.argv.slice(2);
const peak = () => process.resourceUsage().maxRSS * 1024;

const array = await PersistentArray.open(path);
const before = peak();
let sum = 0;
const add = (values) => {
  for (const value of values) sum += value;
};
if (how === 'blocks') {
  for await (const { values } of array.blocks({ blockBytes: 8 * 1024 * 1024 })) add(values);
} else {
  add(array.values());
}
await array.close();
console.log(JSON.stringify({ sum, before, peak: peak() }));
