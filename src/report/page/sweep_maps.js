/* Sweeps: where each point stands, maps over two keys, and what lies behind a
 * cell. */
"use strict";
const STANDS = {finished: "v-holds", running: "v-refuted", pending: "v-norun pending", diverged: "v-fails", failed: "v-fails"};
function standOf(run) {
  return (run.record && run.record.status) || "unknown";
}

/* The points of sweeps that have no run on the page yet, as settings without
 * runs: [{at: key -> value, runs: [], waiting: [point, ...]}]. */
function waitingPoints(S) {
  const shown = new Set(S.groups.flatMap((g) => g.runs.map((r) => r.dir))), cells = [];
  const value = (p, k) => { const own = p.at.find(([key]) => key === k.key); return own ? k.values.find((v) => alike(v, own[1])) ?? own[1] : null; };
  for (const s of plansOf(S.groups)) {
    for (const p of s.points) {
      if (shown.has(p.run)) continue;
      const at = new Map(S.keys.map((k) => [k.key, value(p, k)]));
      let cell = S.groups.concat(cells).find((g) => S.keys.every((k) => g.at.get(k.key) === at.get(k.key)));
      if (!cell) cells.push(cell = {at, runs: []});
      (cell.waiting = cell.waiting || []).push(p);
    }
  }
  return cells;
}

/* A row a value of the first key, a column a value of the second; further keys
 * make further rows. A square is a run. */
function gridCard(S, drill) {
  const [across, ...down] = S.keys.length > 1 ? [S.keys[1], S.keys[0], ...S.keys.slice(2)] : [S.keys[0]];
  const rows = new Map(), count = {}, waiting = waitingPoints(S), order = (k) => [...k.values, ...new Set(waiting.map((g) => g.at.get(k.key)).filter((v) => !k.values.includes(v)))];
  const columns = order(across);
  for (const g of S.groups.concat(waiting)) {
    const name = down.map((k) => `${k.word} ${g.at.get(k.key) ?? "not set"}`).join(", ");
    if (!rows.has(name)) rows.set(name, new Map());
    rows.get(name).set(g.at.get(across.key) ?? "not set", g);
    for (const state of g.runs.map(standOf).concat((g.waiting || []).map((p) => p.state))) count[state] = (count[state] || 0) + 1;
  }
  const rank = (name) => { const g = [...rows.get(name).values()][0]; return down.map((k) => order(k).indexOf(g.at.get(k.key) ?? "not set")); };
  const names = [...rows.keys()].sort((a, b) => { const x = rank(a), y = rank(b), i = x.findIndex((v, k) => v !== y[k]); return i < 0 ? 0 : x[i] - y[i]; });
  const square = (r) => h("i", {class: "dot " + (STANDS[standOf(r)] || "v-norun"), title: `seed ${r.seed ?? "?"}: ${standOf(r)}${r.record && r.record.reason ? ", " + r.record.reason : ""}`});
  const later = (p) => h("i", {class: "dot " + (STANDS[p.state] || "v-norun"), title: `seed ${p.seed}: ${p.state}${p.reason ? ", " + p.reason : ""}${p.tries > 1 ? `, tried ${p.tries} times` : ""}`});
  const squares = (g) => [g.runs.map(square), (g.waiting || []).map(later)];
  const cell = (g) => h("td", null, !g ? h("span", {class: "none"}, "–") : g.runs.length ? h("button", {type: "button", title: g.name, onclick: () => drill(g)}, squares(g)) : squares(g));
  return h("div", {class: "card"}, h("h3", null, "Points"), h("p", {class: "note"}, `${Object.entries(count).map(([k, n]) => `${n} ${k}`).join(", ")}. A square is a run; a click shows its setting.`),
    h("div", {class: "scroll"}, h("table", {class: "points"}, h("thead", null, h("tr", null, h("th", null, across.word), columns.map((v) => h("th", {scope: "col"}, v)))),
      h("tbody", null, names.map((n) => h("tr", null, h("th", {scope: "row"}, n), columns.map((v) => cell(rows.get(n).get(v)))))))));
}

