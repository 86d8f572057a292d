/* Metrics that are values at a place of the sequence or of the network: the
 * number that a name ends with is the horizontal axis, and the lines are steps
 * of training, or places. */
"use strict";
/* A colour between the ends of the ramp of maps, which are hard to see. */
function rampColour(share) {
  const stops = RAMP[STATE.dark ? "dark" : "light"].slice(1), at = (.12 + .88 * share) * (stops.length - 1), k = Math.min(Math.floor(at), stops.length - 2);
  const part = (hex, i) => parseInt(hex.slice(1 + 2 * i, 3 + 2 * i), 16);
  return "#" + [0, 1, 2].map((i) => Math.round(part(stops[k], i) + (part(stops[k + 1], i) - part(stops[k], i)) * (at - k)).toString(16).padStart(2, "0")).join("");
}
/* [[place, name], ...], ascending. */
function byPlace(names) {
  return names.map((n) => [Number(n.slice(n.lastIndexOf(".") + 1)), n]).filter(([at]) => Number.isFinite(at)).sort((a, b) => a[0] - b[0]);
}
/* n of the steps, the first and the last among them, denser at the beginning. */
function someSteps(steps, n) {
  if (steps.length <= n) return steps;
  const last = steps.length - 1;
  return [...new Set(Array.from({length: n}, (_, i) => Math.round(last * (i / (n - 1)) ** 1.6)))].map((i) => steps[i]);
}
/* Mean, lowest and highest over the seeds at that step; the last one: Infinity. */
function valueAt(group, name, step) {
  const p = pool(group, name), i = step === Infinity ? p.x.length - 1 : p.x.indexOf(step);
  return i < 0 ? {mean: null, lo: null, hi: null} : {mean: p.mean[i], lo: p.lo[i], hi: p.hi[i]};
}
/* The value of a key of a resolved configuration. */
function optionOf(group, key) {
  const m = new RegExp(`^ +${key}: (\\S+)`, "m").exec(group.runs[0].config || "");
  return m ? m[1] : "";
}
/* Solvers on the page, of the same systems: theory runs over positions whose
 * metric is a loss. One of each sort and number of steps; the plain ones are
 * drawn at once, the others wait in the legend. */
const PLAIN = ["gd", "prop2", "ridge", "kernel"];
function solverLines(group, places) {
  const last = places[places.length - 1], seen = new Set();
  return DATA.groups.filter((g) => g.theory && /^position/.test(g.axis) && g.runs.some((r) => r.series.loss) &&
    ["dim", "n_ctx", "system", "hidden"].every((key) => optionOf(g, key) === optionOf(group, key)) && !/-control-/.test(g.name)).map((g) => {
    const p = pool(g, "loss"), keep = p.x.map((x, i) => [x, p.mean[i]]).filter(([x]) => x >= 1 && x <= last), solver = optionOf(g, "solver"), steps = optionOf(g, "steps");
    return {solver, name: solver ? solver + (Number(steps) > 1 ? `, ${steps} steps` : "") : g.name, x: keep.map(([x]) => x), y: keep.map(([, y]) => y)};
  }).filter((s) => s.x.length > 1 && s.x[s.x.length - 1] === last && !seen.has(s.name) && seen.add(s.name))
    .map((s, k, all) => Object.assign(s, {shown: !s.solver || (PLAIN.includes(s.solver) && all.findIndex((o) => o.solver === s.solver) === k)}));
}

const PROFILE_AXIS = () => ({gridcolor: css("--grid"), linecolor: css("--line"), zeroline: false, automargin: true, ticks: "outside", ticklen: 4, tickcolor: css("--line")});
function profileLayout(across, up, log, whole) {
  return baseLayout({hovermode: "x unified", showlegend: true, margin: {l: 52, r: 12, t: 8, b: 30},
    legend: {orientation: "h", x: 0, y: -.22, yanchor: "top", font: {size: 11}, itemwidth: 30},
    xaxis: Object.assign(PROFILE_AXIS(), {title: {text: across, standoff: 8}, showgrid: false, nticks: 10, dtick: whole ? 1 : undefined}),
    yaxis: Object.assign(PROFILE_AXIS(), {title: {text: escapeText(up), standoff: 6}, type: log ? "log" : "linear", rangemode: "tozero", nticks: 6, exponentformat: "power"})});
}
/* A card with a choice of two scales above its plot. */
function profileCard(panel, title, note, group, traces, across, whole) {
  const div = plotBox(bareText(title), group.file || group.name, `${title} against ${across}, ${group.name}`), box = h("div", {class: "seg", role: "group", "aria-label": "Scale"});
  const state = {log: false}, draw = () => {
    const all = traces(), layout = profileLayout(across, panel.unit, state.log, whole);
    if (!state.log) layout.yaxis.range = fitted(...extent(all));
    return Plotly.react(div, all, layout, CONFIG);
  };
  segment(box, [["linear", "linear"], ["log", "log"]], "linear", (id) => { state.log = id === "log"; draw(); });
  figure(div, draw);
  return h("div", {class: "card"}, h("h3", null, title), note ? h("p", {class: "note"}, mathNodes(note)) : null, box, div);
}

