/* Claims and their verdicts: one table, or, where they are many, a part for
 * each file of claims, folded, with the settings behind it. */
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
const COLUMNS = [
  ["Verdict", (c) => Object.keys(VERDICT).indexOf(verdictOf(c))],
  ["Claim", (c) => plain(c.id)], ["Measured", (c) => c.measured],
  ["Expected", (c) => c.expected], ["Seeds", (c) => c.seeds],
  ["Time", (c) => c.seconds], ["Run", (c) => plain(c.run)],
];
function runNames(claim) {
  return (Array.isArray(claim.run) ? claim.run : [claim.run]).filter((r) => typeof r === "string" && r);
}
function groupNamed(name) {
  return DATA.groups.find((x) => x.runs.some((r) => r.dir === name || r.dir.endsWith("/" + name))) || DATA.groups.find((x) => x.name === name || x.run_name === name);
}
function runLink(claim) {
  const names = runNames(claim);
  if (!names.length) return h("span", {class: "none"}, "none");
  const nodes = names.slice(0, 4).flatMap((name, i) => {
    const g = groupNamed(name);
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
  else if (c.no_control) lines.push("no control");
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
  if (c.no_control && typeof c.control !== "number") how.push(h("span", {class: "src how"}, "control: " + plain(c.no_control)));
  if (tol.why) how.push(h("span", {class: "src how"}, "tolerance: " + tol.why));
  return h("tr", {"data-verdict": verdictOf(c), id: c.anchor},
    cell("Verdict", chip(verdictOf(c))),
    cell("Claim", h("span", {class: "say"}, mathNodes(indices(plain(c.statement) || plain(c.id)))), h("a", {class: "id", href: "#" + c.anchor, title: "Link to this claim"}, plain(c.id)), h("span", {class: "src"}, c.source ? "  " + plain(c.source) : ""),
      c.note ? h("span", {class: "how"}, plain(c.note)) : null,
      how.length ? h("details", {class: "more"}, h("summary", null, "how it was judged"), how) : null),
    cell("Measured", or(plain(c.measured)), spreadText(c)),
    cell("Expected", or(plain(c.expected).replace("<=", "≤").replace(">=", "≥")), tol.number ? h("span", {class: "src how"}, tol.number) : ""),
    cell("Seeds", or(seedsText(c))), cell("Time", or(typeof c.seconds === "number" ? seconds(c.seconds) : "")), cell("Run", runLink(c)));
}
/* rows: [{c, row}]; each head sorts by its column. */
function claimTable(rows) {
  const body = h("tbody", null, rows.map((r) => r.row));
  const heads = COLUMNS.map(([name, key]) => {
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
  return h("div", {class: "wrap"}, h("table", {class: "claims"}, h("thead", null, h("tr", null, heads)), body));
}

/* --- parts: "birth/basic" of "birth/basic/accuracy" --- */
function fileOf(c) {
  const id = plain(c.id);
  return id.includes("/") ? id.slice(0, id.lastIndexOf("/")) : "claims";
}
/* name -> {name, rows, groups}. A setting belongs to the first part with a
 * claim on it, or to the one whose name its own begins with. */
function claimParts(rows) {
  const parts = new Map(), owned = new Set();
  const own = (part, g) => { if (g && !owned.has(g)) { owned.add(g); part.groups.push(g); } };
  for (const r of rows) {
    const name = fileOf(r.c);
    if (!parts.has(name)) parts.set(name, {name, rows: [], groups: []});
    parts.get(name).rows.push(r);
  }
  for (const part of parts.values())
    for (const r of part.rows) for (const name of runNames(r.c)) own(part, groupNamed(name));
  for (const g of DATA.groups) {
    const begins = [...parts.values()].filter((p) => `${g.run_name}-`.startsWith(p.name.replace(/[^A-Za-z0-9]+/g, "-") + "-"));
    if (begins.length) own(begins.sort((a, b) => b.name.length - a.name.length)[0], g);
  }
  for (const part of parts.values()) part.groups.sort((a, b) => DATA.groups.indexOf(a) - DATA.groups.indexOf(b));
  return {parts: [...parts.values()], owned};
}
function countChips(rows) {
  return Object.keys(VERDICT).map((v) => {
    const k = rows.filter((r) => verdictOf(r.c) === v).length, [cls, icon, one] = VERDICT[v];
    return k ? h("span", {class: `chip ${cls}`, title: `${k} ${one}`}, h("span", {"aria-hidden": "true"}, icon), String(k)) : null;
  });
}
function partNode(part, common) {
  const k = part.groups.length, name = common && part.name.startsWith(common) ? part.name.slice(common.length) : part.name;
  const d = h("details", {class: "part", id: slug(part.name, "claims")}, h("summary", null, h("h3", null, name.replace(/_/g, " ")), countChips(part.rows),
    h("span", {class: "meta"}, `${part.rows.length} claim${part.rows.length === 1 ? "" : "s"}` + (k ? `, ${k} setting${k === 1 ? "" : "s"}` : ""))),
  h("div", {class: "in"}, claimTable(part.rows), part.groups.map((g) => settingSection(g, true))));
  d.addEventListener("toggle", () => { if (d.open) drawInside(d); });
  return d;
}

/* Returns what shows the claims of a verdict; DATA.owned: settings shown here. */
function verdictsPart() {
  const host = document.getElementById("verdicts"), used = new Set();
  DATA.owned = new Set();
  if (!DATA.claims.length) return () => {};
  host.hidden = false;
  for (const c of DATA.claims) {
    c.anchor = slug(plain(c.id), "claim");
    while (used.has(c.anchor)) c.anchor += "-x";
    used.add(c.anchor);
  }
  const rows = DATA.claims.map((c) => ({c, row: claimRow(c), said: plain(c.statement).toLowerCase()})), count = h("span", {class: "count"});
  const seg = h("div", {class: "seg", role: "group", "aria-label": "Verdict"});
  const many = rows.length > FEW_CLAIMS, {parts, owned} = many ? claimParts(rows) : {parts: [], owned: DATA.owned};
  const papers = new Set(parts.map((p) => p.name.split("/")[0])), nodes = parts.map((p) => partNode(p, papers.size === 1 ? [...papers][0] + "/" : ""));
  DATA.owned = owned;
  let wanted = "", text = "", opened = [];
  const filter = () => {
    let k = 0;
    for (const r of rows) {
      const ok = (!wanted || verdictOf(r.c) === wanted) && (!text || r.said.includes(text) || r.row.textContent.toLowerCase().includes(text));
      r.row.hidden = !ok;
      r.row.style.display = ok ? "" : "none";
      k += ok;
    }
    count.textContent = k === rows.length ? "" : `${k} of ${rows.length} shown`;
    for (const d of opened) d.open = false;
    opened = [];
    parts.forEach((p, i) => {
      nodes[i].hidden = p.rows.every((r) => r.row.hidden);
      if (k === rows.length || nodes[i].hidden || nodes[i].open) return;
      nodes[i].open = true;
      opened.push(nodes[i]);
    });
  };
  const present = Object.keys(VERDICT).filter((v) => rows.some((r) => verdictOf(r.c) === v));
  segment(seg, [["", "all"], ...present.map((v) => [v, VERDICT[v][2]])], "", (id) => { wanted = id; filter(); });
  host.append(h("div", {class: "head"}, h("h2", null, "Verdicts"), h("span", {class: "meta"}, "refuted: shown wrong where that was expected, which counts as success")),
    h("div", {class: "filter"}, present.length > 1 ? seg : null,
      h("input", {type: "search", placeholder: "Find a claim", "aria-label": "Find a claim", oninput: (e) => { text = e.target.value.toLowerCase(); filter(); }}), count, many ? foldButtons(() => host) : null),
    ...(many ? nodes : [claimTable(rows)]));
  return (v) => {
    const b = [...seg.children].find((x) => x.dataset.id === v) || seg.children[0];
    if (present.length > 1) b.click();
    host.scrollIntoView();
  };
}
