// How a card comes and goes. Only transform and opacity, never longer than 600 ms, and nothing left
// running: on a streaming PC every animated frame is taken from the game.

const EASE_IN = 'cubic-bezier(.16, 1, .3, 1)';
const EASE_OUT = 'cubic-bezier(.5, 0, .75, 0)';
const ENTER_MS = { full: 520, reduced: 260, none: 0 };
const EXIT_MS = { full: 320, reduced: 220, none: 0 };

/** How far a card travels while it comes in. */
export const RISE_PX = 36;

export const exitMs = (motion) => EXIT_MS[motion] ?? 0;

const FADE = { opacity: [0, 1] };
const rise = (distance) => ({ opacity: [0, 1], transform: [`translateY(${distance}px)`, 'none'] });

/** @param parts `{ card, mark, lines }`; lines follow the card one after the other
 *  @param still a code that has to be scanned only fades */
export function enter({ card, mark, lines }, { motion, edge, still }) {
  const total = ENTER_MS[motion] ?? 0;
  if (total === 0) return;
  const moving = motion === 'full' && !still;
  const play = (element, frames, duration, delay = 0) =>
    element.animate(frames, { duration, delay, easing: EASE_IN, fill: 'backwards' });
  play(card, moving ? rise(edge === 'top' ? -RISE_PX : RISE_PX) : FADE, moving ? total : Math.min(total, 320));
  if (!moving) return;
  if (mark) play(mark, { transform: ['scaleY(0)', 'none'] }, 460, 120);
  lines.forEach((line, index) => play(line, rise(14), 380, Math.min(100 + index * 60, 220)));
}

export function leave(card, { motion, edge, still }) {
  const duration = exitMs(motion);
  const gone = { opacity: [1, 0] };
  if (motion === 'full' && !still) gone.transform = ['none', `translateY(${edge === 'top' ? -20 : 20}px)`];
  // A cut has no duration; filled forwards it hides the card at once.
  card.animate(gone, { duration, easing: EASE_OUT, fill: 'forwards' });
}

/** Two lines that share one place: the first makes room for the second at half time. */
export function takeTurns([first, second], duration_ms, motion) {
  const duration = motion === 'none' ? 0 : 320;
  const half = duration_ms / 2;
  first.animate({ opacity: [1, 0] }, { duration, delay: half - duration, fill: 'forwards' });
  second.animate({ opacity: [0, 1] }, { duration, delay: half, fill: 'both' });
}
