// Colours and characters that a stream can show.
import type { WriteStream } from 'node:tty';

export interface Style {
  bold(text: string): string;
  dim(text: string): string;
  good(text: string): string;
  bad(text: string): string;
  /** Whether lines of boxes can be drawn with Unicode. */
  readonly unicode: boolean;
}

const paint = (open: number, close: number) => (text: string) => `\x1b[${open}m${text}\x1b[${close}m`;
const plain = (text: string) => text;

/** Colours at a terminal that has them, unless NO_COLOR says otherwise; Unicode at one whose locale is UTF-8. */
export function styleOf(stream: Partial<WriteStream>, environment: NodeJS.ProcessEnv): Style {
  const terminal = stream.isTTY === true;
  const colours = terminal && !environment.NO_COLOR && (stream.getColorDepth?.(environment) ?? 1) >= 4;
  const locale = environment.LC_ALL || environment.LC_CTYPE || environment.LANG || '';
  return {
    bold: colours ? paint(1, 22) : plain,
    dim: colours ? paint(2, 22) : plain,
    good: colours ? paint(32, 39) : plain,
    bad: colours ? paint(31, 39) : plain,
    unicode: terminal && /utf-?8/i.test(locale),
  };
}
