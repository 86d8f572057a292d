/* The page itself: header, verdicts, groups of runs, footer. */
"use strict";
const VERDICT = {
  "holds": ["v-holds", "✓", "holds", "hold"],
  "refuted": ["v-refuted", "≠", "refuted", "refuted as expected"],
  "fails": ["v-fails", "✕", "fails", "fail"],
  "not run": ["v-norun", "–", "not run", "not run"],
};
function verdictOf(claim) {
  return VERDICT[claim.verdict] ? claim.verdict : "not run";
}
function chip(v) {
  const [cls, icon, text] = VERDICT[v];
  return h("span", {class: `chip ${cls}`}, h("span", {"aria-hidden": "true"}, icon), text);
}
/* Claims may hold numbers, texts, lists or objects anywhere. */
function plain(x) {
  if (x === null || x === undefined || x === "") return "";
  if (typeof x === "number") return num(x, 4);
  if (Array.isArray(x)) return x.map(plain).join(", ");
  if (typeof x === "object") return Object.entries(x).map(([k, v]) => `${k} ${plain(v)}`).join("; ");
  return String(x);
}
function date(iso) {
  const t = new Date(iso);
  return Number.isNaN(t.getTime()) ? String(iso || "") : t.toISOString().replace("T", " ").slice(0, 16) + " UTC";
}
function warning(lines, title) {
  return lines.length ? h("div", {class: "warn", role: "note"}, title, lines.length === 1 ? " " + lines[0] : h("ul", null, lines.map((l) => h("li", null, l)))) : null;
}

function headerPart(pickVerdict) {
  const n = {};
  for (const c of DATA.claims) n[verdictOf(c)] = (n[verdictOf(c)] || 0) + 1;
  const runs = DATA.groups.reduce((s, g) => s + g.runs.length, 0);
  const machines = new Set(DATA.groups.flatMap((g) => g.runs).map((r) => r.record && r.record.machine).filter(Boolean));
  const fact = (k, v) => (v ? h("li", null, k + " ", h("b", null, v)) : null);
  const host = document.getElementById("top");
  const count = (k, one, many) => `${k} ${k === 1 ? one : many}`;
  host.append(h("h1", null, DATA.title),
   
    h("p", {class: "lede"}, [DATA.claims.length ? count(DATA.claims.length, "claim", "claims") + " judged on" : "Report of", " ",
      count(runs, "run", "runs") + (DATA.groups.length !== runs ? ` in ${count(DATA.groups.length, "setting", "settings")}` : ""),
      ". Lines are means over seeds, bands their spread; every colour means the same quantity on the whole page."].join("")),
    h("ul", {class: "facts"}, fact("made", date(DATA.generated)), fact("engram", `${DATA.version} (${DATA.commit})`),
      fact("machine", machines.size ? [...machines].join("; ") : DATA.machine)));
  if (DATA.claims.length)
    host.append(h("div", {class: "tiles"}, Object.keys(VERDICT).map((v) => {
      const [cls, icon, one, many] = VERDICT[v], k = n[v] || 0;
      return h("button", {type: "button", class: `tile ${cls}${k ? "" : " zero"}`, onclick: () => pickVerdict(v)},
        h("b", null, h("i", {"aria-hidden": "true"}, icon), String(k)), h("span", null, v === "refuted" || k !== 1 ? many : one));
    })));
  const notes = warning(DATA.problems, "Not everything could be read:");
  if (notes) document.getElementById("notices").append(notes);
  if (!HAS_PLOTLY)
    document.getElementById("notices").append(h("div", {class: "warn"}, "Figures need the plotting library, which this build of engram does not carry: run npm ci and build again. Verdicts and data are complete."));
}

