// Computes with a driver in its own process: in-process-child DRIVER. What came of it, as JSON on stdout.
import { createSession } from '@vgpu/cuda-native';

const [driver] = process.argv.slice(2);
const lines = [];
const session = await createSession({ driver, log: (line) => lines.push(line) });
const x = new Float32Array([1, 2, 4]);
const results = [await session.sum(x), await session.sum(x), await session.dot(x, x)];
const strict = await session
  .sum(x, { fallback: 'never' })
  .catch(({ name, code, fault }) => ({ name, code, fault }));
const { status, isPermanent } = session.breaker;
await session.close();
console.log(JSON.stringify({ results, strict, lines, status, isPermanent }));
