/* Learning curves: the runs of a group as mean lines with bands. */
"use strict";
const SPARE = [["#7a6a00", "#cdbb4a"], ["#00767a", "#4cc3c7"], ["#a3304c", "#f0889f"], ["#5a4fb0", "#a79df0"],
  ["#4d7a1e", "#9ccb66"], ["#7b4a9e", "#c79be6"], ["#9a4a12", "#e0925a"], ["#35608f", "#86b3e3"]];
const spareColour = new Map();
/* Loss, accuracy and floor of one group have one colour: what, which group. */
const GROUPED = /^((?:loss|acc|floor)(?:_test|_train)?)\.(.+)$/;

/* The fixed colour of a quantity; those without one get a spare colour, the
 * same on the whole page. */
function colourOf(name) {
  const q = DATA.quantities[name];
  let pair = [q.light, q.dark];
  if (!q.light) {
    const of = GROUPED.exec(name), key = of ? "group " + of[2] : name.replace(/^grad_/, "");
    if (!spareColour.has(key)) spareColour.set(key, SPARE[spareColour.size % SPARE.length]);
    pair = spareColour.get(key);
  }
  return pair[STATE.dark ? 1 : 0];
}
function fade(hex, alpha) {
  const n = parseInt(hex.slice(1), 16);
  return `rgba(${n >> 16},${(n >> 8) & 255},${n & 255},${alpha})`;
}

/* Points of one quantity over the runs of a group: steps, and for each the
 * values of the seeds that have one. */
const pooled = new WeakMap();
function pool(group, name) {
  if (!pooled.has(group)) pooled.set(group, new Map());
  const cache = pooled.get(group);
  if (cache.has(name)) return cache.get(name);
  const at = new Map();
  const seeds = [];
  for (const run of group.runs) {
    const s = run.series[name];
    if (!s) continue;
    const steps = run.axes[s[0]];
    seeds.push({seed: run.seed, x: steps, y: s[1]});
    steps.forEach((x, i) => {
      if (!at.has(x)) at.set(x, []);
      if (s[1][i] !== null) at.get(x).push(s[1][i]);
    });
  }
  const x = [...at.keys()].sort((a, b) => a - b);
  const mean = [], lo = [], hi = [], sd = [], n = [];
  for (const step of x) {
    const v = at.get(step), k = v.length;
    const m = k ? v.reduce((a, b) => a + b, 0) / k : null;
    mean.push(m);
    n.push(k);
    lo.push(k ? Math.min(...v) : null);
    hi.push(k ? Math.max(...v) : null);
    sd.push(k > 1 ? Math.sqrt(v.reduce((a, b) => a + (b - m) ** 2, 0) / (k - 1)) : 0);
  }
  const out = {x, mean, lo, hi, sd, n, seeds};
  cache.set(name, out);
  return out;
}

/* A logarithmic axis has no place for step 0: it shows step + 1. Swept values
 * and the times of a flow (opts.clock) are shown as they are. */
function stepX(x, opts) {
  return STATE.log && !opts.theory && !opts.clock ? x.map((v) => v + 1) : x;
}
/* The name of the horizontal axis in words. */
function axisName(opts) {
  return opts.theory || opts.clock ? opts.axis : "training step";
}

/* Bands are closed shapes, cut where a value is missing. */
function bandTraces(x, lo, hi, colour, faint = 1) {
  const traces = [];
  let start = 0;
  const close = (end) => {
    if (end - start > 1) {
      const xs = x.slice(start, end);
      traces.push({x: xs.concat([...xs].reverse()),
        y: hi.slice(start, end).concat(lo.slice(start, end).reverse()),
        mode: "lines", line: {width: 0}, fill: "toself", fillcolor: fade(colour, faint * (STATE.dark ? .24 : .17)),
        hoverinfo: "skip", type: "scatter"});
    }
    start = end + 1;
  };
  lo.forEach((v, i) => { if (v === null) close(i); });
  close(lo.length);
  return traces;
}

/* The spread of one draw, where a theory run reports it as NAME_sd. */
function errorBars(group, name, x, colour) {
  const sd = new Map();
  for (const run of group.runs) {
    const s = run.series[name + "_sd"];
    if (s) run.axes[s[0]].forEach((v, i) => sd.set(v, s[1][i]));
  }
  return sd.size ? {type: "data", array: x.map((v) => sd.get(v) ?? 0), color: fade(colour, .5), thickness: 1.2, width: 3} : undefined;
}

