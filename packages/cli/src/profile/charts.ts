// Bars with their text beside them: the drawing adds nothing that the text does not say.

export interface Bar {
  label: string;
  value: number;
  /** Of the value, drawn darker; all of it where it is not given. */
  part?: number;
  text: string;
}

export function barChart(bars: readonly Bar[]): string {
  const longest = Math.max(...bars.map(({ value }) => value), 1);
  return `<ol class="chart">\n${bars.map((bar) => barRow(bar, longest)).join('\n')}\n</ol>`;
}

function barRow({ label, value, part = value, text }: Bar, longest: number): string {
  const width = (length: number) => ((100 * length) / longest).toFixed(2);
  return `<li><span class="label">${escapeHtml(label)}</span> <span class="value">${escapeHtml(text)}</span>
<svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true"><rect class="whole" width="${width(value)}" height="8"/><rect class="part" width="${width(part)}" height="8"/></svg></li>`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** For text and for attributes in quotes. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}
