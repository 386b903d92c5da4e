import { moves } from './style.js';

const FRAMES = ['|', '/', '-', '\\'];
const PATIENCE_MS = 1000;
const FRAME_MS = 100;
const ERASE_LINE = '\r\x1b[2K';

interface Terminal {
  isTTY?: boolean;
  columns?: number;
  write(text: string): unknown;
}

/** Says on a terminal where text may move what takes so long, from the first second on. Elsewhere, and before that, silent. */
export class Progress {
  #step = '';
  #detail = '';
  #started = 0;
  #frame = 0;
  #visible = false;
  #timer: NodeJS.Timeout | undefined;
  readonly #terminal: Terminal;

  constructor(terminal: Terminal = process.stderr) {
    this.#terminal = terminal;
  }

  /** Shows `step` while `work` goes on. `work` may call `detail` to say how far it is. */
  async during<T>(step: string, work: (detail: (text: string) => void) => Promise<T>): Promise<T> {
    this.#step = step;
    this.#detail = '';
    this.#started = Date.now();
    if (moves(this.#terminal, process.env)) this.#timer = setInterval(() => this.#draw(), FRAME_MS);
    try {
      return await work((text) => {
        this.#detail = text;
      });
    } finally {
      clearInterval(this.#timer);
      if (this.#visible) this.#terminal.write(ERASE_LINE);
      this.#visible = false;
    }
  }

  #draw(): void {
    const elapsed = Date.now() - this.#started;
    if (elapsed < PATIENCE_MS) return;
    this.#visible = true;
    this.#frame = (this.#frame + 1) % FRAMES.length;
    const detail = this.#detail && `: ${this.#detail}`;
    const text = `${FRAMES[this.#frame]} ${this.#step}${detail} (${Math.floor(elapsed / 1000)} s)`;
    this.#terminal.write(ERASE_LINE + text.slice(0, (this.#terminal.columns ?? 80) - 1));
  }
}