function curveTraces(group, names, hidden, opts) {
  const bands = [], lines = [];
  for (const name of names) {
    if (hidden.has(name)) continue;
    const q = DATA.quantities[name], p = pool(group, name), colour = colourOf(name);
    const x = stepX(p.x, opts), many = p.seeds.length > 1;
    if (many && STATE.band === "seeds")
      for (const s of p.seeds)
        lines.push({x: stepX(s.x, opts), y: s.y, mode: "lines", type: "scatter", hoverinfo: "skip",
          line: {color: fade(colour, .45), width: 1, dash: q.dash}});
    else if (many) {
      const sd = STATE.band === "sd";
      bands.push(...bandTraces(x, sd ? p.mean.map((m, i) => m === null ? null : m - p.sd[i]) : p.lo,
        sd ? p.mean.map((m, i) => m === null ? null : m + p.sd[i]) : p.hi, colour));
    }
    lines.push({x, y: p.mean, type: "scatter", name: mathPlotly(q.label),
      mode: (opts.theory && x.length <= 60) || x.length < 3 ? "lines+markers" : "lines", marker: {size: 7},
      line: {color: colour, width: 2.2, dash: q.dash, shape: opts.clock && p.seeds.length < 2 && p.mean.every(Number.isInteger) ? "hv" : "linear"}, connectgaps: false,
      error_y: opts.theory ? errorBars(group, name, p.x, colour) : undefined,
      text: p.mean.map((m, i) => num(m) + (p.n[i] > 1 ? `  (${num(p.lo[i])} to ${num(p.hi[i])})` : "")),
      hovertemplate: "%{text}"});
  }
  return bands.concat(lines);
}

/* The range of an axis that fits lo to hi; 0 is shown when it is not far. */
function fitted(lo, hi) {
  if (!(hi >= lo)) return [0, 1];
  if (lo > 0 && lo < .5 * hi) lo = 0;
  const pad = (hi - lo || Math.abs(hi) || 1) * .04;
  return [lo === 0 ? -pad / 2 : lo - pad, hi + pad];
}
/* Of what is drawn, error bars too. */
function extent(traces) {
  let lo = Infinity, hi = -Infinity;
  for (const t of traces)
    if (t.visible !== "legendonly")
      (t.y || []).forEach((v, i) => {
        if (v === null || !Number.isFinite(v)) return;
        const e = t.error_y || {}, up = (e.array && e.array[i]) || 0, down = (e.arrayminus ? e.arrayminus[i] : up) || 0;
        lo = Math.min(lo, v - down);
        hi = Math.max(hi, v + up);
      });
  return [lo, hi];
}
function yRange(panel, traces) {
  return panel.hi > panel.lo && STATE.whole ? [panel.lo - .015, panel.hi + .035] : fitted(...extent(traces));
}

function curveLayout(panel, opts, traces) {
  const grid = css("--grid"), line = css("--line");
  const axis = {gridcolor: grid, linecolor: line, zeroline: false, automargin: true, ticks: "outside", ticklen: 4, tickcolor: line};
  const theory = opts.theory || opts.clock, log = opts.clock ? opts.clock.log : theory ? opts.logAxis : STATE.log;
  const layout = baseLayout({
    hovermode: "x unified",
    xaxis: Object.assign({}, axis, {title: {text: theory ? escapeText(opts.axis) : STATE.log ? "training step + 1" : "training step", standoff: 8},
      type: log ? "log" : "linear", showgrid: false,
      nticks: opts.small || PHONE.matches ? 5 : 8}),
    yaxis: Object.assign({}, axis, {title: {text: escapeText(opts.unit || panel.unit), standoff: 6},
      range: opts.yRange || yRange(panel, traces), nticks: 6}),
  });
  if (layout.xaxis.type === "log") { layout.xaxis.dtick = 1; layout.xaxis.minor = {ticks: "outside", ticklen: 2, tickcolor: line}; }
  if (opts.theory && opts.ticks.length <= 10) {
    layout.xaxis.tickmode = "array";
    layout.xaxis.tickvals = opts.ticks;
    layout.xaxis.ticktext = opts.ticks.map((v) => num(v, 4));
    delete layout.xaxis.dtick;
    delete layout.xaxis.minor;
  }
  if (opts.counts && panel.hi <= panel.lo) Object.assign(layout.yaxis, {type: "log", range: undefined, tickmode: "array", tickvals: [0, 1, 2, 3, 4, 5, 6].flatMap((k) => [1, 2, 5].map((m) => m * 10 ** k))});
  if (opts.xRange) layout.xaxis.range = STATE.log && !theory ? opts.xRange.map((v) => Math.log10(v + 1)) : opts.xRange;
  layout.shapes = opts.marks || [];
  if (opts.live) layout.uirevision = "kept"; /* what is zoomed stays so as points come */
  return layout;
}