/* --- two keys --- */
function mapCard(S, drill) {
  const keys = S.keys.filter((k) => k.values.length > 1);
  if (keys.length < 2) return null;
  const state = {x: keys[1], y: keys[0], only: new Map(keys.map((k) => [k.key, k.values[0]]))};
  const at = () => {
    const cells = new Map();
    for (const g of S.groups) if (otherKeys(S, state.x, state.y).every((k) => g.at.get(k.key) === state.only.get(k.key))) cells.set(`${g.at.get(state.y.key)}\u0000${g.at.get(state.x.key)}`, g);
    return state.y.values.map((y) => state.x.values.map((x) => cells.get(`${y}\u0000${x}`) || null));
  };
  const draw = () => {
    const groups = at(), values = groups.map((row) => row.map((g) => (g ? settingValue(g, S.metric, S.when) : {n: 0, mean: null})));
    const text = values.map((row) => row.map((v) => (v.mean === null ? "" : num(v.mean)))), small = state.x.values.length <= 12;
    const axis = (k) => ({title: {text: escapeText(k.word), standoff: 6}, tickmode: "array", tickvals: k.values.map((_, i) => i), ticktext: k.values.map(escapeText), showgrid: false, zeroline: false, automargin: true, ticks: ""});
    const panel = panelOfMetric(S), whole = panel.hi > panel.lo && STATE.whole;
    const trace = {type: "heatmap", name: escapeText(S.metric), z: values.map((row) => row.map((v) => v.mean)), xgap: 1, ygap: 1, colorscale: VIRIDIS.map((c, i) => [i / (VIRIDIS.length - 1), c]), zmin: whole ? 0 : undefined, zmax: whole ? 1 : undefined, hoverongaps: false,
      text, texttemplate: small ? "%{text}" : undefined, customdata: groups.map((row, r) => row.map((g, c) => (g ? `${g.name}<br><b>${valueWords(values[r][c])}</b>` : ""))), hovertemplate: "%{customdata}<extra></extra>",
      colorbar: {thickness: 9, len: .9, outlinewidth: 0, ticklen: 3, nticks: 6, tickfont: {size: 10}, title: {text: escapeText(panel.unit), side: "right", font: {size: 11}}}};
    return Plotly.react(card.div, [trace], baseLayout({hovermode: "closest", dragmode: false, xaxis: axis(state.x), yaxis: axis(state.y)}), CONFIG).then(() => {
      if (!card.div.clicks) card.div.on("plotly_click", (e) => { const p = e.points[0], [r, c] = p.pointIndex || p.pointNumber, g = at()[r][c]; if (g) drill(g); });
      card.div.clicks = true;
    });
  };
  const pick = (label, which) => select(label, keys.map((k) => [k.key, k.word]), state[which].key, (id) => {
    const now = keys.find((k) => k.key === id), other = which === "x" ? "y" : "x";
    if (state[other] === now) state[other] = state[which];
    state[which] = now;
    rebuild();
  });
  const picks = h("span", {class: "picks"}), rebuild = () => {
    picks.replaceChildren(...(keys.length > 2 ? [pick("across", "x"), pick("up", "y"), ...otherKeys(S, state.x, state.y).map((k) => select(k.word, k.values.map((v) => [v, v]), state.only.get(k.key), (v) => { state.only.set(k.key, v); card.update(); }))] : []));
    if (card) card.update();
  };
  let card = null;
  rebuild();
  card = sweepCard(S, () => `${metricWords(S)} over ${state.x.word} and ${state.y.word}`, () => `The value ${whenWords(S)}, mean over seeds. A click on a cell shows its curves and runs.`, picks, draw, () => [[state.y.word, state.x.word, "quantity", "value", "mean", "seeds"],
    at().flatMap((row, r) => row.map((g, c) => { const v = g ? settingValue(g, S.metric, S.when) : {mean: null, n: 0}; return [state.y.values[r], state.x.values[c], S.metric, whenWords(S), v.mean, v.n]; }))], "map");
  return card.node;
}

/* --- what lies behind a cell --- */
function drillBox(S) {
  const box = h("div", {class: "drill"});
  let figures = [];
  const show = (g) => {
    const panel = panelOfMetric(S), names = g.panels.get(panel.id) || [];
    dropFigures(figures);
    const before = FIGURES.length;
    box.replaceChildren(h("div", {class: "card full"}, h("div", {class: "top"}, h("h3", null, g.name), h("button", {type: "button", class: "plain", onclick: () => { dropFigures(figures); figures = []; box.replaceChildren(); }}, "close")),
      h("p", {class: "note"}, `${metricWords(S)} ${whenWords(S)}: ${valueWords(settingValue(g, S.metric, S.when))}. `, h("a", {href: "#" + g.anchor}, "all figures of this setting")),
      names.length ? curveCard(g, panel, parted(names).map(([, l]) => l).find((l) => l.includes(S.metric)) || names, g.flow ? flowOpts(g) : {}) : null,
      h("div", {class: "scroll"}, h("table", {class: "num"}, h("thead", null, h("tr", null, ["Run", "State", "Steps", "Value", "Time"].map((t) => h("th", null, t)))),
        h("tbody", null, g.runs.map((r) => h("tr", null, h("td", null, `seed ${r.seed ?? "?"}`, h("span", {class: "src how"}, r.dir)), h("td", null, standOf(r)), h("td", null, r.record && r.record.steps ? `${r.record.steps_done ?? "?"} of ${r.record.steps}` : "–"),
          h("td", null, runValue(r, S.metric, S.when) === null ? "–" : num(runValue(r, S.metric, S.when))), h("td", null, r.record && r.record.seconds ? seconds(r.record.seconds) : "–"))))))));
    figures = FIGURES.slice(before);
    box.scrollIntoView({block: "nearest", behavior: "smooth"});
  };
  return {box, show};
}
