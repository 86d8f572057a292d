/* Sweeps: the settings of one name together. What differs is a key; curves lie
 * on one another, a metric is drawn against a key, with its spread over seeds.
 * Nothing is averaged over a key. */
"use strict";
const AT = [["last", "at the end"], ["low", "lowest"], ["high", "highest"]];

/* A key with its values in order; numeric when all are numbers, on a
 * logarithmic axis when they span much. */
function sweepKey(key, groups, planned) {
  const own = [...new Set(groups.map((g) => g.at.get(key) ?? "not set"))], values = own.concat(planned.filter((v) => !own.some((o) => alike(o, v)))), numeric = values.every((v) => v !== "" && Number.isFinite(Number(v)));
  values.sort((a, b) => (numeric ? a - b : String(a).localeCompare(String(b), "en", {numeric: true})));
  const x = numeric ? values.map(Number) : values.map((_, i) => i);
  return {key, word: key.slice(key.lastIndexOf(".") + 1), values, numeric, x, log: numeric && x.length > 2 && x[0] > 0 && x[x.length - 1] >= 8 * x[0]};
}
/* 0.1 and 1e-1 are one value. */
function alike(a, b) {
  return a === b || (a !== "" && b !== "" && Number(a) === Number(b));
}
/* Sweeps whose runs are on the page among those of some settings. */
function plansOf(groups) {
  const shown = new Set(groups.flatMap((g) => g.runs.map((r) => r.dir)));
  return (DATA.sweeps || []).filter((s) => s.points.some((p) => shown.has(p.run)));
}
/* Keys are those that differ, and those that a sweep will differ in although no
 * run of another value is there yet. */
function makeSweep(name, groups) {
  const plans = plansOf(groups), axes = plans.flatMap((s) => s.axes.filter((a) => a.values.length > 1));
  for (const g of groups) {
    g.at = new Map(g.differs || []);
    for (const s of plans) {
      const point = s.points.find((p) => g.runs.some((r) => r.dir === p.run));
      if (point) for (const [key, value] of point.at) if (!g.at.has(key) && axes.some((a) => a.key === key)) g.at.set(key, value);
    }
  }
  const keys = [...new Set(groups.flatMap((g) => [...g.at.keys()]))].map((k) => sweepKey(k, groups, axes.filter((a) => a.key === k).flatMap((a) => a.values)));
  for (const k of keys) if (keys.filter((o) => o.word === k.word).length > 1) k.word = k.key;
  const metrics = [...new Set(DATA.panels.flatMap((p) => groups.flatMap((g) => g.panels.get(p.id) || [])))];
  const wanted = metrics.find((n) => DATA.quantities[n].panel === "acc") || metrics[0];
  const known = (DATA.families || []).find((f) => f.name === name) || {};
  return {name, groups, keys, metrics, metric: wanted, when: "last", bars: "spread", laws: known.laws || {}, draws: known.draws, listeners: [], anchor: slug(name, "sweep")};
}
function panelOfMetric(S) {
  return DATA.panels.find((p) => p.id === panelOf(S.groups[0], S.metric));
}
function metricWords(S) {
  const q = DATA.quantities[S.metric], p = panelOfMetric(S);
  return `${p.title.toLowerCase() === q.label.toLowerCase() ? "" : p.title + ", "}${q.label}`;
}
function whenWords(S) {
  return AT.find(([id]) => id === S.when)[1];
}
/* One number a run. */
function runValue(run, metric, when) {
  const s = run.series[metric], v = s ? s[1].filter((x) => x !== null) : [];
  if (!v.length) return null;
  return when === "last" ? v[v.length - 1] : when === "low" ? Math.min(...v) : Math.max(...v);
}
function settingValue(g, metric, when) {
  const all = g.runs.map((r) => runValue(r, metric, when)), v = all.filter((x) => x !== null), n = v.length;
  if (!n) return {n: 0, mean: null, lo: null, hi: null, sd: 0, ci: null, all};
  const ci = ((g.estimates || {})[metric] || {})[when] || null;
  const mean = v.reduce((a, b) => a + b, 0) / n;
  return {n, mean, ci, lo: Math.min(...v), hi: Math.max(...v), sd: n > 1 ? Math.sqrt(v.reduce((a, b) => a + (b - mean) ** 2, 0) / (n - 1)) : 0, all};
}
function valueWords(v) {
  return v.n === 0 ? "no value" : num(v.mean) + (v.n > 1 ? ` (${num(v.lo)} to ${num(v.hi)}, ${v.n} seeds)` : "");
}