/* --- the table of verdicts --- */
const COLUMNS = [
  ["Verdict", (c) => Object.keys(VERDICT).indexOf(verdictOf(c))],
  ["Claim", (c) => plain(c.id)], ["Measured", (c) => c.measured],
  ["Expected", (c) => c.expected], ["Seeds", (c) => c.seeds],
  ["Time", (c) => c.seconds], ["Run", (c) => plain(c.run)],
];
function runLink(claim) {
  const names = (Array.isArray(claim.run) ? claim.run : [claim.run]).filter((r) => typeof r === "string" && r);
  if (!names.length) return h("span", {class: "none"}, "none");
  const nodes = names.slice(0, 4).flatMap((name, i) => {
    const g = DATA.groups.find((x) => x.name === name || x.run_name === name || x.runs.some((r) => r.dir === name || r.dir.endsWith("/" + name)));
    return [i ? ", " : "", g ? h("a", {href: "#" + g.anchor, title: name}, g.name) : name.split("/").slice(-2).join("/")];
  });
  return h("span", null, nodes, names.length > 4 ? ` and ${names.length - 4} more` : "");
}
function seedsText(c) {
  if (Array.isArray(c.seeds)) return c.seeds.length > 4 ? `${c.seeds.length}: ${c.seeds[0]} to ${c.seeds[c.seeds.length - 1]}` : c.seeds.join(", ");
  return plain(c.seeds);
}
/* Range over seeds, and what the control measured or why there is none. */
function spreadText(c) {
  const lines = [], s = c.spread;
  if (s && typeof s.min === "number" && typeof s.max === "number" && s.max > s.min) lines.push(`${num(s.min)} to ${num(s.max)}`);
  if (typeof c.control === "number") lines.push(`control ${num(c.control)}`);
  else if (c.no_control) lines.push("control: " + plain(c.no_control));
  return lines.map((l) => h("span", {class: "src how"}, l));
}
/* W_O^2 and w_E in a sentence, as mathNodes reads them. */
function indices(text) {
  return text.replace(/\b([A-Za-z])_([A-Za-z0-9])\^([A-Za-z0-9])/g, "$1_{$2}^{$3}").replace(/\b([A-Za-z])_([A-Za-z0-9])\b/g, "$1_{$2}");
}
/* A tolerance is often a number and its reason, "0.03: ...". */
function toleranceParts(c) {
  const text = plain(c.tolerance), m = /^([−\d.][^:\s]*)(?::\s*(.*))?$/s.exec(text);
  if (!m) return {number: "", why: text};
  return {number: Number(m[1].replace("−", "-")) === 0 ? "" : "± " + m[1], why: m[2] || ""};
}
function claimRow(c) {
  const or = (x) => (x === "" ? h("span", {class: "none"}, "–") : x);
  const cell = (label, ...kids) => h("td", {"data-label": label}, kids);
  const tol = toleranceParts(c), how = [];
  if (c.measure) how.push(h("span", {class: "src how"}, "measured: ", h("code", null, plain(c.measure))));
  if (tol.why) how.push(h("span", {class: "src how"}, "tolerance: " + tol.why));
  return h("tr", {"data-verdict": verdictOf(c)},
    cell("Verdict", chip(verdictOf(c))),
    cell("Claim", h("span", {class: "say"}, mathNodes(indices(plain(c.statement) || plain(c.id)))), h("span", {class: "id"}, plain(c.id)), h("span", {class: "src"}, c.source ? "  " + plain(c.source) : ""),
      c.note ? h("span", {class: "how"}, plain(c.note)) : null,
      how.length ? h("details", {class: "more"}, h("summary", null, "how it was judged"), how) : null),
    cell("Measured", or(plain(c.measured)), spreadText(c)),
    cell("Expected", or(plain(c.expected).replace("<=", "≤").replace(">=", "≥")), tol.number ? h("span", {class: "src how"}, tol.number) : ""),
    cell("Seeds", or(seedsText(c))), cell("Time", or(typeof c.seconds === "number" ? seconds(c.seconds) : "")), cell("Run", runLink(c)));
}
function verdictsPart() {
  const host = document.getElementById("verdicts");
  if (!DATA.claims.length) return () => {};
  host.hidden = false;
  const rows = DATA.claims.map((c) => ({c, row: claimRow(c), said: plain(c.statement).toLowerCase()}));
  const body = h("tbody", null, rows.map((r) => r.row)), count = h("span", {class: "count"});
  const seg = h("div", {class: "seg", role: "group", "aria-label": "Verdict"});
  let wanted = "", text = "";
  const filter = () => {
    let k = 0;
    for (const r of rows) {
      const ok = (!wanted || verdictOf(r.c) === wanted) && (!text || r.said.includes(text) || r.row.textContent.toLowerCase().includes(text));
      r.row.hidden = !ok;
      r.row.style.display = ok ? "" : "none";
      k += ok;
    }
    count.textContent = k === rows.length ? "" : `${k} of ${rows.length} shown`;
  };
  const present = Object.keys(VERDICT).filter((v) => rows.some((r) => verdictOf(r.c) === v));
  segment(seg, [["", "all"], ...present.map((v) => [v, VERDICT[v][2]])], "", (id) => { wanted = id; filter(); });
  const heads = COLUMNS.map(([name, key], i) => {
    const th = h("th", {scope: "col"}, h("button", {type: "button", onclick: () => {
      const up = th.getAttribute("aria-sort") !== "ascending";
      for (const t of heads) t.removeAttribute("aria-sort");
      th.setAttribute("aria-sort", up ? "ascending" : "descending");
      rows.sort((a, b) => {
        const x = key(a.c), y = key(b.c);
        const d = typeof x === "number" && typeof y === "number" ? x - y : plain(x).localeCompare(plain(y), "en", {numeric: true});
        return up ? d : -d;
      });
      body.replaceChildren(...rows.map((r) => r.row));
    }}, name));
    return th;
  });
  host.append(h("div", {class: "head"}, h("h2", null, "Verdicts"), h("span", {class: "meta"}, "refuted: shown wrong where that was expected, which counts as success")),
    h("div", {class: "filter"}, present.length > 1 ? seg : null,
      h("input", {type: "search", placeholder: "Find a claim", "aria-label": "Find a claim", oninput: (e) => { text = e.target.value.toLowerCase(); filter(); }}), count),
    h("div", {class: "wrap"}, h("table", {class: "claims"}, h("thead", null, h("tr", null, heads)), body)));
  return (v) => {
    const b = [...seg.children].find((x) => x.dataset.id === v) || seg.children[0];
    if (present.length > 1) b.click();
    host.scrollIntoView();
  };
}

