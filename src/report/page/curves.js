/* Learning curves: the runs of a group as mean lines with bands. */
"use strict";
const SPARE = [["#7a6a00", "#cdbb4a"], ["#00767a", "#4cc3c7"], ["#a3304c", "#f0889f"], ["#5a4fb0", "#a79df0"],
  ["#4d7a1e", "#9ccb66"], ["#7b4a9e", "#c79be6"], ["#9a4a12", "#e0925a"], ["#35608f", "#86b3e3"]];
const spareColour = new Map();

/* The fixed colour of a quantity; those without one get a spare colour, the
 * same on the whole page. */
function colourOf(name) {
  const q = DATA.quantities[name];
  let pair = [q.light, q.dark];
  if (!q.light) {
    const key = name.replace(/^grad_/, "");
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
function bandTraces(x, lo, hi, colour) {
  const traces = [];
  let start = 0;
  const close = (end) => {
    if (end - start > 1) {
      const xs = x.slice(start, end);
      traces.push({x: xs.concat([...xs].reverse()),
        y: hi.slice(start, end).concat(lo.slice(start, end).reverse()),
        mode: "lines", line: {width: 0}, fill: "toself", fillcolor: fade(colour, STATE.dark ? .24 : .17),
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

function curveLayout(panel, opts) {
  const grid = css("--grid"), line = css("--line");
  const axis = {gridcolor: grid, linecolor: line, zeroline: false, automargin: true, ticks: "outside", ticklen: 4, tickcolor: line};
  const fixed = panel.hi > panel.lo;
  const theory = opts.theory || opts.clock, log = opts.clock ? opts.clock.log : theory ? opts.logAxis : STATE.log;
  const layout = baseLayout({
    hovermode: "x unified",
    xaxis: Object.assign({}, axis, {title: {text: theory ? escapeText(opts.axis) : STATE.log ? "training step + 1" : "training step", standoff: 8},
      type: log ? "log" : "linear", showgrid: false,
      nticks: opts.small || PHONE.matches ? 5 : 8}),
    yaxis: Object.assign({}, axis, {title: {text: escapeText(opts.unit || panel.unit), standoff: 6},
      range: fixed ? [panel.lo - .015, panel.hi + .035] : undefined,
      rangemode: opts.free ? "normal" : "tozero", nticks: 6}),
  });
  if (layout.xaxis.type === "log") { layout.xaxis.dtick = 1; layout.xaxis.minor = {ticks: "outside", ticklen: 2, tickcolor: line}; }
  if (opts.theory && opts.ticks.length <= 10) {
    layout.xaxis.tickmode = "array";
    layout.xaxis.tickvals = opts.ticks;
    layout.xaxis.ticktext = opts.ticks.map((v) => num(v, 4));
    delete layout.xaxis.dtick;
    delete layout.xaxis.minor;
  }
  if (opts.counts && !fixed) Object.assign(layout.yaxis, {type: "log", rangemode: "normal", tickmode: "array", tickvals: [0, 1, 2, 3, 4, 5, 6].flatMap((k) => [1, 2, 5].map((m) => m * 10 ** k))});
  if (opts.yRange) { layout.yaxis.range = opts.yRange; }
  if (opts.xRange) layout.xaxis.range = STATE.log && !theory ? opts.xRange.map((v) => Math.log10(v + 1)) : opts.xRange;
  layout.shapes = opts.marks || [];
  return layout;
}

/* A chip a quantity: its line, its name, its last value; a click hides it. */
function swatch(name) {
  const q = DATA.quantities[name];
  const s = svg("M0 5H24", "0 0 24 10");
  s.firstChild.setAttribute("stroke", colourOf(name));
  s.firstChild.setAttribute("stroke-width", "3");
  if (q.dash !== "solid") s.firstChild.setAttribute("stroke-dasharray", q.dash === "dot" ? "3 3" : "6 4");
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

/* One card: a panel of a group. */
function curveCard(group, panel, names, extra) {
  const opts = Object.assign({}, extra);
  const hidden = offAtFirst(names), bad = badNotes(group, names);
  const div = h("div", {class: "plot", role: "img", "aria-label": `${panel.title} against ${axisName(opts)}, ${group.name}`});
  const draw = () => {
    opts.marks = bad.marks.filter((m) => !hidden.has(m.name)).map((m) => {
      const x = stepX([m.step], opts)[0];
      return {type: "line", x0: x, x1: x, yref: "paper", y0: 0, y1: 1, line: {color: colourOf(m.name), width: 1.4, dash: "dot"}};
    }).concat(opts.events ? opts.events() : []);
    chips.recolour();
    [...chips.children].forEach((c, i) => { c.lastChild.textContent = lastText(group, names[i]); });
    return Plotly.react(div, curveTraces(group, names, hidden, opts), curveLayout(panel, opts), CONFIG).then(opts.drawn);
  };
  const chips = legend(names, hidden, draw, (name) => lastText(group, name));
  const card = h("div", {class: "card"}, h("h3", null, opts.title || panel.title),
    panel.note && !opts.theory ? h("p", {class: "note"}, mathNodes(panel.note)) : null, div, chips, bad.words);
  const f = figure(div, draw);
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

/* --- side by side: one small figure a group, axes shared --- */
function compareSection(groups) {
  const host = document.getElementById("compare");
  const panels = DATA.panels.filter((p) => groups.filter((g) => g.panels.has(p.id)).length > 1 && !p.fold);
  if (groups.length < 2 || !panels.length) return;
  host.hidden = false;
  let hidden = new Set();
  const grid = h("div", {class: "grid small"}), box = h("div");
  const choice = h("div", {class: "seg", role: "group", "aria-label": "Quantity"});
  const wanted = ["acc", "recall"].map((id) => panels.find((p) => p.id === id)).find(Boolean) || panels[0];
  let drawn = [];
  const show = (id) => {
    const panel = panels.find((p) => p.id === id), names = [];
    const members = groups.filter((g) => g.panels.has(id));
    for (const g of members) for (const n of g.panels.get(id)) if (!names.includes(n)) names.push(n);
    names.sort((a, b) => DATA.quantities[a].order - DATA.quantities[b].order);
    hidden = offAtFirst(names);
    let top = 0, end = 0;
    for (const g of members) for (const n of g.panels.get(id)) {
      const p = pool(g, n);
      p.hi.forEach((v) => { if (v !== null) top = Math.max(top, v); });
      if (p.x.length) end = Math.max(end, p.x[p.x.length - 1]);
    }
    for (const f of drawn) { FIGURES.splice(FIGURES.indexOf(f), 1); if (HAS_PLOTLY) Plotly.purge(f.div); }
    drawn = [];
    const chips = legend(names, hidden, () => { for (const f of drawn) { f.stale = true; if (f.seen) drawFigure(f); } });
    grid.replaceChildren(...members.map((g) => {
      const div = h("div", {class: "plot", role: "img", "aria-label": `${panel.title}, ${g.name}`});
      const opts = {small: true, xRange: [0, end], yRange: panel.hi > panel.lo ? null : [0, top * 1.05]};
      drawn.push(figure(div, () => {
        chips.recolour();
        return Plotly.react(div, curveTraces(g, g.panels.get(id), hidden, opts), curveLayout(panel, opts), Object.assign({}, CONFIG, {displayModeBar: false}));
      }));
      return h("div", {class: "card"}, h("h3", null, h("a", {href: "#" + g.anchor}, g.name)), div);
    }));
    box.replaceChildren(chips);
  };
  segment(choice, panels.map((p) => [p.id, p.title]), wanted.id, show);
  host.append(h("div", {class: "head"}, h("h2", null, "Side by side"), h("span", {class: "meta"}, `${groups.length} settings, shared axes`)),
    h("div", {class: "grid"}, ladderCards(groups)), choice, box, grid);
  show(wanted.id);
}
