// The page of the API against the real server: it is read, filtered and tried as an engineer of a brand would.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { launch } from './support/overlay.js';
import { Server } from './support/server.js';
import { until } from './support/until.js';

const PICTURE = fileURLToPath(new URL('../../../config/demo/', import.meta.url));

let browser;
let server;
let contract;

before(async () => {
  browser = await launch();
  server = await Server.demo();
  contract = await (await fetch(`${server.url}/api/openapi.json`)).json();
});

after(async () => {
  await browser?.close();
  await server?.end();
});

/** Runs in the page before its scripts. */
function spy() {
  window.violations = [];
  document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) => window.violations.push(`${violatedDirective} ${blockedURI}`));
}

/** A page of the API, with all that it asks for and complains about. */
async function open(fragment = '', { how = {}, prepare = null, path = '/api/docs' } = {}) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, locale: 'en-US', ...how });
  await context.addInitScript(spy);
  const page = await context.newPage();
  const [errors, requests] = [[], []];
  page.on('pageerror', (error) => errors.push(error.message));
  page.on('console', (message) => {
    if (message.type() !== 'info') errors.push(`${message.text()} ${message.location().url}`);
  });
  page.on('request', (request) => requests.push(request));
  await prepare?.(page);
  await page.goto(server.url + path + fragment);
  await page.locator('#overview').waitFor();
  return Object.assign(page, { errors, requests });
}

async function authorise(page, key = server.printed.brand_api_key) {
  await page.locator('#credential-open').click();
  await page.locator('#key').fill(key);
  await page.locator('#key-form button').click();
  await until('the key is in use', async () => (await page.locator('#credential-state').textContent()).endsWith(key.slice(-6)));
}

const shown = (page, id) => page.locator(`[id="${id}"]`);
const send = (card) => card.locator('.send button').click();
const status = async (card) => {
  const pill = card.locator('.result .status.large');
  await pill.waitFor();
  return Number(await pill.textContent());
};
const answer = (card) => card.locator('.result pre code').textContent();
const curl = (card) => card.locator('.curl code').textContent();

/** Runs a command as it is shown, in a real shell. */
function bash(line, environment = {}) {
  return execFileSync('bash', ['-c', line.replace(/^curl /, 'curl -sS ')], { encoding: 'utf8', env: { ...process.env, ...environment } });
}

async function assertQuiet(page) {
  assert.deepEqual(page.errors, []);
  assert.deepEqual(await page.evaluate(() => window.violations), []);
  const elsewhere = page.requests.map((request) => request.url()).filter((url) => !url.startsWith(`${server.url}/`) && !url.startsWith('blob:'));
  assert.deepEqual(elsewhere, []);
}

test('the page loads whole and quiet: every operation a line, nothing drawn before it is opened', async () => {
  const page = await open();
  const operations = Object.values(contract.paths).flatMap((item) => Object.values(item));
  assert.ok(operations.length > 80);
  assert.equal(await page.locator('.operation').count(), operations.length);
  assert.equal(await page.locator('.operation-link').count(), operations.length);
  assert.equal(await page.locator('.operation-body').count(), 0);
  for (const title of ['Money', 'Errors', 'Versions of things', 'Limits']) {
    assert.equal(await page.locator('.topic h3', { hasText: new RegExp(`^${title}$`) }).count(), 1, title);
  }
  assert.equal(await page.locator('.problem').count(), contract['x-problem-types'].length);
  await page.evaluate(() => document.querySelectorAll('.operation > h3 > button').forEach((one) => one.click()));
  assert.equal(await page.locator('.operation-body').count(), operations.length, 'each can be drawn');
  await assertQuiet(page);
  await page.context().close();
});

