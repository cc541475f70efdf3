// How loud ads are: a slider that says what it will do, and sends it when it has come to rest.

import { byId, setText } from './element.js';

/** The volume in words. */
export const volumeWords = (percent) => (percent === 0 ? 'Silent' : `${percent} %`);

// A key that is held down changes the slider many times: only where it comes to rest is sent.
const REST_MS = 300;

let held = false;

/** `onVolume(percent)` is called for each volume that is chosen; until its promise is settled the slider
 *  stays where it was put. */
export function buildVolume(onVolume) {
  const slider = byId('volume');
  let timer = 0;
  const choose = async (mine) => {
    await onVolume(Number(slider.value));
    if (timer === mine) held = false;
  };
  slider.addEventListener('input', () => {
    held = true;
    setText(byId('volume-words'), volumeWords(Number(slider.value)));
    clearTimeout(timer);
    const mine = setTimeout(() => choose(mine), REST_MS);
    timer = mine;
  });
}

/** Shows what is in force, unless the slider was just moved. */
export function drawVolume({ volume_percent }) {
  if (held) return;
  byId('volume').value = String(volume_percent);
  setText(byId('volume-words'), volumeWords(volume_percent));
}

/** Sets the volume; true when the server took it. */
export async function sendVolume({ key, streamer, percent, send = fetch }) {
  try {
    const answer = await send(`/api/streamers/${streamer}/settings`, {
      method: 'PATCH',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ volume_percent: percent }),
    });
    return answer.ok;
  } catch {
    return false;
  }
}