/* A chip a quantity: its line, its name, its last value; a click hides it. */
function swatch(name) {
  const q = DATA.quantities[name];
  const s = svg("M0 5H24", "0 0 24 10");
  s.firstChild.setAttribute("stroke", colourOf(name));
  s.firstChild.setAttribute("stroke-width", "3");
  if (q.dash !== "solid") s.firstChild.setAttribute("stroke-dasharray", {dot: "3 3", dashdot: "7 3 2 3"}[q.dash] || "6 4");
  return s;
}
function legend(names, hidden, redraw, last) {
  const box = h("div", {class: "legend"});
  for (const name of names) {
    const q = DATA.quantities[name];
    const chip = h("button", {type: "button", "aria-pressed": String(!hidden.has(name)), title: q.help || name, onclick: () => {
      if (!hidden.delete(name)) hidden.add(name);
      chip.setAttribute("aria-pressed", String(!hidden.has(name)));
      redraw();
    }}, swatch(name), h("span", null, mathNodes(q.label)), last ? h("b", null, last(name)) : null);
    chip.recolour = () => chip.firstChild.replaceWith(swatch(name));
    box.append(chip);
  }
  box.recolour = () => { for (const c of box.children) c.recolour(); };
  return box;
}
function lastText(group, name) {
  const p = pool(group, name);
  const i = p.mean.length - 1;
  if (i < 0) return "no values";
  if (p.mean[i] === null) return "not finite";
  return num(p.mean[i]) + (p.n[i] > 1 && STATE.band !== "sd" && p.hi[i] > p.lo[i] ? ` (${num(p.lo[i])} to ${num(p.hi[i])})`
    : p.n[i] > 1 && p.sd[i] > 0 ? ` ± ${num(p.sd[i], 2)}` : "");
}

/* Values that are not finite: a dotted line where the first one is, and words. */
function badNotes(group, names) {
  const words = [], marks = [];
  for (const run of group.runs)
    for (const name of names) {
      const bad = run.bad[name];
      if (!bad) continue;
      words.push(h("p", {class: "note"}, "▲ ", ...mathNodes(DATA.quantities[name].label),
        `: ${bad[0]} value${bad[0] > 1 ? "s" : ""} not finite (NaN or infinite), first at step ${bad[1]}${run.seed === null ? "" : ", seed " + run.seed}; the line has a gap there.`));
      marks.push({name, step: bad[1]});
    }
  return {words, marks};
}

/* Quantities that would crowd the figure wait for a click, unless alone. */
function offAtFirst(names) {
  const off = names.filter((n) => DATA.quantities[n].off);
  return new Set(off.length < names.length ? off : []);
}

/* For take.js: the values of some quantities over steps, and over the settings
 * [[name or null, group], ...], as the page has them. */
function curveTable(settings, names) {
  const named = settings.length > 1 || settings[0][0] !== null, rows = [];
  for (const [name, g] of settings)
    for (const quantity of names) {
      const p = pool(g, quantity);
      p.x.forEach((x, i) => rows.push([...(named ? [name] : []), quantity, x, p.mean[i], p.lo[i], p.hi[i], p.n[i]]));
    }
  return [[...(named ? ["of"] : []), "quantity", "x", "mean", "min", "max", "seeds"], rows];
}

/* A crowded panel in parts of a few lines: what belongs to no group, and each
 * group with its test, its training sequences and its floor. [[title, names]]. */
const CROWD = 8;
function parted(names) {
  const of = new Map(), rest = [];
  for (const n of names) {
    const m = GROUPED.exec(n);
    if (!m || m[2] === "all") rest.push(n);
    else if (of.has(m[2])) of.get(m[2]).push(n);
    else of.set(m[2], [n]);
  }
  if (names.length <= CROWD || of.size < 2) return [[null, names]];
  return [...(rest.length ? [[null, rest]] : []), ...of];
}

/* One card: a panel of a group. */
function curveCard(group, panel, names, extra) {
  const opts = Object.assign({}, extra);
  const hidden = offAtFirst(names), bad = badNotes(group, names);
  const title = opts.title || panel.title;
  const div = plotBox(bareText(title), group.file, `${panel.title} against ${axisName(opts)}, ${group.name}`);
  const draw = () => {
    opts.marks = bad.marks.filter((m) => !hidden.has(m.name)).map((m) => {
      const x = stepX([m.step], opts)[0];
      return {type: "line", x0: x, x1: x, yref: "paper", y0: 0, y1: 1, line: {color: colourOf(m.name), width: 1.4, dash: "dot"}};
    }).concat(opts.events ? opts.events() : []);
    chips.recolour();
    [...chips.children].forEach((c, i) => { c.lastChild.textContent = lastText(group, names[i]); });
    const traces = curveTraces(group, names, hidden, opts);
    return Plotly.react(div, traces, curveLayout(panel, opts, traces), CONFIG).then(opts.drawn);
  };
  const chips = legend(names, hidden, draw, (name) => lastText(group, name));
  const card = h("div", {class: "card"}, h("h3", null, mathNodes(title)),
    panel.note && !opts.theory ? h("p", {class: "note"}, mathNodes(panel.note)) : null, div, chips, bad.words);
  const f = figure(div, draw, false, () => curveTable([[null, group]], names));
  if (opts.clock) flowCurve(f, opts, names.map((n) => pool(group, n).mean));
  return card;
}

/* --- theory: value against what is swept --- */
function theoryOpts(group) {
  const xs = new Set();
  for (const r of group.runs) for (const axis of r.axes) axis.forEach((v) => xs.add(v));
  const x = [...xs].sort((a, b) => a - b);
  return {theory: true, axis: group.axis, ticks: x,
    logAxis: x.length > 2 && x[0] > 0 && x[x.length - 1] / x[0] >= 8};
}