test('`/` leads to the filter, which finds an operation by a field of its body, and Enter opens it', async () => {
  const page = await open();
  await page.keyboard.press('/');
  await page.keyboard.type('post_campaigns daily_cap');
  const found = page.locator('.operation-link:visible');
  assert.equal(await found.first().getAttribute('href'), '#post_campaigns');
  assert.ok((await found.count()) < 5, `${await found.count()}`);
  await page.keyboard.press('Enter');
  await shown(page, 'post_campaigns').locator('.operation-body').waitFor();
  assert.equal(new URL(page.url()).hash, '#post_campaigns');
  await until('the list marks it', async () => (await page.locator('[aria-current]').getAttribute('href')) === '#post_campaigns');
  for (const id of ['problems', 'get_campaigns', 'overview']) {
    await page.evaluate((name) => document.getElementById(name).scrollIntoView(), id);
    await until(`scrolling marks ${id}`, async () => (await page.locator('[aria-current]').getAttribute('href')) === `#${id}`);
  }
  await page.locator('#filter').fill('no such words');
  assert.equal(await found.count(), 0);
  assert.ok(await page.locator('#filter-none').isVisible());
  await page.locator('#filter').press('Escape');
  assert.ok((await found.count()) > 80);
  await assertQuiet(page);
  await page.context().close();
});

test('a deep link opens its operation, and the type of a problem leads to its meaning', async () => {
  const page = await open('#get_campaigns_by_id_live');
  const card = shown(page, 'get_campaigns_by_id_live');
  assert.ok(await card.locator('.operation-body').isVisible());
  const box = await card.boundingBox();
  assert.ok(box.y >= 0 && box.y < 200, `it is in sight: ${box.y}`);
  await page.goto(`${server.url}/problems/insufficient-funds`);
  assert.equal(page.url(), `${server.url}/api/docs#problem-insufficient-funds`);
  const problem = page.locator('.problem.aimed');
  await problem.waitFor();
  assert.match(await problem.textContent(), /409.*insufficient-funds.*less than is asked/s);
  await problem.locator('summary').click();
  assert.equal(await problem.locator('li a[href="#post_campaigns"]').count(), 1);
  await assertQuiet(page);
  const policy = (await fetch(`${server.url}/api/docs`)).headers.get('content-security-policy');
  assert.match(policy, /^default-src 'none'; script-src 'self';.*connect-src 'self';.*frame-ancestors 'none'$/);
  assert.doesNotMatch(policy, /unsafe|https?:|\*/);
  for (const { name } of contract['x-problem-types']) {
    const moved = await fetch(`${server.url}/problems/${name}`, { redirect: 'manual' });
    assert.deepEqual([moved.status, moved.headers.get('location')], [302, `/api/docs#problem-${name}`]);
  }
  assert.equal((await fetch(`${server.url}/problems/nothing-like-it`)).status, 404);
  const slash = await fetch(`${server.url}/api/docs/`, { redirect: 'manual' });
  assert.deepEqual([slash.status, slash.headers.get('location')], [308, '/api/docs']);
  await page.context().close();
});

test('with the key of a brand, Try it lists its campaigns, and the curl command gives the same', async () => {
  const page = await open('#get_campaigns');
  const card = shown(page, 'get_campaigns');
  await authorise(page);
  await send(card);
  assert.equal(await status(card), 200);
  const { items } = JSON.parse(await answer(card));
  assert.ok(items.length > 0);
  assert.ok(items.every(({ brand }) => brand === items[0].brand));
  assert.match(await card.locator('.result-head').textContent(), /\d+ ms/);
  await card.locator('.result-headers summary').click();
  assert.match(await card.locator('.result-headers').textContent(), /application\/json/);

  await card.locator('[data-name="limit"]').fill('1');
  const line = await curl(card);
  assert.ok(!line.includes(server.printed.brand_api_key), 'the key is not on the screen');
  await send(card);
  await until('one campaign', async () => JSON.parse(await answer(card)).items.length === 1);
  const first = await answer(card);
  assert.deepEqual(JSON.parse(bash(line, { GAMETRIGGERS_KEY: server.printed.brand_api_key })), JSON.parse(first));
  await card.locator('.code-head input').check();
  assert.deepEqual(JSON.parse(bash(await curl(card))), JSON.parse(first));

  if (await card.locator('button', { hasText: 'Next page' }).count()) {
    await card.locator('button', { hasText: 'Next page' }).click();
    await until('the next page', async () => (await answer(card)) !== first);
    assert.notEqual(JSON.parse(await answer(card)).items[0].id, items[0].id);
  }
  await assertQuiet(page);
  await page.context().close();
});

