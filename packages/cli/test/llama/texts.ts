// Prompts of random tokens, and how to judge the texts that follow them.
import type { Text } from './generation.js';
import { mulberry32, VOCABULARY } from './tiny-model.js';

const BEGIN_OF_TEXT = 1;
const CONTROL_TOKENS = 3;

/** So many prompts of so many tokens, the same each time. */
export function prompts(length: number, count: number): number[][] {
  const random = mulberry32(length);
  const token = () => CONTROL_TOKENS + Math.floor(random() * (VOCABULARY - CONTROL_TOKENS));
  return Array.from({ length: count }, () =>
    Array.from({ length }, (_, index) => (index === 0 ? BEGIN_OF_TEXT : token())),
  );
}

export interface Chosen {
  readonly prompt: readonly number[];
  readonly text: Text;
  /** By how much the best token leads over the second at the closest step, in units of the logits' spread. */
  readonly lead: number;
}

/** Of each length the prompt after which the best token is clearest: where two are close, rounding may decide. */
export function chooseClearest(prompts: readonly (readonly number[])[], texts: readonly Text[]): Chosen[] {
  const best = new Map<number, Chosen>();
  for (const [index, prompt] of prompts.entries()) {
    const text = texts[index];
    if (!text) throw new Error('fewer texts than prompts');
    const lead = smallestLead(text);
    const known = best.get(prompt.length);
    if (!known || lead > known.lead) best.set(prompt.length, { prompt, text, lead });
  }
  return [...best.values()];
}

export function tokensOf({ steps }: Text): number[] {
  return steps.map(({ token }) => token);
}

function smallestLead({ steps }: Text): number {
  const leads = steps.map(({ logits }) => {
    const [first = 0, second = 0] = logits.toSorted((a, b) => b - a);
    return (first - second) / spread(logits);
  });
  return Math.min(...leads);
}

/** How far the logits of two texts are apart: root mean square, in units of the spread of the expected ones. */
export function logitError(actual: Text, expected: Text | undefined): number {
  let [sum, count] = [0, 0];
  for (const [index, { logits }] of expected?.steps.entries() ?? []) {
    const unit = spread(logits);
    for (const [token, logit] of logits.entries()) {
      sum += (((actual.steps[index]?.logits[token] ?? Number.NaN) - logit) / unit) ** 2;
      count += 1;
    }
  }
  return Math.sqrt(sum / count);
}

function spread(logits: readonly number[]): number {
  return Math.sqrt(logits.reduce((sum, logit) => sum + logit * logit, 0) / logits.length);
}
