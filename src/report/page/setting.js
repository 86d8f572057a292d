/* A setting: its runs, their figures, and what is known about them. */
"use strict";

/* In theory runs NAME_sd is the spread of NAME, drawn as its error bar. */
function spreadOf(g, name) {
  return g.theory && name.endsWith("_sd") && g.runs.some((r) => r.series[name.slice(0, -3)]);
}
/* Panels of flows are for flows; elsewhere the same names stand alone. */
function panelOf(g, name) {
  const id = DATA.quantities[name].panel;
  return !g.flow && DATA.panels.find((p) => p.id === id).flow ? "other" : id;
}
function prepareGroups() {
  const used = new Set();
  for (const g of DATA.groups) {
    g.anchor = slug(g.name);
    g.file = g.name.startsWith(g.run_name) ? g.name : `${g.run_name} ${g.name}`;
    if (g.flow) g.clock = flowClock(g);
    while (used.has(g.anchor)) g.anchor += "-x";
    used.add(g.anchor);
    g.panels = new Map();
    const names = new Set(g.runs.flatMap((r) => Object.keys(r.series)));
    for (const p of DATA.panels) {
      const own = [...names].filter((n) => panelOf(g, n) === p.id)
        .filter((n) => pool(g, n).mean.some((v) => v !== null) || g.runs.some((r) => r.bad[n]));
      own.sort((a, b) => DATA.quantities[a].order - DATA.quantities[b].order || a.localeCompare(b));
      const shown = own.filter((n) => !spreadOf(g, n));
      if (shown.length) g.panels.set(p.id, shown);
    }
  }
}
function metaLine(g) {
  const rec = g.runs.map((r) => r.record).filter(Boolean), seeds = g.runs.map((r) => r.seed).filter((s) => s !== null);
  const states = [...new Set(rec.map((r) => r.status).filter(Boolean))];
  const speed = rec.map((r) => r.tokens_per_s).filter((v) => v > 0);
  return [seeds.length === 1 ? `seed ${seeds[0]}` : seeds.length ? `${seeds.length} seeds (${seeds.length > 5 ? seeds[0] + " to " + seeds[seeds.length - 1] : seeds.join(", ")})` : `${g.runs.length} run${g.runs.length > 1 ? "s" : ""}`,
    g.theory ? "theory" : g.flow ? "flow" : rec[0] && rec[0].steps ? `${rec[0].steps_done ?? "?"} of ${rec[0].steps} steps` : null,
    states.length ? states.join(", ") : null,
    speed.length ? `${num(speed.reduce((a, b) => a + b, 0) / speed.length)} tokens/s` : null,
    rec[0] && rec[0].precision, rec[0] && rec[0].kernels].filter(Boolean).join(" · ");
}
/* First step at which each seed reaches a share, as mean and range. */
function milestones(g) {
  const names = [...g.panels].filter(([id]) => { const p = DATA.panels.find((x) => x.id === id); return p.lo === 0 && p.hi === 1; })
    .flatMap(([, list]) => list).filter((n) => !n.startsWith("repeat_"));
  if (g.theory || g.flow || !names.length) return null;
  const reach = (name, share) => {
    const steps = [];
    let all = 0;
    for (const r of g.runs) {
      const s = r.series[name];
      if (!s) continue;
      all++;
      const i = s[1].findIndex((v) => v !== null && v >= share);
      if (i >= 0) steps.push(r.axes[s[0]][i]);
    }
    if (!steps.length) return h("span", {class: "none"}, "not reached");
    const m = steps.reduce((a, b) => a + b, 0) / steps.length, lo = Math.min(...steps), hi = Math.max(...steps);
    return num(m) + (hi > lo ? ` (${lo} to ${hi})` : "") + (steps.length < all ? `, ${steps.length} of ${all} seeds` : "");
  };
  return fold("Steps to reach 50 % and 90 %", "first measurement at or above, mean (range) over seeds", h("div", {class: "scroll"}, h("table", {class: "num"},
    h("thead", null, h("tr", null, h("th", null, "Quantity"), h("th", null, "50 %"), h("th", null, "90 %"), h("th", null, "At the end"))),
    h("tbody", null, names.map((n) => h("tr", null, h("td", null, mathNodes(DATA.quantities[n].label), h("span", {class: "none"}, "  " + DATA.panels.find((p) => p.id === DATA.quantities[n].panel).title.toLowerCase())),
      h("td", null, reach(n, .5)), h("td", null, reach(n, .9)), h("td", null, lastText(g, n))))))));
}
function recordTable(g) {
  const show = {version: "version", commit: "commit", machine: "machine", cpu_features: "CPU features", kernels: "kernels", precision: "precision", threads: "threads",
    n_params: "parameters", n_trained: "trained", start: "start", end: "end", seconds: "duration", tokens_per_s: "tokens per second",
    memory_announced_bytes: "memory announced", memory_peak_bytes: "memory, peak", status: "status", reason: "reason", tags: "tags", note: "note"};
  const text = (k, v) => k === "seconds" ? seconds(v) : k.endsWith("_bytes") ? bytes(v) : k === "start" || k === "end" ? date(v) : plain(v);
  const rows = [];
  for (const [k, name] of Object.entries(show)) {
    const vals = g.runs.map((r) => (r.record && r.record[k] !== undefined && r.record[k] !== "" && r.record[k] !== 0 ? text(k, r.record[k]) : ""));
    const uniq = [...new Set(vals)];
    if (uniq.length === 1 && uniq[0] === "") continue;
    rows.push(h("tr", null, h("td", null, name), uniq.length === 1 ? h("td", {colspan: g.runs.length}, uniq[0]) : vals.map((v) => h("td", null, v || "–"))));
  }
  if (!rows.length) return null;
  return h("div", {class: "scroll"}, h("table", null, h("thead", null, h("tr", null, h("th"), g.runs.map((r, i) => h("th", null, r.seed === null ? `run ${i + 1}` : `seed ${r.seed}`)))), h("tbody", null, rows)));
}
/* Bars of the time of each op, forward and back, largest first. */
function profilePart(g) {
  const run = g.runs.find((r) => r.profile), p = run && run.profile;
  if (!p || !p.rows.length) return null;
  const ops = new Map();
  for (const r of p.rows) {
    const key = r.op < 0 ? r.what : `${r.op}`;
    if (!ops.has(key)) ops.set(key, {name: r.op < 0 ? r.what : `${r.what} ${r.value || `#${r.op}`}`, share: 0, part: {}, tip: []});
    const o = ops.get(key), way = r.direction || "beside";
    o.share += r.share;
    o.part[way] = (o.part[way] || 0) + r.share;
    o.tip.push(`${way}: ${num(100 * r.share)} %` + (r.gflops ? `, ${num(r.gflops)} GFLOP/s a thread` : "") + (r.of_peak ? `, ${num(100 * r.of_peak)} % of the peak` : ""));
  }
  const all = [...ops.values()].sort((a, b) => b.share - a.share), shown = all.slice(0, 24), rest = all.slice(24).reduce((s, o) => s + o.share, 0);
  const known = all.reduce((s, o) => s + o.share, 0);
  if (rest > 0) shown.push({name: `${all.length - 24} more`, part: {beside: rest}, share: rest, tip: []});
  if (known < 1) shown.push({name: "waiting, and the rest", part: {beside: 1 - known}, share: 1 - known, tip: []});
  const top = Math.max(...shown.map((o) => o.share));
  return fold("Where the time goes", `share of ${num(1000 * p.seconds / p.threads / p.steps)} ms a step on ${p.threads} threads${p.ranks > 1 ? ` of one of ${p.ranks} ranks` : ""}, kernels ${p.kernels}; forward, then backward`,
    h("div", {class: "bars"}, shown.map((o) => [h("span", null, o.name),
      h("div", {class: "share", title: o.tip.join("\n")}, ["forward", "backward", "beside"].filter((w) => o.part[w]).map((w) => h("i", {class: w, style: `width:${100 * o.part[w] / top}%`}))),
      h("span", null, `${(100 * o.share).toFixed(1)} %`)])));
}
function command(text) {
  const b = h("button", {type: "button", onclick: async () => {
    try { await navigator.clipboard.writeText(text); b.textContent = "copied"; } catch { b.textContent = "select it"; }
  }}, "copy");
  return h("div", {class: "cmdline"}, h("pre", {class: "cmd"}, text), b);
}
/* A panel of many groups: what is of all of them at once, the groups behind a
 * fold. */
function openOrParts(g, panel, names, extra, open, folded) {
  const [first, ...groups] = parted(names);
  open.push(curveCard(g, panel, first[1], first[0] ? Object.assign({title: `${panel.title}: ${first[0]}`}, extra) : extra));
  if (groups.length)
    folded.push(lazyFold({}, foldTitle(`${panel.title} by group`, `${groups.length} groups, each with its floor where that is known`),
      () => h("div", {class: "grid small"}, groups.map(([name, list]) => curveCard(g, Object.assign({}, panel, {note: ""}), list, Object.assign({title: `${panel.title}: ${name}`, small: true}, extra))))));
}
/* Everything below the heading. */
function settingBody(g) {
  const extra = g.theory ? theoryOpts(g) : g.flow ? flowOpts(g) : {};
  const open = [], folded = [], maps = phaseMaps(g), mapped = new Set([...maps.values()].flat().map(([, n]) => n));
  for (const [name, list] of maps) open.push(phaseCard(g, name, list, !open.length));
  const grid = surfaceGrid(g);
  if (grid) grid.names.forEach((name) => open.push(surfaceCard(g, grid, name)));
  for (const p of DATA.panels) {
    if (!g.panels.has(p.id) || grid) continue;
    const names = g.panels.get(p.id), card = () => curveCard(g, p, names, extra);
    if (p.draw === "place" && !g.theory && byPlace(names).length) open.push(placeCard(g, p, names));
    else if (p.draw === "radius" && !g.theory) open.push(...radiusCards(g, p, names));
    else if (p.draw === "depth") folded.push(fold(p.title, "fitted by least squares at each position", h("p", {class: "note"}, p.note), h("div", {class: "grid"}, depthCards(g, p, names))));
    else if (g.theory && p.id === "other") names.filter((n) => !mapped.has(n)).forEach((n) => open.push(curveCard(g, p, [n], Object.assign({title: DATA.quantities[n].label, unit: "value"}, extra))));
    else if (p.fold && !g.theory) folded.push(lazyFold({}, foldTitle(p.title, names.length > 1 ? `${names.length} curves` : ""), card));
    else openOrParts(g, p, names, extra, open, folded);
  }
  const problems = g.runs.flatMap((r) => [...r.problems.map((p) => (g.runs.length > 1 ? `seed ${r.seed ?? "?"}: ` : "") + p),
    ...(r.record && r.record.status && !["finished", "running"].includes(r.record.status) ? [`seed ${r.seed ?? "?"}: ${r.record.status}${r.record.reason ? ": " + r.record.reason : ""}`] : [])]);
  const thin = Math.max(...g.runs.map((r) => r.thin));
  const empty = !g.panels.size ? h("p", {class: "note"}, "No measurements in this run.") : null;
  return [g.help ? h("p", {class: "note", style: "margin:-.4rem 0 1rem"}, g.help) : null,
    warning(problems, g.runs.length > 1 ? "In these runs:" : "In this run:"), empty,
    g.tokens ? flowSection(g, open) : h("div", {class: "grid"}, open), thin > 1 ? h("p", {class: "note"}, `Long curves: after the first ${g.runs[0].head} points every ${thin}th is drawn.`) : null,
    g.maps && g.maps.length ? heatSection(g) : null, milestones(g), profilePart(g), folded,
    fold("Configuration, machine, timings", "and how to run it again",
      g.runs[0].config !== null ? [h("h3", null, "Run it again"), command(`engram run ${g.runs[0].dir.replace(/[^A-Za-z0-9_\/.-]/g, "\\$&")}/config.yaml`)] : null,
      h("h3", {style: "margin-top:1rem"}, "Record"), recordTable(g) || h("p", {class: "note"}, "No record was found."),
      g.runs[0].config !== null ? [h("h3", {style: "margin-top:1rem"}, `Configuration${g.runs.length > 1 ? " (first seed)" : ""}`), h("pre", null, g.runs[0].config)] : null,
      h("p", {class: "note"}, g.runs.map((r) => r.dir).join("   ")))];
}
function settingSection(g, folded) {
  const head = [h("h2", null, g.name), h("span", {class: "meta"}, metaLine(g))];
  return h("section", {id: g.anchor, class: folded ? "folded" : null}, folded ? lazyFold({class: "setting"}, [head, stateChip(g)], () => settingBody(g)) : [h("div", {class: "head"}, head), settingBody(g)]);
}
/* What is wrong with a setting that is folded. */
function stateChip(g) {
  const odd = g.runs.filter((r) => r.record && r.record.status && !["finished", "running"].includes(r.record.status)).map((r) => r.record.status);
  const bad = g.runs.some((r) => r.problems.length);
  return odd.length || bad ? h("span", {class: "chip v-fails"}, odd.length ? [...new Set(odd)].join(", ") : "damaged") : null;
}