test('the key is nowhere but in memory, unless the tick says this tab', async () => {
  const page = await open();
  await authorise(page);
  const key = server.printed.brand_api_key;
  const kept = () => page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie, location.href, document.documentElement.outerHTML]));
  assert.ok(!(await kept()).includes(key));
  await page.reload();
  assert.equal(await page.locator('#credential-state').textContent(), 'Set a key');

  await page.locator('#credential-open').click();
  await page.locator('#key-store').check();
  await page.locator('#key').fill(`Bearer ${key}`);
  await page.keyboard.press('Enter');
  await page.reload();
  await until('the tab still has it', async () => (await page.locator('#credential-state').textContent()).endsWith(key.slice(-6)));
  await page.locator('#credential-open').click();
  await page.locator('#credential-forget').click();
  assert.ok(!(await kept()).includes(key));
  assert.ok(page.requests.every((request) => !request.url().includes(key)));
  await assertQuiet(page);
  await page.context().close();
});

const NAME = `it's "$(id)" \`x\` \\ !! 日本`;
const body = (name) => JSON.stringify({
  name,
  category: 'energy_drink',
  pricing: { type: 'cpm', rate: { amount_micros: 250_000_000, currency: 'INR' } },
  budget: { amount_micros: 1_000_000_000, currency: 'INR' },
  landing_url: 'https://voltade.example/',
  creatives: [{ kind: 'text', placement: 'lower_third', duration_ms: 8000, accent: '#d9ff3d', headline: 'Citrus', body: 'All spark.' }],
});
const REFUSED = body('').replace('"cpm"', '"by the moon"');

test('money asks for a second click; a refusal shows its fields, and curl repeats what was paid', async () => {
  const page = await open('#post_campaigns');
  const card = shown(page, 'post_campaigns');
  await authorise(page);
  const editor = card.locator('.editor');
  const posts = () => page.requests.filter((request) => request.method() === 'POST').length;

  await editor.fill('{ "name": ');
  await send(card);
  assert.match(await card.locator('.faults').textContent(), /not JSON/);
  await editor.fill(REFUSED);
  await send(card);
  assert.match(await card.locator('.send button').textContent(), /it (may move|moves) money/);
  assert.equal(posts(), 0, 'one click sends nothing');
  await send(card);
  assert.equal(await status(card), 422);
  assert.equal(posts(), 1);
  const fields = await card.locator('.said-fields code').allTextContents();
  assert.ok(fields.includes('name') && fields.some((field) => field.startsWith('pricing')), fields.join());
  assert.equal(await card.locator('.said a').getAttribute('href'), '#problem-invalid');
  // A browser notes an answer of 422 by itself.
  assert.ok(page.errors.splice(0).every((error) => error.includes('422')));

  await editor.fill(body(NAME));
  const key = await card.locator('[data-name="Idempotency-Key"]').inputValue();
  await card.locator('button', { hasText: 'New' }).click();
  assert.notEqual(await card.locator('[data-name="Idempotency-Key"]').inputValue(), key);
  await send(card);
  await send(card);
  await until('it is made', async () => (await status(card)) === 201);
  const made = JSON.parse(await answer(card));
  assert.equal(made.name, NAME);
  const again = JSON.parse(bash(await curl(card), { GAMETRIGGERS_KEY: server.printed.brand_api_key }));
  assert.deepEqual([again.id, again.name], [made.id, NAME], 'the same key, the same campaign');

  await page.evaluate(() => { location.hash = '#get_campaigns_by_id'; });
  const show = shown(page, 'get_campaigns_by_id');
  assert.equal(await show.locator('[data-name="id"]').inputValue(), String(made.id), 'what was made is what is meant');
  await send(show);
  assert.equal(await status(show), 200);
  assert.equal(JSON.parse(await answer(show)).name, NAME);
  await assertQuiet(page);
  await page.context().close();
});

