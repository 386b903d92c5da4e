// A handle of another client, in every call of the table that takes one: the error that CUDA's documentation names for
// it, and nothing of the other client touched.
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { DaemonProcess } from './daemon-process.js';
import { RawClient, u64 } from './raw-client.js';
import {
  type Handles,
  type HandleType,
  isHandleType,
  makeHandles,
  type RemoteCall,
  remoteCalls,
  request,
} from './requests.js';
import { expectSecret, writeSecret } from './secret.js';

const SUCCESS = 0;
const INVALID_VALUE = 1;
const INVALID_CONTEXT = 201;
const INVALID_HANDLE = 400;
const NOT_FOUND = 500;

/** cuda.h: what a call answers to a handle that is none. */
const REFUSALS: Record<HandleType, number> = {
  CUcontext: INVALID_CONTEXT,
  CUmodule: INVALID_HANDLE,
  CUfunction: INVALID_HANDLE,
  CUstream: INVALID_HANDLE,
  CUevent: INVALID_HANDLE,
  CUmemoryPool: INVALID_VALUE,
  CUmemGenericAllocationHandle: INVALID_VALUE,
  CUdeviceptr: INVALID_VALUE,
  CUarray: INVALID_HANDLE,
  CUtexObject: INVALID_VALUE,
};
/** Where it names another error. */
const OTHERWISE: Partial<Record<string, number>> = { cuMemGetAddressRange_v2: NOT_FOUND };
/** An address here is a wish that need not be granted. */
const WISHES = ['cuMemAddressReserve'];

/** A parameter that has a foreign value beside others that have right ones. */
interface Case {
  readonly call: RemoteCall;
  readonly name: string;
  readonly type: HandleType;
}
const cases: Case[] = remoteCalls.flatMap((call) =>
  call.prototype.parameters.flatMap(({ name, type }) =>
    call.roles[name]?.role === 'in' && isHandleType(type) && !WISHES.includes(call.prototype.name)
      ? [{ call, name, type }]
      : [],
  ),
);

let daemon: DaemonProcess;
let owner: RawClient;
let foreign: Handles;
const strangers: RawClient[] = [];

const newStranger = async (): Promise<RawClient> => {
  const stranger = await RawClient.open(daemon.socketPath, 'stranger');
  strangers.push(stranger);
  return stranger;
};

beforeAll(async () => {
  daemon = await DaemonProcess.start('--memory', '256M');
  owner = await RawClient.open(daemon.socketPath, 'owner');
  // Numbers begin anew with each client: behind these objects there are some that no other client has been given.
  for (let i = 0; i < 3; i += 1) await makeHandles(owner);
  foreign = await makeHandles(owner);
  await writeSecret(owner, foreign.CUdeviceptr);
});
afterEach(() => {
  for (const stranger of strangers.splice(0)) stranger.close();
});
afterAll(async () => {
  owner.close();
  await daemon.stop('SIGKILL');
});

it.each(cases.map((entry) => [`${entry.call.prototype.name}: ${entry.name}`, entry] as const))(
  '%s',
  async (_title, entry) => {
    const callName = entry.call.prototype.name;
    const refusal = OTHERWISE[callName] ?? REFUSALS[entry.type];
    const stranger = await newStranger();
    const own = await makeHandles(stranger);
    expect(
      (await stranger.call(callName, request(entry.call, own, { foreign: [entry.name, foreign] }))).status,
    ).toBe(refusal);
    expect((await stranger.call('cuCtxSynchronize')).status).toBe(SUCCESS);
    // It was the handle that was refused, and nothing else.
    expect((await stranger.call(callName, request(entry.call, own))).status).not.toBe(refusal);
  },
);

it('a context of another client, as the one that a call is made in', async () => {
  const stranger = await newStranger();
  stranger.context = foreign.CUcontext;
  expect((await stranger.call('cuMemAlloc_v2', u64(64))).status).toBe(INVALID_CONTEXT);
});

it('leaves the other client everything that it had', async () => {
  await expectSecret(owner, foreign.CUdeviceptr);
  for (const entry of cases) {
    const callName = entry.call.prototype.name;
    if (/Destroy|Unload|Free|Release|Map|Unmap/.test(callName)) continue;
    const { status } = await owner.call(callName, request(entry.call, foreign));
    expect(status, callName).not.toBe(OTHERWISE[callName] ?? REFUSALS[entry.type]);
  }
  expect(daemon.logged(/was killed|ended with status/)).toBe(false);
});
