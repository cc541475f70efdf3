// Sizes a QR code. The picture may or may not bring its own quiet zone; a code with two of them is too
// small to scan from a couch, one without any does not scan at all. So its pixels are looked at.

const CODE_PX = 240;
const QUIET_MODULES = 4;
const CANVAS_PX = 512;

/** The share of the picture's side that the code takes, and its size in modules; null when it does not
 *  look like a code. `dark(x, y)` tells of one pixel of a square of `side` pixels. */
export function locate(side, dark) {
  let [left, top, right, bottom] = [side, side, -1, -1];
  for (let y = 0; y < side; y += 1) {
    for (let x = 0; x < side; x += 1) {
      if (!dark(x, y)) continue;
      left = Math.min(left, x);
      right = Math.max(right, x);
      top = Math.min(top, y);
      bottom = Math.max(bottom, y);
    }
  }
  if (right < 0) return null;
  // The upper left corner is a finder pattern: its first row is seven dark modules.
  let run = 0;
  while (left + run < side && dark(left + run, top)) run += 1;
  const [width, height] = [right - left + 1, bottom - top + 1];
  const modules = Math.round((width / run) * 7);
  if (modules < 21 || modules > 177 || Math.abs(width - height) > side / 50) return null;
  return { share: width / side, modules };
}

/** The side of the picture, and of the white tile in whose middle it lies, for a code of 240 pixels. */
export function layout(found) {
  if (!found) return { picture: CODE_PX, tile: CODE_PX + 80 };
  const quiet = (CODE_PX / found.modules) * QUIET_MODULES;
  return { picture: CODE_PX / found.share, tile: CODE_PX + 2 * quiet };
}

/** The layout of a loaded picture. */
export function measure(image) {
  try {
    const canvas = document.createElement('canvas');
    canvas.width = CANVAS_PX;
    canvas.height = CANVAS_PX;
    const context = canvas.getContext('2d');
    context.fillStyle = '#fff';
    context.fillRect(0, 0, CANVAS_PX, CANVAS_PX);
    context.drawImage(image, 0, 0, CANVAS_PX, CANVAS_PX);
    const { data } = context.getImageData(0, 0, CANVAS_PX, CANVAS_PX);
    return layout(locate(CANVAS_PX, (x, y) => data[(y * CANVAS_PX + x) * 4] < 128));
  } catch {
    return layout(null);
  }
}
