/* A flow on the page: tokens, inner products and clusters under one clock. */
"use strict";
const SECONDS = 12; /* a whole play */

/* For take.js: all tokens, and their inner products, at all times shown. */
function tokenTable(S) {
  const rows = [], k = S.d.dim;
  for (let q = 0; q < S.frames; q++)
    for (let i = 0; i < S.n; i++) rows.push([S.d.t[q], S.d.token[i], ...S.x.subarray((q * S.n + i) * k, (q * S.n + i + 1) * k)]);
  return [["t", "token", "x1", "x2", "x3"].slice(0, 2 + k), rows];
}
function histTable(S) {
  const rows = [], k = S.d.bins;
  for (let q = 0; q < S.frames; q++)
    for (let b = 0; b < k; b++) rows.push([S.d.t[q], -1 + (2 * b + 1) / k, S.hist[q * k + b]]);
  return [["t", "inner_product", "density"], rows];
}

/* --- angle (or coordinate) of every token against time --- */
function tracksCard(S) {
  let kept = null, look = "";
  const angle = S.angle, top = angle ? Math.PI : S.top * 1.04 || 1;
  const value = (f, i) => (angle ? Math.atan2(S.x[(f * S.n + i) * 2 + 1], S.x[(f * S.n + i) * 2]) : S.x[f * S.n + i]);
  const yAxis = {title: angle ? "angle" : "x", at: (v) => (v + top) / 2 / top,
    ticks: angle ? [-Math.PI, -Math.PI / 2, 0, Math.PI / 2, Math.PI] : niceTicks(-top, top, 6),
    text: (v) => (angle ? ["−π", "−π/2", "0", "π/2", "π"][Math.round(v / Math.PI * 2) + 2] : num(v))};
  const lines = (g, w, height, ratio) => {
    const {px, py} = axes(g, w, height, S.axis(), yAxis), colour = colours(S);
    g.lineWidth = S.n > 200 ? .6 : 1.3;
    g.globalAlpha = S.n > 200 ? .45 : .85;
    for (let i = 0; i < S.n; i++) {
      g.beginPath();
      g.strokeStyle = colour[i];
      let was = NaN;
      for (let f = 0; f < S.frames; f++) {
        const v = value(f, i);
        if (Number.isNaN(v)) { was = NaN; continue; }
        const cut = Number.isNaN(was) || (angle && Math.abs(v - was) > Math.PI);
        if (cut) g.moveTo(px(S.d.t[f]), py(v)); else g.lineTo(px(S.d.t[f]), py(v));
        was = v;
      }
      g.stroke();
    }
    g.globalAlpha = 1;
    kept = document.createElement("canvas");
    kept.width = g.canvas.width; kept.height = g.canvas.height;
    kept.getContext("2d").drawImage(g.canvas, 0, 0);
    look = [w, height, ratio, STATE.dark, S.log, S.colouring].join();
  };
  const fig = canvasFigure("wide", `${angle ? "Angle" : "Coordinate"} of every token against time`, (g, w, height, ratio) => {
    if (look === [w, height, ratio, STATE.dark, S.log, S.colouring].join()) {
      g.setTransform(1, 0, 0, 1, 0, 0); g.drawImage(kept, 0, 0); g.setTransform(ratio, 0, 0, ratio, 0, 0);
    } else lines(g, w, height, ratio);
    const x = PAD.l + (w - PAD.l - PAD.r) * S.part(S.t);
    g.strokeStyle = css("--ink"); g.lineWidth = 1.2;
    g.beginPath(); g.moveTo(x, PAD.t); g.lineTo(x, height - PAD.b); g.stroke();
  }, S.file, () => tokenTable(S));
  S.listeners.push(fig.again);
  return h("div", {class: "card fill"}, h("h3", null, angle ? "Angles over time" : "Tokens over time"),
    h("p", {class: "note"}, angle ? "One line a token; lines that meet are tokens that cluster." : "One line a token."), fig.div);
}

