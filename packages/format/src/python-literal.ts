// As much of Python's literal syntax as the header of a .npy file may hold. Nothing is evaluated.
import { InvalidFileFormatError } from './errors.js';

export type PythonValue = string | boolean | null | number | PythonValue[] | Map<string, PythonValue>;

const maximumDepth = 16;
const space = /[ \t\r\n]*/y;
// The L behind an integer is how Python 2 wrote long ones.
const token = /True|False|None|\d+L?|'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"/y;

/**
 * Dictionaries with string keys become maps; tuples and lists become arrays.
 * @throws InvalidFileFormatError bad-metadata; its offset counts from the start of the text
 */
export function parsePythonLiteral(text: string): PythonValue {
  const parser = new Parser(text);
  const value = parser.value(0);
  parser.expectEnd();
  return value;
}

class Parser {
  readonly #text: string;
  #position = 0;

  constructor(text: string) {
    this.#text = text;
  }

  value(depth: number): PythonValue {
    if (depth > maximumDepth) throw this.#unexpected(`at most ${maximumDepth} levels`);
    if (this.#accept('{')) return this.#dictionary(depth + 1);
    if (this.#accept('[')) return this.#items(']', depth + 1).values;
    if (this.#accept('(')) {
      const { values, comma } = this.#items(')', depth + 1);
      const [only] = values;
      // Parentheses make no tuple: (3) is 3, only (3,) is one.
      return values.length === 1 && !comma && only !== undefined ? only : values;
    }
    return this.#scalar();
  }

  expectEnd(): void {
    this.#skipSpace();
    if (this.#position < this.#text.length) throw this.#unexpected('the end');
  }

  #items(close: string, depth: number): { values: PythonValue[]; comma: boolean } {
    const values: PythonValue[] = [];
    let comma = true;
    while (!this.#accept(close)) {
      if (!comma) throw this.#unexpected(`, or ${close}`);
      values.push(this.value(depth));
      comma = this.#accept(',');
    }
    return { values, comma };
  }

  #dictionary(depth: number): Map<string, PythonValue> {
    const entries = new Map<string, PythonValue>();
    let comma = true;
    while (!this.#accept('}')) {
      if (!comma) throw this.#unexpected(', or }');
      const key = this.#scalar();
      if (typeof key !== 'string' || entries.has(key)) throw this.#unexpected('a new key before this');
      if (!this.#accept(':')) throw this.#unexpected(':');
      entries.set(key, this.value(depth));
      comma = this.#accept(',');
    }
    return entries;
  }

  #scalar(): PythonValue {
    this.#skipSpace();
    token.lastIndex = this.#position;
    const text = token.exec(this.#text)?.[0];
    if (text === undefined) throw this.#unexpected('a value');
    this.#position += text.length;
    if (text === 'None') return null;
    if (text === 'True' || text === 'False') return text === 'True';
    if (/^\d/.test(text)) return this.#integer(text);
    return text.slice(1, -1).replace(/\\(.)/g, '$1');
  }

  #integer(text: string): number {
    const value = Number.parseInt(text, 10);
    if (!Number.isSafeInteger(value)) throw this.#unexpected('an integer below 2^53 before this');
    return value;
  }

  #accept(character: string): boolean {
    this.#skipSpace();
    if (this.#text[this.#position] !== character) return false;
    this.#position++;
    return true;
  }

  #skipSpace(): void {
    space.lastIndex = this.#position;
    this.#position += space.exec(this.#text)?.[0].length ?? 0;
  }

  #unexpected(expected: string): InvalidFileFormatError {
    const rest = this.#text.slice(this.#position, this.#position + 20);
    return new InvalidFileFormatError('bad-metadata', 'the header is no Python dictionary', {
      offset: this.#position,
      found: rest === '' ? 'the end' : JSON.stringify(rest),
      expected,
    });
  }
}
