"""How the report looks and answers the mouse: its style sheet and its script, both inside the page."""

CSS = """
:root { color-scheme: light dark;
  --paper: #fbfbfa; --card: #ffffff; --ink: #1d2026; --soft: #5d6470; --line: #dfe1e5; --faint: #eef0f2;
  --left: #1f6fd0; --right: #c2570c; --voice: #c9ced6; --jaw: #7a4fb5; --good: #1d7a46; --bad: #b3261e; --bad-paper: #fdeeec;
  --mark: #00747f; }
@media (prefers-color-scheme: dark) { :root {
  --paper: #15171b; --card: #1d2025; --ink: #e8eaee; --soft: #a2a9b5; --line: #343941; --faint: #262a31;
  --left: #6aa9ff; --right: #ff9d5c; --voice: #3d434e; --jaw: #b795ec; --good: #62c98c; --bad: #ff8a80; --bad-paper: #3a201f;
  --mark: #4cc3cd; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
main { max-width: 1160px; margin: 0 auto; padding: 28px 24px 60px; }
h1 { font-size: 26px; line-height: 1.2; margin: 0 0 4px; overflow-wrap: anywhere; }
h2 { font-size: 18px; margin: 40px 0 4px; }
h3 { font-size: 15px; margin: 0; font-weight: 600; }
p { margin: 4px 0; } .soft { color: var(--soft); } .lead { max-width: 76ch; }
.verdict { margin: 18px 0 0; padding: 12px 16px; border-radius: 8px; background: var(--faint); font-weight: 600; }
.verdict.bad { background: var(--bad-paper); color: var(--bad); } .verdict.good { color: var(--good); }
.preview { margin-top: 20px; } .preview video, .preview img { display: block; width: 100%; height: auto; border-radius: 8px;
  background: var(--faint); }
.preview video { max-width: 960px; }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(330px, 1fr)); gap: 14px; margin-top: 12px; }
.card { display: flex; gap: 14px; background: var(--card); border: 1px solid var(--line); border-left: 4px solid var(--bad);
  border-radius: 8px; padding: 12px; break-inside: avoid; }
.card img { width: 118px; height: auto; align-self: flex-start; border-radius: 5px; flex: none; background: var(--faint); }
.card div { min-width: 0; } .big { font-size: 19px; font-weight: 600; }
.scroll { overflow-x: auto; }
.timeline { background: var(--card); border: 1px solid var(--line); border-radius: 8px; margin-top: 12px; }
.timeline svg { display: block; }
.timeline text { font: 12px system-ui, sans-serif; fill: var(--ink); } .timeline text.soft { fill: var(--soft); }
.timeline .lane { fill: none; stroke: var(--line); } .timeline .tick { stroke: var(--line); }
.timeline .voice { fill: var(--voice); } .timeline .left { stroke: var(--left); } .timeline .right { stroke: var(--right); }
.timeline .curve { fill: none; stroke-width: 1.7; } .timeline .jaw { stroke: var(--jaw); }
.timeline .word { fill: var(--faint); } .timeline .word.on { fill: var(--voice); }
.bar-left { fill: var(--left); } .bar-right { fill: var(--right); } .thin { opacity: .28; } .apex { stroke-width: 2.5; }
.timeline .shut { stroke: var(--good); stroke-width: 2; } .timeline .open { stroke: var(--bad); stroke-width: 2; }
.timeline .flag { fill: var(--bad); cursor: pointer; } .timeline .head { stroke: var(--mark); stroke-width: 1.5; }
.readout { min-height: 24px; padding: 4px 12px; color: var(--soft); font-variant-numeric: tabular-nums; }
.key { display: flex; flex-wrap: wrap; gap: 4px 18px; margin-top: 8px; color: var(--soft); font-size: 13px; }
.key i { display: inline-block; width: 14px; height: 10px; border-radius: 2px; margin-right: 6px; }
table { border-collapse: collapse; width: 100%; margin-top: 10px; font-size: 14px; }
th { text-align: left; font-weight: 600; color: var(--soft); font-size: 13px; }
th, td { padding: 7px 12px 7px 0; border-bottom: 1px solid var(--line); vertical-align: top; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.ok, .attention { font-weight: 600; white-space: nowrap; } .ok { color: var(--good); } .attention { color: var(--bad); }
button.go { font: inherit; font-size: 13px; color: var(--mark); background: none; border: 0; padding: 0; cursor: pointer;
  text-decoration: underline; text-underline-offset: 2px; white-space: nowrap; }
.chance { display: grid; grid-template-columns: minmax(150px, 230px) 1fr; gap: 6px 18px; align-items: center; margin-top: 12px; }
.meter { position: relative; height: 14px; background: var(--faint); border-radius: 7px; }
.meter b { position: absolute; inset: 0 auto 0 0; background: var(--mark); border-radius: 7px; }
.meter u { position: absolute; top: -4px; bottom: -4px; width: 2px; background: var(--ink); }
details { margin-top: 10px; } summary { cursor: pointer; color: var(--soft); }
footer { margin-top: 50px; color: var(--soft); font-size: 13px; }
@media (max-width: 640px) { main { padding: 18px 14px 40px; } h1 { font-size: 22px; }
  .cards { grid-template-columns: 1fr; } .chance { grid-template-columns: 1fr; }
  table.checks thead { display: none; } table.checks tr { display: grid; grid-template-columns: 1fr auto; gap: 0 10px;
    padding: 8px 0; border-bottom: 1px solid var(--line); }
  table.checks td { border: 0; padding: 0; text-align: left; } table.checks td.n { text-align: right; }
  table.checks td.text { grid-column: 1 / -1; color: var(--soft); } table.checks td.limit { display: none; } }
@media print { :root { --paper: #fff; --card: #fff; --ink: #111; --soft: #555; --line: #ccc; --faint: #f2f2f2; --voice: #ccc;
    --left: #1f6fd0; --right: #c2570c; --jaw: #7a4fb5; --good: #1d7a46; --bad: #b3261e; --bad-paper: #fdeeec; --mark: #00747f; }
  main { max-width: none; padding: 0; } .readout, .head, video { display: none; } .scroll { overflow: visible; }
  .timeline svg { width: 100%; height: auto; } details { display: block; } h2, p.lead { break-after: avoid; } .timeline { break-inside: avoid; }
  button.go { color: inherit; text-decoration: none; } }
"""