/* --- the distribution of inner products at this moment --- */
function histCard(S) {
  const d = S.d, bins = d.bins, most = Math.min(12, Math.max(...d.hist_top)), root = (v) => Math.sqrt(Math.min(v, most) / most) / 1.06;
  const ticks = [0, ...[.1, .5, 1, 2, 5, 10, 20, 50, 100, 200].filter((v) => v < most * .9)].filter((v, i, all) => !i || i === all.length - 1 || root(all[i + 1]) - root(v) > .07);
  const fig = canvasFigure("wide", "Distribution of inner products at this time", (g, w, height) => {
    const {px, py} = axes(g, w, height, {ticks: [-1, -.5, 0, .5, 1], text: (v) => num(v), at: (v) => (v + 1) / 2, title: "inner product ⟨x_i, x_j⟩".replace("x_i", "xᵢ").replace("x_j", "xⱼ")},
      {ticks, text: (v) => num(v), at: root, title: "density (root scale)"});
    const [q, part] = S.place(), next = Math.min(q + 1, S.frames - 1), ink = STATE.dark ? "#56a8e0" : "#0072b2";
    const wide = px(-1 + 2 / bins) - px(-1);
    const high = []; /* taller than the axis: their heights in figures */
    g.fillStyle = fade(ink, .82);
    for (let b = 0; b < bins; b++) {
      const v = S.hist[q * bins + b] * (1 - part) + S.hist[next * bins + b] * part;
      if (v > most * 1.001) high.push([b, v]);
      if (v > 0) g.fillRect(px(-1 + 2 * b / bins), py(v), Math.max(.8, wide - (wide > 3 ? .6 : 0)), py(0) - py(v));
    }
    g.textBaseline = "bottom"; g.fillStyle = css("--ink");
    let free = -Infinity;
    for (const [b, v] of high) {
      const x = px(-1 + (2 * b + 1) / bins), text = num(v, 2), half = g.measureText(text).width / 2 + 3;
      if (x - half < free) continue;
      free = x + half;
      g.textAlign = x + half > w ? "right" : "center";
      g.fillText(text, g.textAlign === "right" ? x + 4 : x, py(most) - 1);
    }
  }, S.file, () => histTable(S));
  S.listeners.push(fig.again);
  return h("div", {class: "card fill"}, h("h3", null, "Inner products, now"), h("p", {class: "note"}, "Pairs i < j. A bar at 1: pairs that have met."), fig.div);
}

/* A line at the clock's time over a plot of Plotly. */
function cursor(div, S) {
  const line = h("div", {class: "cursor"});
  div.append(line);
  const move = () => {
    const full = div._fullLayout, ax = full && full.xaxis;
    if (!ax || !ax._length) return;
    const t = S.log ? Math.max(S.t, S.first) : S.t, x = ax.d2p(t);
    line.style.display = x >= -1 && x <= ax._length + 1 ? "block" : "none";
    line.style.left = `${ax._offset + x}px`;
    line.style.top = `${full._size.t}px`;
    line.style.height = `${full._size.h}px`;
  };
  S.listeners.push(move);
  div.on("plotly_afterplot", move);
  move();
}

/* --- the same over all times --- */
function histMapCard(S) {
  const d = S.d, bins = d.bins;
  const div = plotBox("Inner products over time", S.file, "Distribution of inner products over time");
  let has = false;
  const draw = async () => {
    const from = S.log ? d.t.findIndex((t) => t > 0) : 0, stops = RAMP[STATE.dark ? "dark" : "light"];
    const z = [], text = [], x = d.t.slice(from);
    let top = 0;
    for (let b = 0; b < bins; b++) z.push(x.map((_, i) => S.hist[(i + from) * bins + b]));
    const sorted = z.flat().filter((v) => v > 0).sort((a, b) => a - b);
    top = sorted.length ? sorted[Math.floor(.985 * (sorted.length - 1))] : 1;
    const axis = {linecolor: css("--line"), zeroline: false, automargin: true, ticks: "outside", ticklen: 4, tickcolor: css("--line"), showgrid: false};
    await Plotly.react(div, [{type: "heatmap", x, y: [...Array(bins).keys()].map((b) => -1 + (2 * b + 1) / bins), z, text, zmin: 0, zmax: top,
      colorscale: stops.map((c, i) => [(i / (stops.length - 1)) ** 2, c]), hovertemplate: "t %{x:.4g}<br>inner product %{y:.3f}<br>density <b>%{z:.3g}</b><extra></extra>",
      colorbar: {thickness: 9, len: .9, outlinewidth: 0, ticklen: 3, nticks: 5, tickcolor: css("--line"), tickfont: {size: 10}, title: {text: "density, colour by its root", side: "right", font: {size: 11}}}}],
    baseLayout({hovermode: "closest", xaxis: Object.assign({}, axis, {title: {text: "time t", standoff: 8}, type: S.log ? "log" : "linear"}, S.log ? {dtick: 1, range: [Math.log10(S.first), Math.log10(S.end)]} : {range: [d.t[0], S.end]}),
      yaxis: Object.assign({}, axis, {title: {text: "inner product", standoff: 4}, range: [-1, 1]})}), CONFIG);
    if (!has) cursor(div, S);
    has = true;
  };
  S.redraw.push(figure(div, draw));
  return h("div", {class: "card fill"}, h("h3", null, "Inner products over time"), h("p", {class: "note"}, "A column is the distribution of all pairs i < j at that time."), div);
}

