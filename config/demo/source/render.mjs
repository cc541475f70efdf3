// Renders the demo creatives from their sources: `node render.mjs FOLDER`. Needs playwright-core,
// Chromium (its path in CHROMIUM) and ffmpeg with libwebp and libvpx-vp9.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const STILLS = [['voltade-lower-third', 1200, 240], ['northpeak-corner', 560, 420]];
const LOOP = { name: 'voltade-loop', width: 640, height: 360, seconds: 4, rate: 25 };

const target = process.argv[2];
const scratch = mkdtempSync(join(tmpdir(), 'creative-'));
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ['--no-sandbox', '--disable-gpu'] });
const source = (name) => new URL(`${name}.html`, import.meta.url).href;
const ffmpeg = (...args) => execFileSync('ffmpeg', ['-v', 'error', '-y', ...args]);

for (const [name, width, height] of STILLS) {
  const page = await browser.newPage({ viewport: { width, height } });
  await page.goto(source(name));
  const shot = join(scratch, `${name}.png`);
  await page.screenshot({ path: shot, omitBackground: true });
  ffmpeg('-i', shot, '-c:v', 'libwebp', '-pix_fmt', 'yuva420p', '-quality', '92', '-compression_level', '6', join(target, `${name}.webp`));
}

const page = await browser.newPage({ viewport: { width: LOOP.width, height: LOOP.height } });
await page.goto(source(LOOP.name));
const frames = LOOP.seconds * LOOP.rate;
for (let number = 0; number < frames; number += 1) {
  await page.evaluate((moment) => window.frame(moment), number / frames);
  await page.screenshot({ path: join(scratch, `frame-${String(number).padStart(4, '0')}.png`) });
}
ffmpeg('-framerate', String(LOOP.rate), '-i', join(scratch, 'frame-%04d.png'), '-an', '-c:v', 'libvpx-vp9', '-pix_fmt', 'yuv420p',
  '-b:v', '0', '-crf', '32', '-row-mt', '1', '-g', '50', '-map_metadata', '-1', '-fflags', '+bitexact', join(target, `${LOOP.name}.webm`));

await browser.close();
rmSync(scratch, { recursive: true });