function placeCard(group, panel, names) {
  const places = byPlace(names), x = places.map(([at]) => at), steps = someSteps(pool(group, places[0][1]).x, 7), many = group.runs.length > 1;
  return profileCard(panel, panel.title, panel.note, group, () => {
    const lines = steps.map((step, k) => {
      const v = places.map(([, n]) => valueAt(group, n, step)), last = k === steps.length - 1, colour = last ? css("--ink") : rampColour(steps.length > 1 ? k / (steps.length - 1) : 1);
      const line = {x, y: v.map((a) => a.mean), type: "scatter", mode: last ? "lines+markers" : "lines", marker: {size: 5}, name: `step ${num(step, 6)}`, line: {color: colour, width: last ? 2.4 : 1.6},
        text: v.map((a) => num(a.mean) + (many ? `  (${num(a.lo)} to ${num(a.hi)})` : "")), hovertemplate: "%{text}"};
      return last && many ? [...bandTraces(x, v.map((a) => a.lo), v.map((a) => a.hi), colour).map((b) => Object.assign(b, {showlegend: false})), line] : [line];
    }).flat();
    const spare = solverLines(group, x).map((s, k) => ({x: s.x, y: s.y, type: "scatter", mode: "lines", name: escapeText(s.name), visible: s.shown ? true : "legendonly", line: {color: SPARE[k % SPARE.length][STATE.dark ? 1 : 0], width: 1.6, dash: "dash"}, hovertemplate: "%{y:.3g}"}));
    return lines.concat(spare);
  }, "position in the sequence", false);
}

/* Settings of one task on one plot: the last losses by position, from the
 * highest at the end to the lowest, light to dark. */
function ladderCards(groups) {
  const panel = DATA.panels.find((p) => p.draw === "place"), tasks = new Map();
  for (const g of panel ? groups.filter((o) => o.panels.has(panel.id)) : []) {
    const places = byPlace(g.panels.get(panel.id));
    if (places.length < 2) continue;
    const key = JSON.stringify([places.map(([at]) => at), ["dim", "n_ctx", "system", "hidden", "tokens", "format"].map((k) => optionOf(g, k))]);
    if (!tasks.has(key)) tasks.set(key, []);
    tasks.get(key).push({g, places, last: valueAt(g, places[places.length - 1][1], Infinity).mean});
  }
  return [...tasks.values()].filter((all) => all.length > 1).map((all) => {
    all.sort((a, b) => b.last - a.last);
    const names = all.map(({g}) => g.name), x = all[0].places.map(([at]) => at);
    let common = 0;
    while (names.every((n) => n[common] !== undefined && n[common] === names[0][common])) common++;
    common = names[0].lastIndexOf("-", common - 1) + 1;
    return profileCard(Object.assign({}, panel), "Loss by position, all settings of a task", "At the end of training; light to dark from the highest loss at the last position to the lowest. Dashed: solvers on this page.", {name: names.join(", ")}, () =>
      all.map(({g, places}, k) => ({x, y: places.map(([, n]) => valueAt(g, n, Infinity).mean), type: "scatter", mode: "lines+markers", marker: {size: 4}, name: escapeText(g.name.slice(common)), visible: /-control-/.test(g.name) ? "legendonly" : true,
        line: {color: rampColour(k / (all.length - 1)), width: 2}, hovertemplate: "%{y:.3g}"}))
        .concat(solverLines(all[0].g, x).map((s, k) => ({x: s.x, y: s.y, type: "scatter", mode: "lines", name: escapeText(s.name), visible: s.shown ? true : "legendonly", line: {color: SPARE[k % SPARE.length][STATE.dark ? 1 : 0], width: 1.6, dash: "dash"}, hovertemplate: "%{y:.3g}"}))),
      "position in the sequence", false);
  });
}

