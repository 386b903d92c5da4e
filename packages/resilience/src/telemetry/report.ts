// What breakers and sessions tell, as records.
import type { Subscription } from '../emitter.js';
import type { FallbackSession } from '../fallback-session.js';
import { eventRecord } from './record.js';
import type { Telemetry } from './telemetry.js';

/**
 * Emits a record for each change of the session's breaker and for each operation that goes to the CPU, until the subscription is
 * ended.
 *
 * @param component what the records say about where they come from
 */
export function reportSession(
  session: FallbackSession,
  telemetry: Telemetry,
  component = 'session',
): Subscription {
  const changes = session.breaker.onChange(({ from, to, cause, forced }) => {
    telemetry.emit(
      eventRecord({
        level: to === 'open' ? 'warn' : 'info',
        component,
        message: `breaker: ${from} to ${to}`,
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
