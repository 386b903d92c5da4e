/** The colours of a picture. READMEs show one of two pictures, as the reader's screen is light or dark. */
export interface Theme {
  readonly name: 'light' | 'dark';
  readonly background: string;
  readonly line: string;
  readonly text: string;
  /** What colours of a terminal, which are made for dark screens, are multiplied by. */
  readonly brightness: number;
}

export const themes: readonly Theme[] = [
  {
    name: 'light',
    background: '#ffffff',
    line: '#d0d7de',
    text: '#1f2328',
    brightness: 0.78,
  },
  {
    name: 'dark',
    background: '#0d1117',
    line: '#3d444d',
    text: '#f0f6fc',
    brightness: 1,
  },
];

export function escapeXml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
