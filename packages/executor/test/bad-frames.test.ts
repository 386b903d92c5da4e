// Requests that lie about a length, for every call of the table: refused by name, and the connection goes on.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DaemonProcess, until } from './daemon-process.js';
import { callNumber, frame, RawClient, u64 } from './raw-client.js';
import {
  type Handles,
  makeHandles,
  PRIVATE_BYTES,
  type RemoteCall,
  remoteCalls,
  request,
} from './requests.js';
import { expectSecret, writeSecret } from './secret.js';

const SUCCESS = 0;
const INVALID_VALUE = 1;

let daemon: DaemonProcess;
let witness: RawClient;
let secret: bigint;
let client: RawClient;
let handles: Handles;

beforeAll(async () => {
  daemon = await DaemonProcess.start('--memory', '256M');
  witness = await RawClient.open(daemon.socketPath, 'witness');
  secret = (await witness.call('cuMemAlloc_v2', u64(PRIVATE_BYTES))).payload.readBigUInt64LE();
  await writeSecret(witness, secret);
});
beforeEach(async () => {
  client = await RawClient.open(daemon.socketPath);
  handles = await makeHandles(client);
});
/** Whatever a client has sent, its own worker or at least the other client's goes on as before. */
afterEach(async () => {
  client.close();
  await expectSecret(witness, secret);
  expect(daemon.lines.filter((line) => /was killed|ended with status/.test(line))).toEqual([]);
});
afterAll(async () => {
  witness.close();
  await daemon.stop('SIGKILL');
});

const expectRefused = async (name: string, payload: Uint8Array): Promise<void> => {
  const answer = await client.call(name, payload);
  expect(answer.status).toBe(INVALID_VALUE);
  expect(answer.payload.length).toBe(0);
  expect((await client.call('cuCtxSynchronize')).status).toBe(SUCCESS);
};

type Named<Content> = readonly (readonly [string, Content])[];
const byName = (chosen: readonly RemoteCall[]): Named<RemoteCall> =>
  chosen.map((call) => [call.prototype.name, call]);

const sends = (call: RemoteCall, ...roles: string[]): boolean =>
  Object.values(call.roles).some(({ role }) => roles.includes(role));

it.each(byName(remoteCalls))('%s with a byte too many', async (name, call) => {
  await expectRefused(name, Buffer.concat([request(call, handles), Buffer.alloc(1)]));
});

const withParameters = remoteCalls.filter((call) => sends(call, 'in', 'bytesIn', 'stringIn'));
it.each(byName(withParameters))('%s with a byte too few, and with none', async (name, call) => {
  await expectRefused(name, request(call, handles).subarray(0, -1));
  await expectRefused(name, new Uint8Array());
});

/** Lengths in front of a buffer or a string of `length` bytes. */
const LIES: Named<(length: bigint) => bigint> = [
  ['a byte more than there is', (length) => length + 1n],
  ['a byte less', (length) => length - 1n],
  ['nothing', () => 0n],
  ['2 GiB', () => 1n << 31n],
  ['so much that its end would lie before its beginning', (length) => (1n << 64n) - length],
];
const withBuffers = remoteCalls.filter((call) => sends(call, 'bytesIn', 'stringIn'));
describe.each(LIES)('a buffer that claims %s', (_what, lie) => {
  it.each(byName(withBuffers))('%s', async (name, call) => {
    const buffer = (content: string) =>
      Buffer.concat([u64(lie(BigInt(content.length))), Buffer.from(content)]);
    await expectRefused(name, request(call, handles, { buffer }));
  });
});

const answersWithBuffers = remoteCalls.flatMap((call) =>
  Object.values(call.roles).flatMap((role) =>
    role.role === 'bytesOut' ? [[call.prototype.name, call, role.length] as const] : [],
  ),
);
it.each(answersWithBuffers)('%s that asks for more than a frame holds', async (name, call, length) => {
  for (const bytes of [2n ** 28n + 1n, 2n ** 63n, 2n ** 64n - 1n]) {
    await expectRefused(name, request(call, handles, { number: [length, bytes] }));
  }
});

describe('a copy that is taken in while it arrives', () => {
  const BYTES = 1024 * 1024;
  const copy = async (claimed: number, total: number): Promise<number> => {
    const { payload } = await client.call('cuMemAlloc_v2', u64(BYTES));
    const content = [u64(claimed), Buffer.alloc(BYTES, 1)];
    const answer = await client.call('vgpuCopyToDevice', payload, u64(total), u64(0), ...content);
    expect((await client.call('cuCtxSynchronize')).status).toBe(SUCCESS);
    const read = await client.call('vgpuCopyFromDevice', payload, u64(BYTES), u64(BYTES), u64(0));
    const untouched = read.payload.every((byte) => byte === 0);
    expect(untouched).toBe(answer.status !== SUCCESS);
    return answer.status;
  };

  it.each([
    ['tells the truth', BYTES, BYTES, SUCCESS],
    ['claims a byte more than there is', BYTES + 1, BYTES + 1, INVALID_VALUE],
    ['claims a byte less', BYTES - 1, BYTES, INVALID_VALUE],
    ['claims nothing', 0, 0, INVALID_VALUE],
    ['is more than its total', BYTES, BYTES - 1, INVALID_VALUE],
    ['has a total beyond the allocation', BYTES, BYTES + 1, INVALID_VALUE],
    ['has a total beyond all memory', BYTES, Number.MAX_SAFE_INTEGER, INVALID_VALUE],
  ])('and %s', async (_what, claimed, total, status) => {
    expect(await copy(claimed, total)).toBe(status);
  });
});

describe('a header', () => {
  const synchronise = callNumber('cuCtxSynchronize');

  it('that claims less than there is: the rest is no frame, and the connection ends', async () => {
    const lost = callNumber('vgpuCopyToDevice');
    client.socket.write(frame({ call: lost, payload: Buffer.alloc(4096, 0xff), payloadBytes: 8 }));
    expect((await client.answer()).status).toBe(INVALID_VALUE);
    await client.ended();
    await until(() => daemon.logged(/a request of 4294967295 bytes/), 'the log says so');
  });

  it('that claims the request behind it, too, is one malformed request', async () => {
    const second = frame({ call: synchronise, sequence: 8, context: client.context });
    const first = frame({
      call: synchronise,
      sequence: 7,
      context: client.context,
      payloadBytes: second.length,
    });
    client.socket.write(Buffer.concat([first, second]));
    expect(await client.answer()).toMatchObject({ status: INVALID_VALUE, sequence: 7 });
    expect((await client.call('cuCtxSynchronize')).status).toBe(SUCCESS);
  });
});
