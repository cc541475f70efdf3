// The brand's colour made usable: readable text on it, and a mark that can be told from the dark card.

const DEFAULT = [122, 162, 255];
const CARD = [14, 17, 22];

export function rgb(text) {
  const match = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i.exec(text ?? '');
  return match ? match.slice(1).map((part) => parseInt(part, 16)) : DEFAULT;
}

function luminance(color) {
  const [r, g, b] = color.map((part) => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** The contrast ratio of WCAG 2. */
export function contrast(one, other) {
  const [light, dark] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return (light + 0.05) / (dark + 0.05);
}

const css = (color, alpha = 1) => `rgba(${color.map(Math.round).join(', ')}, ${alpha})`;

function lightened(color) {
  let result = color;
  for (let step = 0; step < 12 && contrast(result, CARD) < 3; step += 1) {
    result = result.map((part) => part + (255 - part) * 0.12);
  }
  return result;
}

/** The three colours of a card: the mark, the ink on it, and the breath of it behind the text. */
export function palette(accent) {
  const mark = lightened(rgb(accent));
  const dark = [0, 0, 0]; // black or white has 4.5:1 on every colour; a softer black has not
  const white = [255, 255, 255];
  const ink = contrast(mark, dark) >= contrast(mark, white) ? dark : white;
  return { mark: css(mark), ink: css(ink), wash: css(mark, 0.16), none: css(mark, 0) };
}