/* linear_held.WHAT.DEPTH.PLACE: a card for each WHAT that differs by depth. */
function depthCards(group, panel, names) {
  const probes = new Map();
  for (const n of names) {
    const m = /^(linear|linear_held)\.(.+)\.(\d+)\.(\d+)$/.exec(n);
    if (!m) continue;
    if (!probes.has(m[2])) probes.set(m[2], new Map());
    const at = probes.get(m[2]), key = `${m[1]} ${m[4]}`;
    if (!at.has(key)) at.set(key, {held: m[1] === "linear_held", place: Number(m[4]), points: []});
    at.get(key).points.push([Number(m[3]), n]);
  }
  const title = {next: "The next state", current: "The state itself", solved: "The state behind the inverse that solves"};
  return [...probes].map(([what, at]) => {
    const back = /^token(\d+)$/.exec(what), lines = [...at.values()].sort((a, b) => a.place - b.place), places = [...new Set(lines.map((l) => l.place))];
    const words = back ? (back[1] === "0" ? "The token itself" : `The token ${back[1]} before`) : title[what] || what;
    return profileCard(panel, words, null, group, () => lines.map((l) => {
      const points = l.points.sort((a, b) => a[0] - b[0]), v = points.map(([, n]) => valueAt(group, n, Infinity));
      return {x: points.map(([d]) => d), y: v.map((a) => a.mean), type: "scatter", mode: l.held ? "lines+markers" : "lines", marker: {size: 5}, name: `position ${l.place}${l.held ? "" : ", fitted"}`,
        line: {color: rampColour(places.length > 1 ? places.indexOf(l.place) / (places.length - 1) : 1), width: l.held ? 2 : 1, dash: l.held ? "solid" : "dot"}, showlegend: l.held, hovertemplate: "%{y:.3g}"};
    }), "blocks passed", true);
  });
}

/* radius.DEPTH.SHARE, radius_null.DEPTH, radius_dimension.DEPTH: against depth
 * at the last step, and, where it was measured more than once, over training. */
function radiusCards(group, panel, names) {
  const of = (re) => names.map((n) => [re.exec(n), n]).filter(([m]) => m).map(([m, n]) => [Number(m[1]), n]).sort((a, b) => a[0] - b[0]);
  const width = Number(optionOf(group, "d_model")), star = Math.sqrt(width / (2 * Math.PI * Math.E)), all = of(/^radius\.(\d+)\.100$/);
  const last = (list, name, colour, dash, wide) => ({x: list.map(([d]) => d), y: list.map(([, n]) => valueAt(group, n, Infinity).mean), type: "scatter", mode: "lines+markers", marker: {size: wide ? 6 : 4}, name,
    line: {color: colour, width: wide ? 2.4 : 1.5, dash}, hovertemplate: "%{y:.3g}"});
  const level = (y, name) => ({x: all.map(([d]) => d), y: all.map(() => y), type: "scatter", mode: "lines", name, line: {color: css("--faint"), width: 1.3, dash: "dot"}, hovertemplate: "%{y:.3g}"});
  const byDepth = () => [25, 50, 75].map((s, k) => last(of(new RegExp(`^radius\\.(\\d+)\\.${s}$`)), `${s} %`, rampColour(k / 4), "solid")).concat(
    [last(all, "all", css("--ink"), "solid", true), last(of(/^radius_null\.(\d+)$/), "dealt out anew", "#b0529c", "dash")], width > 0 ? [level(star, "√(n / 2πe)")] : []);
  const cards = [profileCard(panel, panel.title, panel.note + " Dashed: with each coordinate dealt out anew.", group, byDepth, "depth: blocks passed, then the last norm", true)];
  const dims = of(/^radius_dimension\.(\d+)$/);
  if (all.length && pool(group, all[0][1]).x.length > 1)
    cards.push(profileCard(panel, "Radius as training goes on", "Among all sequences, a line a depth.", group, () => all.map(([d, n], k) => ({x: pool(group, n).x, y: pool(group, n).mean, type: "scatter", mode: "lines+markers", marker: {size: 4}, name: `depth ${d}`,
      line: {color: k === all.length - 1 ? css("--ink") : rampColour(k / all.length), width: 1.8}, hovertemplate: "%{y:.3g}"})), "training step", false));
  if (dims.length) cards.push(profileCard(Object.assign({}, panel, {unit: "dimension"}), "Dimension of the patterns", `D where the mean distance falls as a power −1/D of how many vectors there are; the stream has ${width || "many"}.`, group, () => [last(dims, "D", css("--ink"), "solid", true)], "depth: blocks passed, then the last norm", true));
  return cards;
}