/* A colour a value: along a ramp where values are numbers. */
function keyColour(key, value) {
  const i = key.values.indexOf(value), n = key.values.length;
  if (!key.numeric && n <= SPARE.length) return CATEGORY[i % CATEGORY.length][STATE.dark ? 1 : 0];
  return rampAt(n > 1 ? i / (n - 1) : .3);
}
/* A share of the ramp that is seen on this ground. */
function rampAt(share) {
  return between(VIRIDIS, STATE.dark ? .25 + .75 * share : .86 * share);
}
const DASHES = ["solid", "dash", "dot", "dashdot", "longdash", "longdashdot"];

function select(label, items, value, pick) {
  return h("label", {class: "pick"}, label + " ", h("select", {"aria-label": label, onchange: (e) => pick(e.target.value)}, items.map(([id, text]) => h("option", {value: id, selected: id === value}, text))));
}
function metricSelect(S) {
  const change = () => { for (const f of S.listeners) f(); };
  const groups = DATA.panels.map((p) => [p, S.metrics.filter((n) => panelOf(S.groups[0], n) === p.id)]).filter(([, list]) => list.length);
  return h("div", {class: "filter"}, h("label", {class: "pick"}, "metric ", h("select", {"aria-label": "Metric", onchange: (e) => { S.metric = e.target.value; change(); }},
    groups.map(([p, list]) => h("optgroup", {label: p.title}, list.map((n) => h("option", {value: n, selected: n === S.metric}, DATA.quantities[n].label.replace(/[_^]\{([^}]*)\}/g, " $1"))))))),
  select("value", AT, S.when, (id) => { S.when = id; change(); }),
  S.groups.some((g) => g.estimates && Object.keys(g.estimates).length) ? select("bars", [["spread", "spread over seeds"], ["ci", "95 % interval of the mean"]], S.bars, (id) => { S.bars = id; change(); }) : null);
}
/* A card whose title and figure follow the metric; title and note: () => text. */
function sweepCard(S, title, note, tools, draw, table, cls) {
  const head = h("h3"), says = h("p", {class: "note"}), div = plotBox("", S.name, "", cls);
  const f = figure(div, draw, false, table), words = () => {
    const text = title();
    head.replaceChildren(...mathNodes(text));
    div.dataset.figure = bareText(text).replace(/[_^]\{([^}]*)\}/g, "$1");
    div.setAttribute("aria-label", `${div.dataset.figure}, ${S.name}`);
    says.replaceChildren(...mathNodes(note ? note() : ""));
  };
  const update = () => { words(); again(f); };
  S.listeners.push(update);
  words();
  return {node: h("div", {class: "card"}, h("div", {class: "top"}, head, h("span", {class: "picks"}, tools)), says, div), div, f, update};
}

