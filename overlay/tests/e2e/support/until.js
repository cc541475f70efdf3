// Waiting for something to become true, with a deadline; nothing in these tests sleeps and hopes.

import { availableParallelism } from 'node:os';

const EVERY_MS = 40;

/** How many cases share the time that they wait: each has a page that paints. */
export const concurrency = Math.min(4, availableParallelism());

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** The first truthy answer of `probe`. Fails with `what` when none has come within `ms`. */
export async function until(what, probe, ms = 10_000) {
  const deadline = performance.now() + ms;
  for (;;) {
    const answer = await probe();
    if (answer) return answer;
    if (performance.now() > deadline) throw new Error(`not within ${ms} ms: ${what}`);
    await pause(EVERY_MS);
  }
}

/** Fails as soon as `probe` is not true any more; looks for `ms`. */
export async function always(what, probe, ms) {
  const deadline = performance.now() + ms;
  while (performance.now() < deadline) {
    if (!(await probe())) throw new Error(`no longer true: ${what}`);
    await pause(EVERY_MS);
  }
}
