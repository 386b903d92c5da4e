// What breakers and sessions tell, as records.
import type { BreakerEvent, BreakerStatus } from '../circuit-breaker.js';
import type { Subscription } from '../emitter.js';
import type { FallbackSession } from '../fallback-session.js';
import { eventRecord, type TelemetryRecord } from './record.js';
import type { Telemetry } from './telemetry.js';

/**
 * Emits a record of the state of the session's breaker now, which has no `from`, then one for each of its changes and for each
 * operation that goes to the CPU, until the subscription is ended.
 *
 * @param component what the records say about where they come from
 */
export function reportSession(
  session: FallbackSession,
  telemetry: Telemetry,
  component = 'session',
): Subscription {
  const reportBreaker = (
    level: TelemetryRecord['level'],
    { from, to, cause, forced }: Omit<BreakerEvent, 'from' | 'at'> & { from: BreakerStatus | null },
  ) =>
    telemetry.emit(
      eventRecord({
        level,
        component,
        message: from === null ? `breaker: ${to}` : `breaker: ${from} to ${to}`,
        metadata: {
          event: 'breaker',
          from,
          to,
          forced,
          code: cause?.code ?? null,
          name: cause?.name ?? null,
        },
      }),
    );
  const { status, cause } = session.breaker;
  // A machine without a GPU, and a breaker that is held open by hand, are nothing to warn of.
  const isFault = status === 'open' && cause !== null && cause.kind !== 'absent';
  const forced = session.breaker.save().forced !== null;
  reportBreaker(isFault ? 'warn' : 'info', { from: null, to: status, cause, forced });
  const changes = session.breaker.onChange((event) => {
    reportBreaker(event.to === 'open' ? 'warn' : 'info', event);
  });
  const fallbacks = session.onFallback(({ operation, fault, scope, count }) => {
    telemetry.emit(
      eventRecord({
        level: fault.kind === 'absent' ? 'info' : 'warn',
        component,
        message: `${operation} went to the CPU: ${fault.name}`,
        metadata: {
          event: 'fallback',
          operation,
          code: fault.code,
          name: fault.name,
          kind: fault.kind,
          scope,
          count,
        },
      }),
    );
  });
  const dispose = () => {
    changes.dispose();
    fallbacks.dispose();
  };
  return { dispose, [Symbol.dispose ?? Symbol.for('Symbol.dispose')]: dispose } as Subscription;
}