/* --- the tokens themselves --- */
const COLOURING = {cluster: ["cluster", "by the cluster at the last time; the eight largest have a colour"], start: ["start", "by the place at the first time"], index: ["index", "by position in the sequence"]};
function tokensCard(S, group) {
  const d = S.d, solid = d.dim === 3, view = group.view = group.view || {yaw: .52, pitch: .3};
  const paint = d.sphere ? (solid ? paintSphere : paintCircle) : solid ? paintSpace : paintPlane;
  const where = d.sphere ? (d.d === 2 ? "the circle" : d.d === 3 ? "the sphere" : `the sphere of R^${d.d}`) : `R^${d.d}`;
  const fig = canvasFigure("square", `Tokens on ${where}, ${group.name}${solid ? "; turn with the arrow keys" : ""}`, (g, w, height) => {
    if (S.playing && !view.touched && solid) view.yaw = .52 + .52 * (S.part(S.t) - .5);
    paint(g, w, height, S, view);
  }, S.file, () => tokenTable(S));
  if (solid) turnable(fig, view);
  S.listeners.push(fig.again);
  const choices = Object.keys(COLOURING).filter((k) => (k !== "cluster" || d.label) && (k !== "start" || d.dim > 1 || !d.sphere));
  const pick = h("label", {class: "note pick"}, "colour ", h("select", {"aria-label": "Colour of tokens", onchange: (e) => { S.colouring = e.target.value; S.tell(); }},
    choices.map((k) => h("option", {value: k, title: COLOURING[k][1], selected: k === S.colouring}, COLOURING[k][0]))));
  const words = [d.d > 3 ? `Projected on the first two principal directions of the last state (${num(100 * d.share, 3)} % of its mean square); the circle is the unit sphere's outline.` : null,
    d.d === 2 && d.sphere ? "The inner line is the mean token, its length the order parameter R." : null,
    d.hull && d.dim > 1 ? `Outlined: the convex hull of the tokens shown${d.dim === 2 && !S.grows ? " (dashed: at the start)" : ""}; its corners are ringed.` : null,
    S.grows ? "The scale follows the tokens." : null, solid ? "Drag to turn." : null,
    "A disc and a number: tokens too close to tell apart.",
    d.lost ? `${d.lost} token${d.lost > 1 ? "s have values" : " has a value"} that is not finite and cannot be drawn.` : null].filter(Boolean).join(" ");
  return h("div", {class: "card"}, h("div", {class: "top"}, h("h3", null, `Tokens on ${where}`.replace("on R", "in R").replace(/\^(\d+)/, (m, k) => [...k].map((c) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[+c]).join(""))), pick), fig.div, h("p", {class: "note"}, words));
}