SCRIPT = """
(() => {
  const data = JSON.parse(document.getElementById('data').textContent);
  const film = document.querySelector('video'), box = document.querySelector('.scroll');
  const svg = box && box.querySelector('svg'), head = svg && svg.querySelector('.head');
  const readout = document.querySelector('.readout');
  const words = [...document.querySelectorAll('[data-word]')];
  const x = time => data.left + time * data.scale;
  const show = (time, follow) => {
    if (!svg) return;
    const t = Math.min(Math.max(time, 0), data.duration), frame = Math.min(Math.round(t * data.fps), data.frames - 1);
    head.setAttribute('x1', x(t)); head.setAttribute('x2', x(t));
    const at = data.words.findIndex(w => w[0] <= t && t < w[1]);
    words.forEach(w => w.classList.toggle('on', +w.dataset.word === at));
    readout.textContent = `${t.toFixed(2)} s · frame ${frame} · left hand ${data.speeds[0][frame].toFixed(2)} m/s · `
      + `right hand ${data.speeds[1][frame].toFixed(2)} m/s` + (at >= 0 ? ` · “${data.words[at][2]}”` : '');
    if (follow && (x(t) < box.scrollLeft + 40 || x(t) > box.scrollLeft + box.clientWidth - 60))
      box.scrollLeft = x(t) - 120;
  };
  const go = time => { if (film) { film.pause(); film.currentTime = time + 0.001; } show(time, true); };
  if (svg) {
    const at = event => {
      const place = svg.getBoundingClientRect();
      return ((event.clientX - place.left) / place.width * data.width - data.left) / data.scale;
    };
    svg.addEventListener('click', event => go(at(event)));
    svg.addEventListener('mousemove', event => { if (!film || film.paused) show(at(event), false); });
    show(0, false);
  }
  document.addEventListener('click', event => {
    const to = event.target.closest('button[data-time]');
    if (to) { go(+to.dataset.time); (film || svg).scrollIntoView({ block: 'center', behavior: 'smooth' }); }
  });
  if (film) {
    const run = () => { show(film.currentTime, true); if (!film.paused) requestAnimationFrame(run); };
    film.addEventListener('play', run); film.addEventListener('seeked', () => show(film.currentTime, true));
  }
})();
"""
