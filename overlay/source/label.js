// Whether the disclosure label can be seen. The label itself is out of reach of custom CSS, but the
// slot and the page around it are not, so the way up is looked at each time.

const OPACITY_MIN = 0.95;
const IN_VIEW_MIN = 0.9;

function plain(style) {
  const masked = style.maskImage ?? style.webkitMaskImage;
  return (
    style.display !== 'none' &&
    style.visibility === 'visible' &&
    style.contentVisibility !== 'hidden' &&
    (style.filter ?? 'none') === 'none' &&
    (style.clipPath ?? 'none') === 'none' &&
    (style.clip ?? 'auto') === 'auto' &&
    (masked ?? 'none') === 'none' &&
    (style.mixBlendMode ?? 'normal') === 'normal'
  );
}

/** No element from `element` upwards hides what it holds. */
function waysClear(element, styleOf) {
  let opacity = 1;
  for (let at = element; at; at = at.parentElement) {
    const style = styleOf(at);
    if (!plain(style)) return false;
    opacity *= Number(style.opacity);
  }
  return opacity >= OPACITY_MIN;
}

function inside(box, frame) {
  const width = Math.min(box.right, frame.right) - Math.max(box.left, frame.left);
  const height = Math.min(box.bottom, frame.bottom) - Math.max(box.top, frame.top);
  if (width <= 0 || height <= 0) return false;
  return width * height >= IN_VIEW_MIN * (box.right - box.left) * (box.bottom - box.top);
}

const grown = ({ left, top, right, bottom }, by) => ({ left: left - by, top: top - by, right: right + by, bottom: bottom + by });

/** @param label the label's element; `host` the slot that holds its shadow root
 *  @param height_px_min the least height of its line on this page
 *  @param slack_px how far the card may be out of the slot while it comes in
 *  @param view the window */
export function labelVisible({ label, host, height_px_min, slack_px, view }) {
  const styleOf = (element) => view.getComputedStyle(element);
  if (!label.isConnected || label.textContent.trim() === '') return false;
  // Between the label and the slot stands only the card, which fades by itself while it comes and goes.
  if (!plain(styleOf(label)) || Number(styleOf(label).opacity) < OPACITY_MIN) return false;
  if (!waysClear(host, styleOf)) return false;
  const box = label.getBoundingClientRect();
  if (box.width <= 0 || box.height < height_px_min) return false;
  const page = { left: 0, top: 0, right: view.innerWidth, bottom: view.innerHeight };
  if (!inside(box, page) || !inside(box, grown(host.getBoundingClientRect(), slack_px))) return false;
  // Something else laid over it. Nothing, or the bare page, only means that the slot takes no pointer.
  const { document } = view;
  const top = document.elementFromPoint((box.left + box.right) / 2, (box.top + box.bottom) / 2);
  return top === null || top === host || top === document.body || top === document.documentElement;
}