test('a change is made to the version that was read last, or not at all', async () => {
  const page = await open('#get_brands_by_id');
  await authorise(page);
  const [show, change] = [shown(page, 'get_brands_by_id'), shown(page, 'patch_brands_by_id')];
  const own = '1';
  await show.locator('[data-name="id"]').fill(own);
  await send(show);
  assert.equal(await status(show), 200);
  await page.evaluate(() => { location.hash = '#patch_brands_by_id'; });
  const match = change.locator('[data-name="If-Match"]');
  const { version } = JSON.parse(await answer(show));
  assert.equal(await match.inputValue(), `"${version}"`);
  assert.ok((await curl(change)).includes(`If-Match: "${version}"`));

  const write = async (website) => {
    await change.locator('.editor').fill(JSON.stringify({ profile: { website } }));
    await send(change);
  };
  await write('https://one.example/');
  assert.equal(await status(change), 200);
  assert.equal(await match.inputValue(), `"${version + 1}"`, 'the next change is made to what came of this one');
  const other = await fetch(`${server.url}/api/brands/${own}`, {
    method: 'PATCH',
    headers: { authorization: `Bearer ${server.printed.brand_api_key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ profile: { website: 'https://two.example/' } }),
  });
  assert.equal(other.status, 200, await other.text());
  await write('https://three.example/');
  await until('it is refused', async () => (await status(change)) === 412);
  assert.ok(page.errors.splice(0).every((error) => error.includes('412')));

  await change.locator('[data-name="id"]').fill('99999');
  assert.equal(await match.inputValue(), '', 'another thing has another version');
  await match.fill('"7"');
  await change.locator('[data-name="id"]').fill(own);
  assert.equal(await match.inputValue(), '"7"', 'what was typed stays');
  await assertQuiet(page);
  await page.context().close();
});

test('a file is uploaded as bytes and as a form', async () => {
  const page = await open('#post_assets');
  const card = shown(page, 'post_assets');
  await authorise(page);
  await send(card);
  assert.match(await card.locator('.faults').textContent(), /choose a file/);
  const picture = execFileSync('bash', ['-c', 'ls *.png *.webp *.jpg 2>/dev/null | head -1'], { cwd: PICTURE, encoding: 'utf8' }).trim();
  const codes = [];
  for (const media of ['application/octet-stream', 'multipart/form-data']) {
    await card.locator('fieldset > select').selectOption(media);
    await card.locator('input[type=file]').setInputFiles(PICTURE + picture);
    await send(card);
    await until('an answer', async () => page.requests.filter((request) => request.method() === 'POST').length > codes.length);
    await card.locator('.send button:not([disabled])').waitFor();
    codes.push(await status(card));
    assert.equal(JSON.parse(await answer(card)).kind, 'image');
    const line = (await curl(card)).replace(picture, `${PICTURE}${picture}`);
    assert.equal(JSON.parse(bash(line, { GAMETRIGGERS_KEY: server.printed.brand_api_key })).name, JSON.parse(await answer(card)).name);
  }
  assert.ok(codes.every((code) => code === 200 || code === 201), codes.join());
  await assertQuiet(page);
  await page.context().close();
});

test('a user signs in on the page and asks who they are', async () => {
  const password = 'correct horse battery staple';
  const made = await fetch(`${server.url}/api/auth/sign-up`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email: 'ada@voltade.example', password, name: 'Ada', type: 'brand' }),
  });
  assert.equal(made.status, 201, await made.text());
  const page = await open('#get_auth_me');
  await page.locator('#credential-open').click();
  await page.locator('#sign-in-email').fill('ada@voltade.example');
  await page.locator('#sign-in-password').fill('something else');
  await page.locator('#sign-in-go').click();
  await until('it is refused', async () => /No user has/.test(await page.locator('#sign-in-error').textContent()));
  assert.ok(page.errors.splice(0).every((error) => error.includes('401')));
  await page.locator('#sign-in-password').fill(password);
  await page.locator('#sign-in-go').click();
  await page.locator('#credential').waitFor({ state: 'hidden' });
  const card = shown(page, 'get_auth_me');
  await send(card);
  assert.equal(await status(card), 200);
  assert.equal(JSON.parse(await answer(card)).email, 'ada@voltade.example');
  await assertQuiet(page);
  await page.context().close();
});

test('what the contract says is text, whatever it says', async () => {
  const evil = '<img src=x onerror="window.ran=1"><script>window.ran=1</script> [x](javascript:window.ran=1) **<b>b</b>**';
  const changed = structuredClone(contract);
  changed.info.description = `${evil}\n\n**Topic ${evil}.** ${evil}`;
  const list = changed.paths['/api/campaigns'].get;
  Object.assign(list, { summary: evil, description: evil });
  list.parameters[0].description = evil;
  changed.tags[0].description = evil;
  changed['x-problem-types'][0].description = evil;
  changed.components.schemas.CampaignView.properties[evil] = { type: evil, description: evil, enum: [evil], default: evil, pattern: evil };
  const prepare = (page) => page.route('**/api/openapi.json', (route) => route.fulfill({ json: changed }));
  const page = await open('#get_campaigns', { prepare });
  await shown(page, 'get_campaigns').locator('.schema-head button').first().click();
  assert.ok((await page.locator('main').textContent()).includes('<img src=x'));
  assert.equal(await page.locator('main img, main script, main b, main a[href^="javascript"]').count(), 0);
  assert.equal(await page.evaluate(() => window.ran), undefined);
  await assertQuiet(page);
  await page.context().close();
});

/** Runs in the page: texts whose contrast with what is behind them is under 4.5, or 3 when they are large. */
function faint() {
  const canvas = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((part) => (part / 255 <= 0.04045 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const behind = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const colour = rgba(getComputedStyle(at).backgroundColor);
      if (colour[3] === 255) return colour;
    }
    return [255, 255, 255];
  };
  const found = new Set();
  let seen = 0;
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const node = walk.currentNode.parentElement;
    if (walk.currentNode.data.trim() === '' || !node.checkVisibility() || node.closest('.unseen, .jump, noscript')) continue;
    seen += 1;
    const style = getComputedStyle(node);
    const [one, two] = [light(rgba(style.color)), light(behind(node))].sort((a, b) => b - a);
    const size = Number.parseFloat(style.fontSize);
    const least = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700) ? 3 : 4.5;
    const ratio = (one + 0.05) / (two + 0.05);
    if (ratio < least) found.add(`${node.tagName}.${node.className} ${ratio.toFixed(2)}`);
  }
  return { seen, found: [...found] };
}

for (const colorScheme of ['dark', 'light']) {
  test(`every text is legible, and nothing is wider than the screen: ${colorScheme}`, async () => {
    for (const width of [1440, 1024, 390]) {
      const page = await open('#post_campaigns', { how: { colorScheme, viewport: { width, height: 900 } } });
      await authorise(page);
      const card = shown(page, 'post_campaigns');
      await card.locator('.schema-head button').first().click();
      await card.locator('.editor').fill(REFUSED);
      await send(card);
      await send(card);
      assert.equal(await status(card), 422);
      const { seen, found } = await page.evaluate(faint);
      assert.ok(seen > 500, `${seen}`);
      assert.deepEqual(found, []);
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth), 0, `${width}`);
      await page.context().close();
    }
  });
}

test('on a phone the list lies over the page and gives way to what was chosen', async () => {
  const page = await open('', { how: { viewport: { width: 390, height: 844 }, hasTouch: true } });
  const link = page.locator('.operation-link[href="#get_campaigns_by_id_live"]');
  assert.ok(!(await link.isVisible()));
  await page.locator('#menu').click();
  await link.click();
  await link.waitFor({ state: 'hidden' });
  assert.ok(await shown(page, 'get_campaigns_by_id_live').locator('.operation-body').isVisible());
  assert.equal(await page.locator('#menu').getAttribute('aria-expanded'), 'false');
  await assertQuiet(page);
  await page.context().close();
});
