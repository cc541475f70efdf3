// The look of a creative, in pixels of the 1920x1080 design space. It stands in a script and not in
// stage.css because it is adopted by a closed shadow root: there the custom CSS of OBS can not reach it.
// Streamers may set --gt-radius and --gt-font on any ancestor; the label ignores both.

const FONT = `Inter, "Inter Variable", "Segoe UI Variable Display", "Segoe UI", system-ui, -apple-system,
  "Helvetica Neue", "Noto Sans", Ubuntu, Roboto, Arial, sans-serif`;

const SHELL = `
.frame { all: initial; position: absolute; display: block; width: max-content; text-align: start;
  -webkit-font-smoothing: antialiased; }
.card { position: relative; box-sizing: border-box; display: flex; overflow: hidden;
  border-radius: min(var(--gt-radius, 22px), 32px); color: #fff;
  background: linear-gradient(100deg, var(--wash), var(--none) 62%), linear-gradient(#151a22, #0d1016);
  box-shadow: 0 20px 50px rgba(0, 0, 0, .34), 0 3px 10px rgba(0, 0, 0, .36);
  font-family: var(--gt-font, ${FONT}); }
.card::after { content: ""; position: absolute; inset: 0; border-radius: inherit; pointer-events: none;
  box-shadow: inset 0 0 0 1px rgba(255, 255, 255, .1), inset 0 1px 0 rgba(255, 255, 255, .1); }
.label { display: flex; min-width: 0; font: 500 24px/30px ${FONT}; letter-spacing: .002em; color: #d6dde6;
  white-space: pre; }
.label b { flex: none; font-weight: 700; color: #fff; }
.label i { flex: none; font-style: normal; color: #d6dde6; }
.label span { min-width: 0; overflow: hidden; text-overflow: ellipsis; }
.mark { flex: none; width: 8px; border-radius: 4px; background: var(--mark); transform-origin: 50% 100%; }
.copy { display: flex; flex-direction: column; min-width: 0; }
.headline { font-weight: 700; letter-spacing: -.022em; overflow-wrap: anywhere; }
.body { color: #dbe1e9; font-weight: 450; letter-spacing: -.006em; overflow-wrap: anywhere; }
.link { align-self: flex-start; box-sizing: border-box; max-width: 100%; padding: 7px 18px 9px; border-radius: 12px;
  background: var(--mark); color: var(--ink); font-size: 28px; line-height: 34px; font-weight: 650;
  letter-spacing: -.01em; overflow-wrap: anywhere; }`;

const TEXT = `
.text .copy { gap: 0; }
.lower_third.text { padding: 30px 52px 32px 32px; gap: 28px; min-width: 600px; max-width: min(1120px, var(--strip)); }
.lower_third .headline { margin-top: 6px; font-size: 47px; line-height: 55px; }
.lower_third .headline[data-long] { font-size: 42px; line-height: 49px; }
.lower_third .body { margin-top: 7px; font-size: 29px; line-height: 38px; }
.corner.text { padding: 28px 34px 30px 26px; gap: 22px; width: max-content; min-width: 400px; max-width: 520px; }
.corner .headline { margin-top: 8px; font-size: 42px; line-height: 49px; }
.corner .headline[data-long] { font-size: 37px; line-height: 44px; }
.corner .body { margin-top: 10px; font-size: 28px; line-height: 37px; }`;

const QR = `
.tile { flex: none; display: flex; align-items: center; justify-content: center; background: #fff; }
.tile img { display: block; flex: none; image-rendering: pixelated; }
.qr .copy { justify-content: center; }
.qr .link { margin-top: 18px; }
.lower_third.qr { max-width: min(1160px, var(--strip)); }
.lower_third.qr .copy { padding: 28px 56px 30px 44px; max-width: 800px; }
.corner.qr { flex-direction: column; width: 392px; }
.corner.qr .copy { padding: 22px 30px 28px; }
.corner.qr .link { padding-inline: 15px; letter-spacing: -.02em; }
.corner.qr .headline { margin-top: 4px; font-size: 36px; line-height: 42px; }
.corner.qr[data-wide] { flex-direction: row; width: auto; }
.corner.qr[data-wide] .copy { width: 470px; min-width: 0; padding: 28px 40px 30px 36px; }`;

const MEDIA = `
.media { flex-direction: column; align-items: stretch; background: #0d1016; }
.media .picture { display: block; align-self: center; object-fit: contain; background: #0d1016; }
.media .foot { display: flex; align-items: center; gap: 14px; min-width: 300px; width: 0; flex-grow: 1;
  box-sizing: border-box; padding: 11px 24px 13px 20px;
  background: linear-gradient(100deg, var(--wash), var(--none) 62%), linear-gradient(#171c25, #0d1016); }
.media .foot .mark { width: 6px; height: 24px; border-radius: 3px; }
.media .row { display: flex; }`;

const TICKER = `
.ticker { align-items: center; height: 104px; max-width: var(--strip); }
.ticker[data-full] { width: var(--strip); }
.ticker > .mark { height: 52px; margin-left: 30px; }
.ticker > .label { flex: none; max-width: 400px; margin-left: 22px; }
.ticker .rule { flex: none; width: 2px; height: 44px; margin: 0 32px; background: rgba(255, 255, 255, .18); }
.ticker .slides { position: relative; flex: 1; min-width: 0; height: 104px; margin-right: 36px; display: flex;
  align-items: center; gap: 24px; }
.ticker .headline { font-size: 38px; line-height: 44px; }
.ticker .body { font-size: 30px; line-height: 36px; }
.ticker .slides[data-turns] > * { position: absolute; left: 0; right: 0; max-height: 88px; overflow: hidden; }
.ticker .slides[data-turns] .headline { font-size: 36px; line-height: 43px; }
.ticker .slides:not([data-turns]) > * { white-space: nowrap; }
.ticker .link { flex: none; align-self: center; max-width: 560px; margin: 0 30px 0 0; }
.ticker.media { flex-direction: row; height: auto; }
.ticker.media .row { flex: 1; min-width: 0; }
.ticker.media .foot { width: auto; min-width: 0; padding: 0 34px 0 26px; }
.ticker.media .foot .mark { height: 40px; }`;

const NARROW = `
[data-narrow] .ticker:not(.media) { display: grid; grid-template: auto auto / auto 1fr; height: auto;
  padding: 22px 34px 22px 28px; column-gap: 24px; }
[data-narrow] .ticker:not(.media) > * { margin: 0; grid-column: 2; }
[data-narrow] .ticker:not(.media) > .mark { grid-area: 1 / 1 / 4 / 2; height: auto; align-self: stretch; }
[data-narrow] .ticker > .rule { display: none; }
[data-narrow] .ticker .slides { height: 54px; }
[data-narrow] .ticker .slides[data-turns] { height: 112px; }
[data-narrow] .ticker .slides[data-turns] > * { max-height: 112px; }
[data-narrow] .ticker > .link { justify-self: start; margin-top: 10px; }
[data-narrow] .ticker.media { flex-direction: column; align-items: stretch; }
[data-narrow] .ticker.media .foot { padding: 11px 24px 13px 20px; }`;

let sheet = null;

/** One sheet for the life of the page. */
export function lookSheet() {
  if (!sheet) {
    sheet = new CSSStyleSheet();
    sheet.replaceSync(SHELL + TEXT + QR + MEDIA + TICKER + NARROW);
  }
  return sheet;
}
