/* The page itself: header, verdicts, groups of runs, footer. */
"use strict";
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

/* The switches of the bar, before the one for light and dark. */
function toolsPart() {
  const redraw = () => redrawAll(false), tools = document.getElementById("tools");
  const add = (id, label, items, value, pick) =>
    tools.insertBefore(segment(h("div", {class: "seg", id, role: "group", "aria-label": label}), items, value, (v) => { pick(v); redraw(); }), tools.lastElementChild);
  if (DATA.groups.some((g) => !g.theory && !g.flow))
    add("axis", "Step axis", [["linear", "linear"], ["log", "log", "steps on a logarithmic axis"]], "linear", (id) => { STATE.log = id === "log"; });
  if (DATA.groups.some((g) => Object.keys(g.phases || {}).length || [...g.panels.keys()].some((id) => { const p = DATA.panels.find((x) => x.id === id); return p.hi > p.lo; })))
    add("whole", "Axes of fractions", [["fit", "fit", "axes fit the data"], ["whole", "0–1", "fractions on an axis from 0 to 1"]], "fit", (id) => { STATE.whole = id === "whole"; });
  if (DATA.groups.some((g) => g.runs.length > 1))
    add("band", "Spread over seeds", [["range", "min–max", "lowest and highest seed"], ["sd", "± sd", "one standard deviation over seeds"], ["seeds", "seeds", "every seed"]], "range", (id) => { STATE.band = id; });
  const theme = (dark) => { STATE.dark = dark; applyTheme(); redraw(); };
  document.getElementById("theme").addEventListener("click", () => theme(!STATE.dark));
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", (e) => theme(e.matches));
  let was = STATE.dark;
  window.addEventListener("beforeprint", () => { was = STATE.dark; STATE.dark = false; applyTheme(); openForPaper(); redrawAll(true); });
  window.addEventListener("afterprint", () => { closeAfterPaper(); theme(was); });
}
function jumpPart() {
  const option = (id, name) => h("option", {value: id}, name), has = (id) => !document.getElementById(id).hidden;
  if (DATA.groups.length < 2) return;
  document.getElementById("jump").append(h("select", {"aria-label": "Go to", onchange: (e) => {
    const id = e.target.value;
    e.target.selectedIndex = 0;
    if (location.hash === "#" + id) goTo(id); else location.hash = id;
  }}, option("top", "Go to…"), has("verdicts") ? option("verdicts", "Verdicts") : null,
  [...document.querySelectorAll("#verdicts details.part")].map((d) => option(d.id, "Verdicts: " + d.querySelector("h3").textContent)),
  [...document.querySelectorAll("#sweeps > section")].map((s) => option(s.id, s.querySelector("h2").textContent)),
  has("compare") ? option("compare", "Side by side") : null, DATA.groups.map((g) => option(g.anchor, g.name))));
}
function settingsPart() {
  const host = document.getElementById("groups"), left = DATA.groups.filter((g) => !DATA.owned.has(g));
  const folded = DATA.groups.length > FEW || DATA.claims.length > FEW_CLAIMS || document.getElementById("sweeps").children.length > 0;
  if (folded && left.length)
    host.append(h("section", {id: "settings"}, h("div", {class: "head"}, h("h2", null, DATA.owned.size ? "Other settings" : "Settings"),
      h("span", {class: "meta"}, `${left.length}, each with its curves, maps and configuration`), DATA.owned.size ? null : foldButtons(() => host))));
  for (const g of left) host.append(settingSection(g, folded));
}

applyTheme();
prepareGroups();
headerPart(verdictsPart());
sweepSections();
compareSection(DATA.groups.filter((g) => !g.theory && !g.flow && g.panels.size));
toolsPart();
settingsPart();
jumpPart();
document.getElementById("foot").append(
  DATA.command ? h("div", null, "This page again:", command(DATA.command)) : "",
  h("p", null, `Written by engram ${DATA.version} on ${date(DATA.generated)}. The page carries all its data and opens offline; the runs themselves hold it as metrics.jsonl and .npy.`));
goTo(hashTarget());
document.documentElement.dataset.ready = "yes";
