// Opens a driver's first device, and says on stderr why that fails. A program of its own: a driver may crash or hang whoever
// loads it.
import { isNativeError, native } from './native.js';

const [library = ''] = process.argv.slice(2);

try {
  const gpu = new (native().Gpu)(library, 0, undefined);
  await gpu.open(new Int32Array(new SharedArrayBuffer(4)), 0);
} catch (error) {
  const code = isNativeError(error) && error.kind === 'gpu' ? error.first : null;
  console.error(JSON.stringify({ code, message: String(error) }));
  process.exit(1);
}
// A driver's threads must not keep this process.
process.exit(0);
