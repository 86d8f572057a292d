/* Sweeps: chosen settings beside one another, and laws of scaling. */
"use strict";

/* --- parallel axes: keys, then metrics; a line a setting --- */
const CHOSEN = 12; /* settings chosen at first, those of the best values */
function worthComparing(S) {
  const open = S.metrics.filter((n) => !DATA.quantities[n].off && !DATA.panels.find((p) => p.id === panelOf(S.groups[0], n)).fold);
  return [S.metric, ...open.filter((n) => n !== S.metric)].slice(0, 5);
}
function tableCard(S) {
  const lowIsGood = () => panelOfMetric(S).id === "loss" || /loss|kl/.test(S.metric);
  const ranked = () => [...S.groups].sort((a, b) => {
    const x = settingValue(a, S.metric, S.when).mean, y = settingValue(b, S.metric, S.when).mean;
    return x === null ? 1 : y === null ? -1 : lowIsGood() ? x - y : y - x;
  });
  const chosen = new Set(ranked().slice(0, CHOSEN)), body = h("tbody"), headRow = h("tr");
  const axes = () => [...S.keys.map((k) => ({name: k.word, at: (g) => keyX(k, g), text: (g) => String(g.at.get(k.key) ?? "not set"), log: k.log, ticks: k.values.map((v, i) => [k.x[i], v])})),
    ...worthComparing(S).map((n) => ({name: DATA.quantities[n].label.replace(/[_^]\{([^}]*)\}/g, " $1"), panel: DATA.panels.find((p) => p.id === panelOf(S.groups[0], n)).title, at: (g) => settingValue(g, n, S.when).mean, text: (g) => valueWords(settingValue(g, n, S.when)),
      brief: (g) => { const v = settingValue(g, n, S.when); return v.n ? [num(v.mean), v.n > 1 ? h("span", {class: "src how"}, `${num(v.lo)} to ${num(v.hi)}`) : null] : "–"; }}))];
  const draw = () => {
    const list = ranked().filter((g) => chosen.has(g)), dims = axes(), notes = [];
    const place = dims.map((d, i) => {
      const f = (v) => (d.log ? Math.log(v) : v), v = list.map(d.at).filter((x) => x !== null).map(f), lo = Math.min(...v), hi = Math.max(...v);
      const ends = d.ticks ? d.ticks.filter(([x]) => list.some((g) => d.at(g) === x)) : v.length ? [[d.log ? Math.exp(lo) : lo, num(lo)], ...(hi > lo ? [[hi, num(hi)]] : [])] : [];
      const at = (x) => (x === null ? null : hi > lo ? (f(x) - lo) / (hi - lo) : .5);
      const shown = ends.length > 9 ? [ends[0], ends[ends.length - 1]] : ends;
      for (const [x, text] of shown) notes.push({x: i, y: at(x), text: escapeText(text), showarrow: false, xanchor: "left", xshift: 4, font: {size: 10, color: css("--faint")}});
      return at;
    });
    const traces = list.map((g, k) => ({type: "scatter", mode: "lines+markers", x: dims.map((_, i) => i), y: dims.map((d, i) => place[i](d.at(g))), name: escapeText(g.name), marker: {size: 6}, line: {width: 2, color: rampAt(list.length > 1 ? k / (list.length - 1) : .3)},
      text: dims.map((d) => `${escapeText(d.name)}: ${escapeText(d.text(g))}`), hovertemplate: `%{text}<extra>${escapeText(g.name)}</extra>`}));
    return Plotly.react(card.div, traces, baseLayout({hovermode: "closest", margin: {l: 20, r: 60, t: 12, b: 54}, annotations: notes, dragmode: false,
      xaxis: {tickmode: "array", tickvals: dims.map((_, i) => i), ticktext: dims.map((d) => escapeText(d.name) + (d.panel ? `<br><span style="font-size:10px">${escapeText(d.panel)}</span>` : "")), gridcolor: css("--line"), gridwidth: 1, zeroline: false, range: [-.1, dims.length - .75], fixedrange: true},
      yaxis: {visible: false, range: [-.06, 1.06], fixedrange: true}}), CONFIG);
  };
  const fill = () => {
    const dims = axes();
    headRow.replaceChildren(h("th", null, ""), h("th", null, "Setting"), ...dims.slice(S.keys.length).map((d) => h("th", null, d.name, h("span", {class: "src how"}, d.panel))), h("th", null, "Runs"));
    body.replaceChildren(...ranked().map((g) => h("tr", null, h("td", null, h("input", {type: "checkbox", checked: chosen.has(g), "aria-label": `Compare ${g.name}`, onchange: (e) => { if (e.target.checked) chosen.add(g); else chosen.delete(g); again(card.f); }})),
      h("td", {class: "name"}, h("a", {href: "#" + g.anchor}, g.name)), dims.slice(S.keys.length).map((d) => h("td", null, d.brief(g))), h("td", null, String(g.runs.length)))));
  };
  const table = () => [[...S.keys.map((k) => k.word), ...worthComparing(S).flatMap((n) => [n, `${n}_min`, `${n}_max`]), "seeds"],
    ranked().filter((g) => chosen.has(g)).map((g) => [...S.keys.map((k) => g.at.get(k.key)), ...worthComparing(S).flatMap((n) => { const v = settingValue(g, n, S.when); return [v.mean, v.lo, v.hi]; }), g.runs.length])];
  const card = sweepCard(S, () => "Settings beside one another", () => `A line is a chosen setting, from violet (best ${DATA.quantities[S.metric].label} ${whenWords(S)}) to green; each axis from its lowest to its highest value here.`, [
    h("button", {type: "button", class: "plain", onclick: () => { for (const g of S.groups) chosen.add(g); fill(); card.update(); }}, "all"),
    h("button", {type: "button", class: "plain", onclick: () => { chosen.clear(); fill(); card.update(); }}, "none")], draw, table);
  S.listeners.push(fill);
  fill();
  card.node.append(h("div", {class: "scroll tall"}, h("table", {class: "num"}, h("thead", null, headRow), body)));
  card.node.classList.add("full");
  return card.node;
}

