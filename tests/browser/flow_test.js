/* Pictures of flows on the report page, in headless Chromium.
 *
 *     node flow_test.js MAKE_PAGE FOLDER
 *
 * Writes the fixture into FOLDER, makes its page, opens it. Exit code 0: all
 * held; 1: something did not; 77: no browser, or no plotting library. */
"use strict";
const fs = require("fs");
const path = require("path");
const {sleep, check, makePage, runParts} = require("./browser.js");

const PLOTS = ".scene, .plot";
async function drawAll(b) {
  await b.openAll();
  const n = await b.eval(`document.querySelectorAll('${PLOTS}').length`);
  for (let i = 0; i < n; i++) {
    const e = `document.querySelectorAll('${PLOTS}')[${i}]`;
    await b.eval(`${e}.scrollIntoView({behavior: 'instant', block: 'center'})`);
    await b.until(`${e}.matches('.scene') ? !!${e}.firstChild.dataset.painted : !!${e}.querySelector('svg.main-svg')`, `figure ${i} of ${n} is drawn`);
  }
  return n;
}
/* Bytes of a copy of a canvas; the share of them that is not transparent; a
 * number that changes with the picture. */
const bytes = (canvas) => `((c) => { const k = document.createElement('canvas'); k.width = c.width; k.height = c.height; const g = k.getContext('2d', {willReadFrequently: true}); g.drawImage(c, 0, 0); return g.getImageData(0, 0, c.width, c.height).data; })(${canvas})`;
const inked = (canvas) => `((p) => { let n = 0; for (let i = 3; i < p.length; i += 4) n += p[i] > 40; return n / (p.length / 4); })(${bytes(canvas)})`;
const pixels = (canvas) => `((p) => { let s = 7; for (let i = 0; i < p.length; i++) s = (s * 31 + p[i]) | 0; return s; })(${bytes(canvas)})`;
const slide = (run, v) => `{ const s = document.querySelector('#run-${run} .time input'); s.value = ${v}; s.dispatchEvent(new Event('input')); }`;
const clock = (run) => `document.querySelector('#run-${run} .time output').textContent`;
const group = (run) => `DATA.groups.find((g) => g.anchor === 'run-${run}')`;

async function testFigures(b, page, out) {
  await b.open(page, 1280, 900);
  const n = await drawAll(b), expected = await b.eval(`DATA.groups.reduce((k, g) => k + (g.theory ? g.anchor === 'run-surface' ? 1 : 4 : g.panels.size) + (g.tokens ? (g.tokens.dim > 1) + (g.clock.angle || g.tokens.dim === 1) + 2 * !!g.tokens.hist : 0), 0)`);
  check(n === expected && n > 35, "tokens, tracks, inner products and curves of every run", [n, expected]);
  const bare = await b.eval(`[...document.querySelectorAll('.scene canvas')].map((c) => [c.getAttribute('aria-label'), ${inked("c")}]).filter(([, share]) => share < .01)`);
  check(bare.length === 0, "every canvas shows something", bare);
  const empty = await b.eval(`[...document.querySelectorAll('.plot')].filter((p) => !p.querySelector('.heatmaplayer image, .scatterlayer path.js-line')).map((p) => p.getAttribute('aria-label'))`);
  check(empty.length === 0, "every plot shows something", empty);
  const titles = await b.eval(`[...document.querySelectorAll('.plot')].filter((p) => (p._fullLayout.xaxis.title.text !== 'time t' && !p.ariaLabel.startsWith('Other')) || !p._fullLayout.yaxis.title.text).length`);
  check(titles === 0, "every plot is against time");
  const notes = await b.eval(`document.getElementById('run-damaged').textContent`);
  check(/hist.npy: not a .npy file/.test(notes) && /1 token has a value that is not finite/.test(notes), "what is damaged is told");
  check(/first two principal directions of the last state/.test(await b.eval("document.getElementById('run-many-dimensions').textContent")), "a projection says so");
  await b.eval("document.getElementById('run-sphere').scrollIntoView({behavior: 'instant'})");
  await b.eval(slide("sphere", 560));
  await sleep(300);
  await b.picture(path.join(out, "sphere.png"));
}

