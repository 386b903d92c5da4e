import fc from 'fast-check';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import {
  type BreakerEvent,
  CircuitBreaker,
  type CircuitBreakerOptions,
  conditionFault,
  driverFault,
  ResilienceArgumentError,
  ResilienceError,
} from '../src/index.js';

const busy = driverFault(46);
const sticky = driverFault(700);
const gone = conditionFault('executor-dead');

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 });
});
afterEach(() => {
  vi.useRealTimers();
});

const pass = (milliseconds: number) => vi.advanceTimersByTime(milliseconds);

function watched(options: CircuitBreakerOptions = {}) {
  const breaker = new CircuitBreaker(options);
  const events: BreakerEvent[] = [];
  breaker.onChange((event) => events.push(event));
  return { breaker, events, changes: () => events.map(({ from, to }) => `${from} ${to}`) };
}

/** Open, and able to try again: the worker of an isolated session died. */
function isolatedAndOpen() {
  const made = watched({ isolation: 'process' });
  made.breaker.failed(sticky);
  return made;
}

test('a closed breaker sends everything to the GPU', () => {
  const { breaker } = watched();
  expect([breaker.status, breaker.cause, breaker.admit(), breaker.isPermanent]).toEqual([
    'closed',
    null,
    'gpu',
    false,
  ]);
});

test('mistakes of the caller and a full memory never count', () => {
  const { breaker } = watched({ failureThreshold: 1 });
  for (const code of [1, 101, 400, 2]) breaker.failed(driverFault(code));
  expect(breaker.status).toBe('closed');
});

test('transient faults open it when there are enough in the window, and not before', () => {
  const { breaker } = watched({ failureThreshold: 3, failureWindowMs: 1000 });
  breaker.failed(busy);
  pass(600);
  breaker.failed(busy);
  pass(600);
  breaker.failed(busy);
  expect(breaker.status).toBe('closed');
  pass(100);
  breaker.failed(busy);
  expect(breaker.status).toBe('open');
  expect(breaker.cause).toEqual(busy);
});

test.each([
  ['a dead context in process', { isolation: 'inproc' }, sticky, true],
  ['a dead context in a worker', { isolation: 'process' }, sticky, false],
  ['a GPU that is gone, in a worker', { isolation: 'process' }, gone, true],
  ['no GPU, in a worker', { isolation: 'process' }, driverFault(100), true],
] as const)('%s opens at once', (_, options, fault, forGood) => {
  const { breaker } = watched(options);
  breaker.failed(fault);
  expect([breaker.status, breaker.isPermanent, breaker.admit()]).toEqual(['open', forGood, 'cpu']);
  pass(1e9);
  expect(breaker.admit()).toBe(forGood ? 'cpu' : 'probe');
});

test('after the wait one operation probes, all others stay on the CPU', () => {
  const { breaker, changes } = isolatedAndOpen();
  pass(9_999);
  expect(breaker.admit()).toBe('cpu');
  pass(1);
  expect([breaker.admit(), breaker.admit(), breaker.status]).toEqual(['probe', 'cpu', 'half-open']);
  breaker.probeSucceeded();
  expect([breaker.admit(), breaker.status]).toEqual(['gpu', 'closed']);
  expect(changes()).toEqual(['closed open', 'open half-open', 'half-open closed']);
});

test('a probe that fails opens it again, one that is abandoned leaves the place to the next', () => {
  const { breaker } = isolatedAndOpen();
  pass(10_000);
  expect(breaker.admit()).toBe('probe');
  breaker.probeAbandoned();
  expect(breaker.admit()).toBe('probe');
  breaker.probeFailed(busy);
  expect([breaker.status, breaker.cause, breaker.admit()]).toEqual(['open', busy, 'cpu']);
  pass(10_000);
  expect(breaker.admit()).toBe('probe');
});

test('an unknown error in the probe means that the GPU is gone', () => {
  const { breaker } = isolatedAndOpen();
  pass(10_000);
  breaker.admit();
  breaker.probeFailed(driverFault(999));
  expect([breaker.status, breaker.isPermanent, breaker.cause?.kind]).toEqual(['open', true, 'gone']);
});

test('an operation from before that fails late neither ends a probe nor makes the wait longer', () => {
  const { breaker } = isolatedAndOpen();
  pass(9_000);
  breaker.failed(sticky);
  pass(1_000);
  expect(breaker.admit()).toBe('probe');
  breaker.failed(sticky);
  expect(breaker.status).toBe('half-open');
  breaker.probeSucceeded();
  expect(breaker.status).toBe('closed');
});

test('an operation from before can still tell that the GPU is gone', () => {
  const { breaker } = isolatedAndOpen();
  pass(10_000);
  breaker.admit();
  breaker.failed(gone);
  breaker.probeSucceeded();
  expect([breaker.status, breaker.isPermanent]).toEqual(['open', true]);
});

test('force lies above the state and can be lifted', () => {
  const { breaker, changes } = isolatedAndOpen();
  breaker.force('closed');
  expect([breaker.admit(), breaker.status, breaker.cause]).toEqual(['gpu', 'closed', null]);
  breaker.force('open');
  pass(1e9);
  expect([breaker.admit(), breaker.isPermanent]).toEqual(['cpu', true]);
  breaker.force(null);
  expect(breaker.admit()).toBe('probe');
  expect(changes()).toEqual(['closed open', 'open closed', 'closed open', 'open half-open']);
});