/* --- a power law of a size, fitted by engram itself (aggregate.h) --- */
/* "b=1 a=2" in one order, whichever it came in. */
function inOrder(label) {
  return label.split(" ").filter(Boolean).sort().join(" ");
}
function scalingCard(S) {
  const sized = S.keys.filter((k) => S.laws[k.key]);
  if (!sized.length) return null;
  const state = {of: sized[0]};
  /* [{name, groups, law}], a line for each combination of the other keys */
  const lines = () => {
    const all = ((S.laws[state.of.key] || {})[S.metric] || {})[S.when] || [], {rest, lines: along} = linesAlong(S, state.of);
    return along.map(([name, groups]) => ({name, groups: groups.filter((g) => settingValue(g, S.metric, S.when).mean > 0),
      law: all.find((l) => inOrder(l.label) === inOrder(rest.map((k) => `${k.key}=${groups[0].at.get(k.key)}`).join(" "))) || {why: "no law was fitted", slope: null}}));
  };
  const says = h("ul", {class: "laws"});
  const draw = () => {
    const all = lines(), traces = all.flatMap(({name, groups, law}, k) => {
      const colour = all.length > 1 ? rampAt(k / (all.length - 1)) : css("--accent"), x = groups.map((g) => keyX(state.of, g)), values = groups.map((g) => settingValue(g, S.metric, S.when));
      const measured = {x, y: values.map((v) => v.mean), type: "scatter", mode: "markers", name: escapeText(name || "measured"), marker: {size: 8, color: colour}, error_y: spreadBars(values, colour, S.bars), hovertemplate: "%{y:.4g}"};
      return law.slope === null ? [measured] : [measured, {x, y: x.map((s) => law.factor * s ** law.slope), type: "scatter", mode: "lines", name: `∝ ${escapeText(state.of.word)}^${num(law.slope)}`, line: {color: colour, width: 1.6, dash: "dash"}, hoverinfo: "skip"}];
    });
    says.replaceChildren(...all.map(({name, law}) => h("li", null, name ? name + ": " : "", law.slope === null ? law.why : [`${num(law.factor)} × ${state.of.word} to the power ${num(law.slope)}`,
      law.low === null ? " (no interval: one run a size)" : `, 95 % interval ${num(law.low)} to ${num(law.high)}`, `, ${law.n} runs`])));
    const layout = profileLayout(state.of.word, panelOfMetric(S).unit, true, false);
    Object.assign(layout.xaxis, keyAxis(state.of), {type: "log", dtick: undefined});
    layout.yaxis.rangemode = "normal";
    layout.hovermode = "closest";
    layout.showlegend = traces.length <= 8; /* more are told below */
    return Plotly.react(card.div, traces, layout, CONFIG);
  };
  const tools = sized.length > 1 ? select("size", sized.map((k) => [k.key, k.word]), state.of.key, (id) => { state.of = sized.find((k) => k.key === id); card.update(); }) : null;
  const card = sweepCard(S, () => `${metricWords(S)}: scaling with ${state.of.word}`, () => `Least squares on logarithms of all runs; interval of the exponent: percentiles of ${S.draws} bootstrap draws of the runs of each size.`, tools, draw,
    () => [["of", state.of.word, "quantity", "value", "mean", "min", "max", "seeds", "law_factor", "law_exponent", "exponent_low", "exponent_high"], lines().flatMap(({name, groups, law}) => groups.map((g) => {
      const v = settingValue(g, S.metric, S.when);
      return [name, keyX(state.of, g), S.metric, whenWords(S), v.mean, v.lo, v.hi, v.n, law.factor, law.slope, law.low, law.high];
    }))]);
  card.node.append(says);
  return card.node;
}

/* --- the section of a sweep --- */
function sweepSection(S) {
  const drill = drillBox(S), runs = S.groups.reduce((n, g) => n + g.runs.length, 0);
  const words = S.keys.map((k) => `${k.word}: ${k.values.length > 8 ? `${k.values.length} values from ${k.values[0]} to ${k.values[k.values.length - 1]}` : k.values.join(", ")}`).join(" · ");
  const cards = [overlayCard(S), versusCard(S), mapCard(S, drill.show), scalingCard(S), gridCard(S, drill.show)].filter(Boolean);
  return h("section", {id: S.anchor, class: "sweep"}, h("div", {class: "head"}, h("h2", null, DATA.groups.length === S.groups.length ? "All settings" : S.name),
    h("span", {class: "meta"}, `${S.groups.length} settings, ${runs} runs · ${words}`)), metricSelect(S), h("div", {class: "grid"}, cards), drill.box, h("div", {class: "grid"}, tableCard(S)));
}
function sweepSections() {
  const names = new Map();
  for (const g of DATA.groups) {
    if (!g.panels.size || g.theory) continue;
    if (!names.has(g.run_name)) names.set(g.run_name, []);
    names.get(g.run_name).push(g);
  }
  for (const [name, groups] of names)
    if ((groups.length > 1 && groups[0].differs) || plansOf(groups).some((s) => s.axes.some((a) => a.values.length > 1))) document.getElementById("sweeps").append(sweepSection(makeSweep(name, groups)));
}
