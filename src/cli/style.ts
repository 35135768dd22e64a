/** Colours and emphasis, on a terminal only. */
import { styleText } from 'node:util';

export interface Style {
  readonly good: (text: string) => string;
  readonly odd: (text: string) => string;
  readonly bad: (text: string) => string;
  readonly faint: (text: string) => string;
}

const same = (text: string): string => text;
export const plainStyle: Style = { good: same, odd: same, bad: same, faint: same };

// Newer versions of Node would check the stream and NO_COLOR again.
const styled = (format: Parameters<typeof styleText>[0]) => (text: string) => styleText(format, text, UNCHECKED);
const UNCHECKED = { validateStream: false };

export const terminalStyle: Style = {
  good: styled(['bold', 'green']),
  odd: styled(['bold', 'yellow']),
  bad: styled(['bold', 'red']),
  faint: styled('dim'),
};