async function testTokens(b) {
  /* what is drawn is what was written: 16 bits of a unit vector */
  const x = await b.eval(`Array.from(${group("circle")}.clock.x.slice(0, 4))`);
  const raw = fs.readFileSync(path.join(path.dirname(await b.eval("decodeURI(location.pathname)")), "runs/circle/20260131-120001/arrays/x.npy"));
  const at = 10 + raw.readUInt16LE(8), want = [0, 1, 2, 3].map((i) => raw.readDoubleLE(at + 8 * i));
  check(x.every((v, i) => Math.abs(v - want[i]) < 4e-5), "tokens keep 16 bits", [x, want]);
  await b.eval(slide("circle", 1000));
  const end = await b.eval(`heaps(${group("circle")}.clock.now, 32, 2, .03).map((h) => h.n).sort((p, q) => q - p)`);
  check(end.length === 2 && end[0] + end[1] === 32, "two clusters at the end, beta = 4", end);
  const corners = await b.eval(`${group("polygon")}.tokens.hull.map((h) => h.length)`);
  check(corners[0] >= 5 && corners[100] >= 4, "corners of the hull of each time", [corners[0], corners[100]]);
  const area = await b.eval(`(() => { const g = ${group("polygon")}, S = g.clock, A = (f) => { const c = g.tokens.hull[f], p = (i, k) => S.x[(f * S.n + i) * 2 + k]; return c.reduce((s, i, q) => { const j = c[(q + 1) % c.length]; return s + (p(i, 0) * p(j, 1) - p(i, 1) * p(j, 0)) / 2; }, 0); }; return [A(0), A(50), A(100)]; })()`);
  check(area[0] > area[1] && area[1] >= area[2] - 1e-2 && area[2] > 0, "the hull shrinks", area);
}

async function testClock(b) {
  const scene = "document.querySelector('#run-sphere .scene.square canvas')", line = "document.querySelector('#run-sphere .plot .cursor')";
  await b.eval("document.getElementById('run-sphere').scrollIntoView({behavior: 'instant'})");
  await b.eval(slide("sphere", 1000));
  await sleep(200);
  const end = await b.eval(pixels(scene));
  check(await b.eval(clock("sphere")) === "t = 200 · 3 clusters", "the clock tells time and clusters", await b.eval(clock("sphere")));
  await b.eval(slide("sphere", 0));
  check(await b.eval(clock("sphere")) === "t = 0", "the left end is the start", await b.eval(clock("sphere")));
  check(await b.eval(pixels(scene)) !== end, "the slider moves the tokens");
  await b.eval(slide("sphere", 500));
  const t = await b.eval(`${group("sphere")}.clock.t`);
  check(Math.abs(t - Math.sqrt(.05 * 200)) < 1e-9, "half of a logarithmic axis is the geometric mean", t);
  await b.eval("document.querySelectorAll('#run-sphere .clock button')[0].click()");
  check(Math.abs(await b.eval(`document.querySelector('#run-sphere .time input').value`) - 1000 * t / 200) < .5, "on a linear axis the same time lies elsewhere");
  const plot = "document.querySelector('#run-sphere .plot')";
  await b.eval(plot + ".scrollIntoView({behavior: 'instant', block: 'center'})");
  await b.until(plot + "._fullLayout.xaxis.type === 'linear'", "plots follow the kind of axis");
  await b.eval("document.querySelectorAll('#run-sphere .clock button')[1].click()");
  await b.until(plot + "._fullLayout.xaxis.type === 'log'", "and back");
  await b.eval(slide("sphere", 250));
  const left = await b.eval(`parseFloat(${line}.style.left) - ${plot}._fullLayout.xaxis._offset`), width = await b.eval(plot + "._fullLayout.xaxis._length");
  check(Math.abs(left / width - .25) < .01, "a line marks the time in the plots", left / width);
  await b.eval("document.querySelector('#run-sphere').scrollIntoView({behavior: 'instant'})");
  await b.eval(slide("sphere", 0));
  const painted = await b.eval(scene + ".dataset.painted");
  await b.eval("document.querySelector('#run-sphere .play').click()");
  await b.until(`document.querySelector('#run-sphere .time input').value > 30`, "the play button moves time");
  check(await b.eval(scene + ".dataset.painted") - painted > 2, "and the tokens with it");
  await b.eval("document.querySelector('#run-sphere .play').click()");
  await sleep(100);
  const stood = await b.eval(clock("sphere"));
  await sleep(300);
  check(await b.eval(clock("sphere")) === stood, "pause holds it");
}