/* --- all settings on one figure --- */
function overlayCard(S) {
  const state = {by: S.keys[0], only: new Map(), hidden: new Set()}, chips = h("div", {class: "legend"});
  const chosen = () => S.groups.filter((g) => [...state.only].every(([k, v]) => v === "" || g.at.get(k) === v) && (g.panels.get(panelOfMetric(S).id) || []).includes(S.metric));
  const second = S.keys.find((k) => k !== state.by);
  const look = (g) => ({colour: keyColour(state.by, g.at.get(state.by.key) ?? "not set"), dash: second && state.by !== second && second.values.length <= DASHES.length ? DASHES[second.values.indexOf(g.at.get(second.key) ?? "not set") % DASHES.length] : "solid"});
  const draw = () => {
    const opts = S.groups[0].flow ? {clock: {log: false}, axis: S.groups[0].axis} : {}, bands = [], lines = [], list = chosen();
    for (const g of list) {
      if (state.hidden.has(g)) continue;
      const p = pool(g, S.metric), x = stepX(p.x, opts), {colour, dash} = look(g);
      if (p.seeds.length > 1 && STATE.band === "seeds") for (const s of p.seeds) lines.push({x: stepX(s.x, opts), y: s.y, mode: "lines", type: "scatter", hoverinfo: "skip", line: {color: fade(hexOf(colour), .4), width: 1, dash}});
      else if (p.seeds.length > 1 && list.length <= 24) {
        const sd = STATE.band === "sd", edge = (s) => p.mean.map((m, i) => (m === null ? null : m + s * p.sd[i]));
        bands.push(...bandTraces(x, sd ? edge(-1) : p.lo, sd ? edge(1) : p.hi, hexOf(colour), list.length > 4 ? .5 : 1));
      }
      lines.push({x, y: p.mean, type: "scatter", mode: x.length < 3 ? "lines+markers" : "lines", name: escapeText(g.name), line: {color: colour, width: list.length > 24 ? 1.2 : 2, dash}, connectgaps: false, hovertemplate: `%{y:.4g}<extra>${escapeText(g.name)}</extra>`});
    }
    const traces = bands.concat(lines), layout = curveLayout(panelOfMetric(S), opts, traces);
    chips.replaceChildren(...(list.length <= 40 ? list.map((g) => {
      const {colour, dash} = look(g), mark = svg("M0 5H24", "0 0 24 10");
      mark.firstChild.setAttribute("stroke", colour);
      mark.firstChild.setAttribute("stroke-width", "3");
      if (dash !== "solid") mark.firstChild.setAttribute("stroke-dasharray", dash === "dot" ? "3 3" : "6 4");
      return h("button", {type: "button", "aria-pressed": String(!state.hidden.has(g)), onclick: () => { if (!state.hidden.delete(g)) state.hidden.add(g); card.update(); }}, mark, h("span", null, g.name));
    }) : [h("span", {class: "note"}, `${list.length} settings; point at a line to see which`)]));
    layout.hovermode = list.length > 12 ? "closest" : "x unified";
    return Plotly.react(card.div, traces, layout, CONFIG);
  };
  const tools = [S.keys.length > 1 ? select("colour", S.keys.map((k) => [k.key, k.word]), state.by.key, (id) => { state.by = S.keys.find((k) => k.key === id); card.update(); }) : null,
    S.keys.length > 1 ? S.keys.map((k) => select(k.word, [["", "all"], ...k.values.map((v) => [v, v])], "", (v) => { state.only.set(k.key, v); card.update(); })) : null];
  const card = sweepCard(S, () => `${metricWords(S)}: all settings`, () => (S.groups.some((g) => g.runs.length > 1) ? `Lines: means over seeds${S.groups.length > 24 ? "; bands, their spread, where at most 24 are chosen." : "; bands: their spread."}` : ""), tools, draw, () => curveTable(chosen().map((g) => [g.name, g]), [S.metric]));
  card.node.append(chips);
  card.node.classList.add("full");
  return card.node;
}
function hexOf(colour) {
  const m = /^rgb\((\d+),(\d+),(\d+)\)$/.exec(colour);
  return m ? "#" + m.slice(1).map((v) => Number(v).toString(16).padStart(2, "0")).join("") : colour;
}

