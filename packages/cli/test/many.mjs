// Runs the built command many times in one process: argument lists come as JSON on stdin, exit codes go as JSON to the
// file that is named. Starting Node for each would take most of the time.
import { writeFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';

const [, , cli, results] = process.argv;
process.stdout.setMaxListeners(0);
const codes = [];
for (const args of JSON.parse(await text(process.stdin))) {
  process.argv = [process.execPath, cli, ...args];
  process.exitCode = 0;
  // Another address is another instance of the entry module, which parses process.argv anew.
  await import(`${pathToFileURL(cli)}?run=${codes.length}`);
  codes.push(process.exitCode);
}
process.exitCode = 0;
writeFileSync(results, JSON.stringify(codes));