test('a probe that is overtaken by force or reset is not taken for a later one', () => {
  const { breaker } = isolatedAndOpen();
  pass(10_000);
  expect(breaker.admit()).toBe('probe');
  breaker.reset();
  breaker.failed(sticky);
  pass(10_000);
  expect(breaker.admit()).toBe('cpu');
  breaker.probeSucceeded();
  expect(breaker.status).toBe('half-open');
  expect(breaker.admit()).toBe('probe');
});

test('a clock that was set back does not keep it open', () => {
  const { breaker } = isolatedAndOpen();
  vi.setSystemTime(10);
  pass(10_000);
  expect(breaker.admit()).toBe('probe');
});

test('the clock can be replaced', () => {
  let now = 5;
  const { breaker, events } = watched({ now: () => now, failureThreshold: 2, failureWindowMs: 100 });
  breaker.failed(busy);
  now = 105;
  breaker.failed(busy);
  expect(breaker.status).toBe('closed');
  now = 204;
  breaker.failed(busy);
  expect(events).toMatchObject([{ to: 'open', at: 204 }]);
});

test('a timer runs only while it is open, and leaves a process alone', () => {
  const { breaker } = isolatedAndOpen();
  expect(vi.getTimerCount()).toBe(1);
  breaker.reset();
  expect(vi.getTimerCount()).toBe(0);
  breaker.failed(gone);
  expect(vi.getTimerCount()).toBe(0);
});

test('a listener may throw, and may use the breaker', () => {
  const { breaker, events } = watched();
  breaker.onChange(() => {
    throw new Error('x');
  });
  const nested = breaker.onChange(() => breaker.reset());
  breaker.failed(sticky);
  expect(breaker.status).toBe('closed');
  expect(breaker.listenerFailures).toBe(2);
  nested.dispose();
  nested.dispose();
  breaker.failed(sticky);
  expect([breaker.status, events.length]).toEqual(['open', 3]);
});

test('a state goes through JSON to another breaker', () => {
  const { breaker } = watched({ isolation: 'process', failureThreshold: 2 });
  breaker.failed(busy);
  const counted = new CircuitBreaker({
    failureThreshold: 2,
    saved: JSON.parse(JSON.stringify(breaker.save())),
  });
  counted.failed(busy);
  expect(counted.status).toBe('open');

  const open = new CircuitBreaker({
    saved: JSON.parse(JSON.stringify(counted.save())),
  });
  expect([open.status, open.cause, open.admit()]).toEqual(['open', busy, 'cpu']);
  pass(10_000);
  expect(open.admit()).toBe('probe');
  // The probe belongs to a process that may be dead by now: another may probe.
  expect(new CircuitBreaker({ saved: open.save() }).admit()).toBe('probe');
});

test.each([
  undefined,
  {},
  null,
  'x',
  { version: 2, forced: null, failures: [], state: { status: 'closed' } },
  { version: 1, forced: null, failures: [-1], state: { status: 'closed' } },
  { version: 1, forced: null, failures: [], state: { status: 'open' } },
])('a state that is none is refused: %j', (saved) => {
  if (saved === undefined) expect(new CircuitBreaker({ saved }).status).toBe('closed');
  else expect(() => new CircuitBreaker({ saved })).toThrow(ResilienceError);
});

test.each([
  { failureThreshold: 0 },
  { failureThreshold: 1.5 },
  { failureThreshold: 10_001 },
  { failureWindowMs: 0 },
  { failureWindowMs: Number.NaN },
  { halfOpenAfterMs: -1 },
])('an option out of range is refused: %j', (options) => {
  expect(() => new CircuitBreaker(options)).toThrow(ResilienceArgumentError);
});

const commands = fc.array(
  fc.oneof(
    fc.constant('admit' as const),
    fc.constantFrom('succeed' as const, 'fail' as const, 'abandon' as const, 'reset' as const),
    fc.constantFrom(46, 700, 999, 100, 2, 1),
    fc.constantFrom({ force: 'open' } as const, { force: 'closed' } as const, { force: null }),
    fc.record({ pass: fc.integer({ min: 0, max: 20_000 }) }),
  ),
  { maxLength: 60 },
);

test('whatever happens: one probe at a time, events without gaps, and a saved state that is the same state', () => {
  fc.assert(
    fc.property(commands, fc.constantFrom('inproc' as const, 'process' as const), (list, isolation) => {
      const { breaker, events } = watched({ isolation, failureThreshold: 2 });
      let probes = 0;
      for (const command of list) {
        if (command === 'admit') {
          const admission = breaker.admit();
          if (breaker.status === 'closed') expect(admission).toBe('gpu');
          if (breaker.status === 'open') expect(admission).toBe('cpu');
          if (admission === 'probe') probes += 1;
        } else if (command === 'reset') breaker.reset();
        else if (typeof command === 'number') breaker.failed(driverFault(command));
        else if (typeof command === 'object' && 'pass' in command) pass(command.pass);
        else if (typeof command === 'object') breaker.force(command.force);
        else if (probes > 0) {
          probes = 0;
          if (command === 'succeed') breaker.probeSucceeded();
          else if (command === 'fail') breaker.probeFailed(busy);
          else breaker.probeAbandoned();
        }
        expect(probes).toBeLessThanOrEqual(1);
        const copy = new CircuitBreaker({ saved: breaker.save() });
        expect([copy.status, copy.cause]).toEqual([breaker.status, breaker.cause]);
      }
      let status = 'closed';
      for (const { from, to } of events) {
        expect(from).toBe(status);
        expect(to).not.toBe(status);
        status = to;
      }
      expect(breaker.status).toBe(status);
    }),
  );
});