/* --- a metric against a key --- */
function otherKeys(S, ...used) {
  return S.keys.filter((k) => !used.includes(k) && k.values.length > 1);
}
/* The settings in lines: those that agree in all other keys. */
function linesAlong(S, key) {
  const rest = otherKeys(S, key), lines = new Map();
  for (const g of S.groups) {
    const name = rest.map((k) => `${k.word} ${g.at.get(k.key) ?? "not set"}`).join(", ");
    if (!lines.has(name)) lines.set(name, []);
    lines.get(name).push(g);
  }
  for (const list of lines.values()) list.sort((a, b) => key.values.indexOf(a.at.get(key.key) ?? "not set") - key.values.indexOf(b.at.get(key.key) ?? "not set"));
  return {rest, lines: [...lines]};
}
function keyX(key, g) {
  const i = key.values.indexOf(g.at.get(key.key) ?? "not set");
  return key.numeric ? key.x[i] : i;
}
function spreadBars(values, colour, bars) {
  if (bars === "ci" && values.some((v) => v.ci))
    return {type: "data", symmetric: false, array: values.map((v) => (v.ci ? Math.max(0, v.ci[1] - v.mean) : 0)), arrayminus: values.map((v) => (v.ci ? Math.max(0, v.mean - v.ci[0]) : 0)), color: fade(hexOf(colour), .6), thickness: 1.3, width: 4};
  if (STATE.band === "seeds" || !values.some((v) => v.n > 1)) return undefined;
  const sd = STATE.band === "sd", up = values.map((v) => (v.n ? (sd ? v.sd : v.hi - v.mean) : 0)), down = values.map((v) => (v.n ? (sd ? v.sd : v.mean - v.lo) : 0));
  return {type: "data", symmetric: false, array: up, arrayminus: down, color: fade(hexOf(colour), .6), thickness: 1.3, width: 4};
}
function keyAxis(key) {
  const all = key.values.length <= 12, ticks = {tickmode: "array", tickvals: key.numeric ? key.x : key.x, ticktext: key.values.map(escapeText)};
  return Object.assign({title: {text: escapeText(key.word), standoff: 8}, type: key.log ? "log" : "linear", showgrid: false}, !key.numeric || (all && (key.log || key.values.length <= 8)) ? ticks : {});
}
function versusCard(S) {
  const state = {key: S.keys.find((k) => k.numeric) || S.keys[0]};
  const draw = () => {
    const {rest, lines} = linesAlong(S, state.key), traces = [];
    for (const [name, list] of lines) {
      const colour = rest.length ? keyColour(rest[0], list[0].at.get(rest[0].key) ?? "not set") : css("--accent"), dash = rest.length > 1 ? DASHES[rest[1].values.indexOf(list[0].at.get(rest[1].key) ?? "not set") % DASHES.length] : "solid";
      const values = list.map((g) => settingValue(g, S.metric, S.when)), x = list.map((g) => keyX(state.key, g));
      if (STATE.band === "seeds") traces.push({x: list.flatMap((g, i) => values[i].all.map(() => x[i])), y: values.flatMap((v) => v.all), type: "scatter", mode: "markers", hoverinfo: "skip", marker: {size: 5, color: fade(hexOf(colour), .5)}});
      traces.push({x, y: values.map((v) => v.mean), type: "scatter", mode: "lines+markers", name: escapeText(name || DATA.quantities[S.metric].label.replace(/[_^]\{([^}]*)\}/g, " $1")), marker: {size: 7, color: colour}, line: {color: colour, width: 2, dash}, error_y: spreadBars(values, colour, S.bars), text: values.map(valueWords), hovertemplate: `%{text}<extra>${escapeText(name)}</extra>`});
    }
    const layout = profileLayout("", panelOfMetric(S).unit, false, false), axis = Object.assign(layout.xaxis, keyAxis(state.key));
    axis.dtick = undefined;
    layout.yaxis.range = yRange(panelOfMetric(S), traces);
    layout.showlegend = lines.length > 1 && lines.length <= 24;
    layout.hovermode = "closest";
    return Plotly.react(card.div, traces, layout, CONFIG);
  };
  const table = () => [[...S.keys.map((k) => k.word), "quantity", "value", "mean", "min", "max", "sd", "mean_low", "mean_high", "seeds"], S.groups.map((g) => {
    const v = settingValue(g, S.metric, S.when);
    return [...S.keys.map((k) => g.at.get(k.key)), S.metric, whenWords(S), v.mean, v.lo, v.hi, v.sd, v.ci && v.ci[0], v.ci && v.ci[1], v.n];
  })];
  const tools = S.keys.length > 1 ? select("against", S.keys.map((k) => [k.key, k.word]), state.key.key, (id) => { state.key = S.keys.find((k) => k.key === id); card.update(); }) : null;
  const card = sweepCard(S, () => `${metricWords(S)} against ${state.key.word}`, () => `The value ${whenWords(S)}` + (S.groups.some((g) => g.runs.length > 1) ? `; bars: ${S.bars === "ci" ? "95 % bootstrap interval of the mean" : "the spread"} over seeds.` : "."), tools, draw, table);
  return card.node;
}
