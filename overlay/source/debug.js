// A panel with what the page knows, only with ?debug=1: on a stream nobody wants to read this.

const LINES_MAX = 14;
const STYLE = `position:fixed;left:12px;top:12px;max-width:60vw;padding:12px 16px;border-radius:10px;
  background:rgba(10,12,16,.88);color:#cfe3d4;font:13px/1.5 ui-monospace,Consolas,monospace;white-space:pre-wrap;
  overflow-wrap:anywhere;z-index:1`;
// The key and the tokens are as good as money; a panel can end up on a stream.
const SECRET = new Set(['token', 'nonce']);

const hide = (name, value) => (SECRET.has(name) && value ? '…' : value);

export class Debug {
  #made;
  #build;
  #lines = [];
  #panel = document.createElement('div');

  constructor(made, build) {
    this.#made = made;
    this.#build = build;
    this.#panel.style.cssText = STYLE;
    document.body.append(this.#panel);
    this.#draw();
    setInterval(() => this.#draw(), 1000);
  }

  note(direction, frame) {
    if (frame.type === 'heartbeat') return;
    this.#lines.push(`${direction.padEnd(8)} ${JSON.stringify(frame, hide).slice(0, 220)}`);
    if (this.#lines.length > LINES_MAX) this.#lines.shift();
    this.#draw();
  }

  #draw() {
    this.#panel.textContent = [this.#summary(), '', ...this.#lines].join('\n');
  }

  #summary() {
    if (!this.#made) return 'no key: the address must end in #k=…';
    const { connection, player, host, clock, outbox } = this.#made;
    const time = clock.serverMs();
    return [
      `build ${this.#build}  page ${innerWidth}x${innerHeight}@${devicePixelRatio}`,
      `link ${connection.state}  play ${player.phase}  outbox ${outbox.size}`,
      `server time ${time === null ? '?' : new Date(time).toISOString()}`,
      `host ${JSON.stringify(host.describe())}`,
      `status ${JSON.stringify(host.status())}`,
    ].join('\n');
  }
}
