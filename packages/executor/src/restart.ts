// When a daemon that died is started again.

export interface RestartOptions {
  /** So many deaths within `windowMs` are taken; the next one is the last. */
  maximum?: number;
  windowMs?: number;
  /** Before the first start of a row; doubles with each until `maximumDelayMs`. */
  initialDelayMs?: number;
  maximumDelayMs?: number;
}

const DEFAULTS = { maximum: 5, windowMs: 60_000, initialDelayMs: 100, maximumDelayMs: 5_000 };

export class RestartPolicy {
  readonly maximum: number;
  readonly windowMs: number;
  readonly #initialDelayMs: number;
  readonly #maximumDelayMs: number;
  #deaths: number[] = [];

  constructor(options: RestartOptions = {}) {
    this.maximum = options.maximum ?? DEFAULTS.maximum;
    this.windowMs = options.windowMs ?? DEFAULTS.windowMs;
    this.#initialDelayMs = options.initialDelayMs ?? DEFAULTS.initialDelayMs;
    this.#maximumDelayMs = options.maximumDelayMs ?? DEFAULTS.maximumDelayMs;
  }

  /** Records a death at `now` and says how long to wait, or undefined to give up. */
  delayAfterDeath(now: number): number | undefined {
    this.#deaths = this.#deaths.filter((death) => now - death < this.windowMs);
    this.#deaths.push(now);
    if (this.#deaths.length > this.maximum) return undefined;
    return Math.min(this.#initialDelayMs * 2 ** (this.#deaths.length - 1), this.#maximumDelayMs);
  }
}