async function testHands(b) {
  const scene = "document.querySelector('#run-sphere .scene.square canvas')";
  const before = await b.eval(pixels(scene));
  await b.eval(`${scene}.dispatchEvent(new KeyboardEvent('keydown', {key: 'ArrowRight', cancelable: true}))`);
  const turned = await b.eval(pixels(scene));
  check(turned !== before, "arrow keys turn the sphere");
  const box = await b.eval(`(({x, y, width, height}) => [x + width / 2, y + height / 2])(${scene}.getBoundingClientRect())`);
  const mouse = (type, dx) => b.send("Input.dispatchMouseEvent", {type, x: box[0] + dx, y: box[1], button: "left", buttons: 1, clickCount: 1});
  await mouse("mousePressed", 0);
  await mouse("mouseMoved", 60);
  await mouse("mouseReleased", 60);
  check(await b.eval(pixels(scene)) !== turned, "so does dragging");
  const was = await b.eval(pixels(scene));
  await b.eval("{ const s = document.querySelector('#run-sphere .pick select'); s.value = 'index'; s.dispatchEvent(new Event('change')); }");
  check(await b.eval(pixels(scene)) !== was, "colours can be chosen");
  await b.eval("document.getElementById('theme').click()");
  await sleep(300);
  check(await b.eval(inked(scene)) > .3, "dark is drawn too");
  await b.eval("document.getElementById('theme').click()");
}

/* A map instead of 122 curves, with the boundary on it. */
async function testPhase(b) {
  const cards = await b.eval("[...document.querySelectorAll('#run-phase .card h3')].map((e) => e.textContent)");
  check(cards.join() === "Pairs that have met,Clusters,boundary,cosine_1", "a phase diagram for each quantity", cards);
  const map = "document.querySelector('#run-phase .plot.phase')";
  await b.eval(map + ".scrollIntoView({behavior: 'instant', block: 'center'})");
  await b.until(`!!${map}.data`, "the diagram is drawn");
  const found = await b.eval(`[${map}.data[0].z.length, ${map}.data[0].z[0].length, ${map}.data[0].z[0][40], ${map}.data[0].z[44][40], ${map}.data[1].x.length, ${map}.data[0].text[40][20]]`);
  check(found[0] === 45 && found[1] === 61 && found[2] > .99 && found[3] < .01 && found[4] === 45 && / ± /.test(found[5]), "beta by time, one below the line, zero above, with its spread", found);
}

/* A surface in place of a curve, x and y being its axes. */
async function testSurface(b) {
  const cards = await b.eval("[...document.querySelectorAll('#run-surface .card')].map((e) => e.textContent)");
  check(cards.length === 1 && /^height0 \(dark\) to 10\.3; 6 × 5 points/.test(cards[0]), "one surface, no curves of x and y", cards);
  const canvas = "document.querySelector('#run-surface canvas')";
  await b.eval(canvas + ".scrollIntoView({behavior: 'instant', block: 'center'})");
  await b.until(`!!${canvas}.dataset.painted`, "the surface is drawn");
  check(await b.eval(inked(canvas)) > .1, "a tenth of the canvas is covered", await b.eval(inked(canvas)));
  const was = await b.eval(pixels(canvas));
  await b.eval(`${canvas}.dispatchEvent(new KeyboardEvent('keydown', {key: 'ArrowLeft'}))`);
  check(await b.eval(pixels(canvas)) !== was, "and turns");
}

async function testPhone(b, page, out) {
  await b.open(page, 390, 844, true);
  await drawAll(b);
  const wide = await b.eval("[document.documentElement.scrollWidth, innerWidth]");
  check(wide[0] <= 390 && wide[1] === 390, "no sideways scrolling at 390 pixels, all open", wide);
  const spill = await b.eval("[...document.querySelectorAll('.card, .scene, .time, h2, h3')].filter((e) => e.getBoundingClientRect().right > 391).map((e) => e.className || e.tagName)");
  check(spill.length === 0, "nothing sticks out", spill);
  await b.eval("document.getElementById('run-circle').scrollIntoView({behavior: 'instant'})");
  await b.eval(slide("circle", 80));
  await sleep(400);
  await b.picture(path.join(out, "phone-dark.png"));
}

async function testBare(b, page, out) {
  const text = fs.readFileSync(page, "utf8"), from = text.indexOf("<script>/**"), bare = path.join(out, "bare.html");
  check(from > 0, "the plotting library is one script of the page");
  fs.writeFileSync(bare, text.slice(0, from) + text.slice(text.indexOf("</script>", from) + 9));
  await b.open(bare, 1280, 900);
  await b.eval("goTo('run-sphere')");
  await b.until("!!document.querySelector('#run-sphere .scene canvas').dataset.painted", "tokens are drawn without the plotting library");
  check(await b.eval(inked("document.querySelector('#run-sphere .scene.square canvas')")) > .3, "the sphere needs no library");
}

const out = process.argv[3] || "flow-test", page = makePage(process.argv[2], "flow_fixture.js", out);
runParts([(b) => testFigures(b, page, out), testTokens, testClock, testHands, testPhase, testSurface, (b) => testPhone(b, page, out), (b) => testBare(b, page, out)]);