/* One bar of time for all figures of the run. */
function clockBar(S) {
  const out = h("output", null), play = h("button", {class: "play", type: "button", "aria-label": "Play"}, svg(PLAY));
  const range = h("input", {type: "range", min: 0, max: 1000, value: 1000, step: "any", "aria-label": "Time"});
  const left = S.d.merges ? (t) => { let c = null; for (let i = 0; i < S.d.merges.length; i += 2) if (S.d.merges[i] <= t) c = S.d.merges[i + 1]; return c; } : () => null;
  S.set = (u, slide) => {
    S.t = S.time(Math.min(1, Math.max(0, u)));
    if (!slide) range.value = 1000 * u;
    const c = left(S.t);
    out.textContent = `t = ${num(S.t)}` + (c === null ? "" : ` · ${c} cluster${c === 1 ? "" : "s"}`);
    S.move();
    for (const f of S.listeners) f();
  };
  S.tell = () => S.set(S.part(S.t));
  range.addEventListener("input", () => S.set(range.value / 1000, true));
  let was = 0;
  const stop = () => { S.playing = false; play.replaceChildren(svg(PLAY)); play.setAttribute("aria-label", "Play"); };
  const tick = (now) => {
    if (!S.playing) return;
    const u = range.value / 1000 + Math.min(.1, Math.max(0, now - was) / 1000) / SECONDS;
    was = now;
    S.set(Math.min(1, u));
    if (u >= 1) stop(); else requestAnimationFrame(tick);
  };
  play.addEventListener("click", () => {
    if (S.playing) { stop(); return; }
    if (range.value >= 1000) S.set(0);
    S.playing = true;
    play.replaceChildren(svg(PAUSE));
    play.setAttribute("aria-label", "Pause");
    was = performance.now();
    requestAnimationFrame(tick);
  });
  const scale = segment(h("div", {class: "seg clock", role: "group", "aria-label": "Time axis"}), [["linear", "linear t"], ["log", "log t"]], S.log ? "log" : "linear", (id) => {
    S.log = id === "log";
    for (const f of S.redraw) { f.stale = true; if (f.seen) drawFigure(f); }
    S.tell();
  });
  return h("div", {class: "time"}, play, range, out, S.end > S.first ? scale : null);
}

/* What a flow adds to the curves of its metrics: the clock's kind of axis, its
 * line, and thin lines where clusters merged. */
function flowOpts(group) {
  const S = group.clock, all = (group.tokens && group.tokens.merges) || [];
  const events = () => all.filter((_, i) => i % 2 === 0 && (!S.log || all[i] > 0)).slice(-120)
    .map((t) => ({type: "line", layer: "below", x0: t, x1: t, yref: "paper", y0: 0, y1: 1, opacity: all.length > 60 ? .45 : .9, line: {color: css("--faint"), width: .7}}));
  return {clock: S, axis: group.axis, events};
}
function flowCurve(f, opts, values) {
  const all = values.flat();
  let has = false;
  /* counts over more than a decade: the last mergers are seen as the first */
  opts.counts = all.every((v) => v >= 1 && Number.isInteger(v)) && Math.max(...all) > 12 * Math.min(...all);
  opts.clock.redraw.push(f);
  opts.drawn = () => {
    if (!has && opts.clock.d) cursor(f.div, opts.clock);
    has = true;
  };
}

function flowSection(group, cards) {
  const S = group.clock, d = S.d, grid = h("div", {class: "grid"});
  const bar = clockBar(S);
  if (d.dim > 1) grid.append(tokensCard(S, group));
  if (S.angle || d.dim === 1) grid.append(tracksCard(S));
  if (S.hist) grid.append(histCard(S), histMapCard(S));
  grid.append(...cards);
  const facts = [`${d.model}${d.causal ? ", causal" : ""}${d.norm && d.norm !== "post" ? `, ${d.norm}-norm` : ""}`, d.sphere ? `β = ${num(d.beta)}` : `${d.space}`, `n = ${d.n}`, `d = ${d.d}`,
    S.n < d.n ? `${S.n} of ${d.n} tokens shown` : null, S.frames < d.times ? `${S.frames} of ${d.times} times shown` : `${S.frames} times`, "positions between them are interpolated",
    group.runs.length > 1 && group.tokens_seed >= 0 ? `tokens of seed ${group.tokens_seed}` : null].filter(Boolean).join(" · ");
  const box = h("div", {class: "inside"}, h("p", {class: "note", style: "margin:-.4rem 0 .2rem"}, facts), bar, grid);
  S.set(1);
  return box;
}

/* The clock of a group: with tokens all figures move; without, only the kind
 * of axis is known. */
function flowClock(group) {
  const S = group.tokens ? flowState(group) : {log: false, listeners: []};
  S.redraw = [];
  S.file = group.file;
  return S;
}