/* --- groups --- */

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
function fold(title, extra, ...inside) {
  return h("details", {ontoggle: (e) => { if (e.target.open) for (const d of e.target.querySelectorAll(".plot")) if (d.figure && d.figure.stale) drawFigure(d.figure); }},
    h("summary", null, title, extra ? h("span", null, "  " + extra) : null), h("div", {class: "in"}, inside));
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
    memory_announced_bytes: "memory announced", memory_peak_bytes: "memory, peak", status: "status", reason: "reason"};
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
  return fold("Where the time goes", `share of ${num(1000 * p.seconds / p.threads / p.steps)} ms a step on ${p.threads} threads, kernels ${p.kernels}; forward, then backward`,
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
function groupPart(g) {
  const extra = g.theory ? theoryOpts(g) : g.flow ? flowOpts(g) : {};
  const open = [], folded = [], maps = phaseMaps(g), mapped = new Set([...maps.values()].flat().map(([, n]) => n));
  for (const [name, list] of maps) open.push(phaseCard(g, name, list));
  const grid = surfaceGrid(g);
  if (grid) grid.names.forEach((name) => open.push(surfaceCard(g, grid, name)));
  for (const p of DATA.panels) {
    if (!g.panels.has(p.id) || grid) continue;
    const names = g.panels.get(p.id), card = () => curveCard(g, p, names, Object.assign({}, extra, p.hi > p.lo ? {} : {free: g.flow || p.id === "other" || p.id === "kl"}));
    if (p.draw === "place" && !g.theory && byPlace(names).length) open.push(placeCard(g, p, names));
    else if (p.draw === "radius" && !g.theory) open.push(...radiusCards(g, p, names));
    else if (p.draw === "depth") folded.push(fold(p.title, "fitted by least squares at each position", h("p", {class: "note"}, p.note), h("div", {class: "grid"}, depthCards(g, p, names))));
    else if (g.theory && p.id === "other") names.filter((n) => !mapped.has(n)).forEach((n) => open.push(curveCard(g, p, [n], Object.assign({free: true, title: DATA.quantities[n].label, unit: "value"}, extra))));
    else if (p.fold && !g.theory) folded.push(fold(p.title, names.length > 1 ? `${names.length} curves` : "", card()));
    else open.push(card());
  }
  const problems = g.runs.flatMap((r) => [...r.problems.map((p) => (g.runs.length > 1 ? `seed ${r.seed ?? "?"}: ` : "") + p),
    ...(r.record && r.record.status && !["finished", "running"].includes(r.record.status) ? [`seed ${r.seed ?? "?"}: ${r.record.status}${r.record.reason ? ": " + r.record.reason : ""}`] : [])]);
  const thin = Math.max(...g.runs.map((r) => r.thin));
  const empty = !g.panels.size ? h("p", {class: "note"}, "No measurements in this run.") : null;
  return h("section", {id: g.anchor}, h("div", {class: "head"}, h("h2", null, g.name), h("span", {class: "meta"}, metaLine(g))),
    g.help ? h("p", {class: "note", style: "margin:-.4rem 0 1rem"}, g.help) : null,
    warning(problems, g.runs.length > 1 ? "In these runs:" : "In this run:"), empty,
    g.tokens ? flowSection(g, open) : h("div", {class: "grid"}, open), thin > 1 ? h("p", {class: "note"}, `Long curves: after the first 200 points every ${thin}th is drawn.`) : null,
    g.maps && g.maps.length ? heatSection(g) : null, milestones(g), profilePart(g), folded,
    fold("Configuration, machine, timings", "and how to run it again",
      g.runs[0].config !== null ? [h("h3", null, "Run it again"), command(`engram run ${g.runs[0].dir.replace(/[^A-Za-z0-9_\/.-]/g, "\\$&")}/config.yaml`)] : null,
      h("h3", {style: "margin-top:1rem"}, "Record"), recordTable(g) || h("p", {class: "note"}, "No record was found."),
      g.runs[0].config !== null ? [h("h3", {style: "margin-top:1rem"}, `Configuration${g.runs.length > 1 ? " (first seed)" : ""}`), h("pre", null, g.runs[0].config)] : null,
      h("p", {class: "note"}, g.runs.map((r) => r.dir).join("   "))));
}

function toolsPart() {
  const again = () => redrawAll(false);
  if (!DATA.groups.some((g) => !g.theory && !g.flow)) document.getElementById("axis").remove();
  else segment(document.getElementById("axis"), [["linear", "linear"], ["log", "log", "steps on a logarithmic axis"]], "linear", (id) => { STATE.log = id === "log"; again(); });
  if (DATA.groups.some((g) => g.runs.length > 1))
    segment(document.getElementById("band"), [["range", "min–max", "lowest and highest seed"], ["sd", "± sd", "one standard deviation over seeds"], ["seeds", "seeds", "every seed"]], "range", (id) => { STATE.band = id; again(); });
  else document.getElementById("band").remove();
  const theme = (dark) => { STATE.dark = dark; applyTheme(); again(); };
  document.getElementById("theme").addEventListener("click", () => theme(!STATE.dark));
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", (e) => theme(e.matches));
  const jump = document.getElementById("jump");
  if (DATA.groups.length > 1)
    jump.append(h("select", {"aria-label": "Go to", onchange: (e) => { location.hash = e.target.value; e.target.selectedIndex = 0; }},
      h("option", {value: "top"}, "Go to…"), DATA.claims.length ? h("option", {value: "verdicts"}, "Verdicts") : null,
      document.getElementById("compare").hidden ? null : h("option", {value: "compare"}, "Side by side"), DATA.groups.map((g) => h("option", {value: g.anchor}, g.name))));
  let was = STATE.dark;
  window.addEventListener("beforeprint", () => { was = STATE.dark; STATE.dark = false; applyTheme(); redrawAll(true); });
  window.addEventListener("afterprint", () => theme(was));
}

applyTheme();
prepareGroups();
headerPart(verdictsPart());
compareSection(DATA.groups.filter((g) => !g.theory && !g.flow && g.panels.size));
toolsPart();
for (const g of DATA.groups) document.getElementById("groups").append(groupPart(g));
document.getElementById("foot").append(
  DATA.command ? h("div", null, "This page again:", command(DATA.command)) : "",
  h("p", null, `Written by engram ${DATA.version} on ${date(DATA.generated)}. The page carries all its data and opens offline; the runs themselves hold it as metrics.jsonl and .npy.`));
if (location.hash.length > 1) {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target) target.scrollIntoView();
}
document.documentElement.dataset.ready = "yes";
