// Computes with a driver in its own process: in-process-child DRIVER HANG_AFTER_MS. What came of it, as JSON on stdout.
import { createSession } from '@vgpu/cuda-native';

const [driver, hangAfterMs] = process.argv.slice(2);
const lines = [];
const session = await createSession({
  driver,
  hangAfterMs: Number(hangAfterMs),
  log: (line) => lines.push(line),
});
const x = new Float32Array([1, 2, 4]);
const told = ({ name, code, fault }) => ({ name, code, fault });
const results = [];
for (const operation of [() => session.sum(x), () => session.sum(x), () => session.dot(x, x)]) {
  results.push(await operation().catch(told));
}
const strict = await session.sum(x, { fallback: 'never' }).catch(told);
const { status, isPermanent } = session.breaker;
const { gpuMemory } = session;
await session.close();
console.log(JSON.stringify({ results, strict, lines, status, isPermanent, gpuMemory }));
