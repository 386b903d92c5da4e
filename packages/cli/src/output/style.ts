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

/** Whether lines may be overwritten there: at a terminal that knows how to, unless NO_COLOR asks for plain text. */
export function moves({ isTTY }: { isTTY?: boolean | undefined }, environment: NodeJS.ProcessEnv): boolean {
  return isTTY === true && !environment.NO_COLOR && environment.TERM !== 'dumb';
}

const CLEAR_SCREEN = '\x1b[H\x1b[2J';

/** `text` in the place of what a terminal shows; where nothing may move, behind what is there already. */
export function screenful(
  text: string,
  stream: Partial<WriteStream>,
  environment: NodeJS.ProcessEnv,
): string {
  return moves(stream, environment) ? `${CLEAR_SCREEN}${text}\n` : `${text}\n\n`;
}

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
