/* Ground of the page: data, small DOM tools, theme, numbers, lazy drawing.
 * Strings from runs reach the page as text nodes only, never as markup. */
"use strict";
const DATA = JSON.parse(document.getElementById("data").textContent);
const HAS_PLOTLY = typeof Plotly !== "undefined";
const PHONE = window.matchMedia("(max-width: 640px)");
const STATE = {
  dark: window.matchMedia("(prefers-color-scheme: dark)").matches,
  log: false, band: "range", whole: false,
};

/* h("p", {class: "note"}, "text", node, ...) */
function h(tag, attrs, ...kids) {
  const e = document.createElement(tag);
  for (const [k, v] of Object.entries(attrs || {})) {
    if (k.startsWith("on")) e.addEventListener(k.slice(2), v);
    else if (v !== null && v !== undefined && v !== false)
      e.setAttribute(k, v === true ? "" : v);
  }
  for (const kid of kids.flat(Infinity))
    if (kid !== null && kid !== undefined) e.append(kid);
  return e;
}

function svg(path, viewBox) {
  const ns = "http://www.w3.org/2000/svg";
  const s = document.createElementNS(ns, "svg");
  const p = document.createElementNS(ns, "path");
  s.setAttribute("viewBox", viewBox || "0 0 24 24");
  s.setAttribute("aria-hidden", "true");
  p.setAttribute("d", path);
  s.append(p);
  return s;
}

/* Labels carry _{sub} and ^{sup}: as nodes, and as Plotly's own markup. */
function mathNodes(label) {
  const out = [];
  const parts = label.split(/(_\{[^}]*\}\^\{[^}]*\}|_\{[^}]*\}|\^\{[^}]*\})/);
  for (const part of parts) {
    const both = /^_\{([^}]*)\}\^\{([^}]*)\}$/.exec(part);
    if (both)
      out.push(h("span", {class: "stack"}, h("sup", null, both[2]), h("sub", null, both[1])));
    else if (part.startsWith("_{")) out.push(h("sub", null, part.slice(2, -1)));
    else if (part.startsWith("^{")) out.push(h("sup", null, part.slice(2, -1)));
    else if (part) out.push(document.createTextNode(part));
  }
  return out;
}
function escapeText(s) {
  return String(s).replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
}
function mathPlotly(label) {
  return escapeText(label).replace(/_\{([^}]*)\}/g, "<sub>$1</sub>")
    .replace(/\^\{([^}]*)\}/g, "<sup>$1</sup>");
}

/* Three significant digits, thin groups, real minus. */
function num(x, digits = 3) {
  if (x === null || x === undefined || !Number.isFinite(x)) return "not finite";
  const a = Math.abs(x);
  let s;
  if (x === 0) s = "0";
  else if (a >= 1e6 || a < 1e-3) s = x.toExponential(digits - 1).replace(/e\+?(-?)(\d+)/, "·10^$1$2");
  else if (a >= 1000) s = Math.round(x).toLocaleString("en").replace(/,/g, "\u202f");
  else s = String(Number(x.toPrecision(digits)));
  if (s.includes("^"))
    s = s.replace(/\^(-?\d+)/, (m, d) => [...d].map((c) => c === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[+c]).join(""));
  return s.replace(/^-/, "−");
}
function seconds(s) {
  if (!Number.isFinite(s)) return "";
  if (s < 100) return num(s, 2) + "\u202fs";
  if (s < 5400) return Math.round(s / 60) + "\u202fmin";
  return num(s / 3600) + "\u202fh";
}
function bytes(b) {
  const u = ["B", "KiB", "MiB", "GiB", "TiB"];
  let i = 0;
  while (b >= 1024 && i < 4) { b /= 1024; i++; }
  return num(b) + "\u202f" + u[i];
}
function slug(text, kind = "run") {
  return kind + "-" + String(text).replace(/[^A-Za-z0-9]+/g, "-").replace(/^-|-$/g, "").toLowerCase();
}

/* --- segmented buttons --- */
function segment(host, items, value, pick) {
  for (const [id, text, title] of items)
    host.append(h("button", {type: "button", title, "aria-pressed": String(id === value), "data-id": id,
      onclick: () => {
        for (const b of host.children) b.setAttribute("aria-pressed", String(b.dataset.id === id));
        pick(id);
      }}, text));
  return host;
}

/* The box of a figure: files made of it are called after figure and setting. */
function plotBox(name, setting, label, cls) {
  return h("div", {class: "plot" + (cls ? " " + cls : ""), role: "img", "aria-label": label, "data-figure": name, "data-setting": setting || ""});
}

/* --- figures are drawn when they come into sight --- */
const FIGURES = [];
const watcher = new IntersectionObserver((list) => {
  for (const e of list) {
    const f = e.target.figure;
    f.seen = e.isIntersecting;
    if (f.seen && f.stale) drawFigure(f);
  }
}, {rootMargin: "300px"});

function drawFigure(f) {
  f.stale = false;
  f.div.classList.remove("wait");
  f.draw(f.div);
}
/* draw(div) is called on first sight and again whenever the look changes; own:
 * it needs no plotting library; table: see take.js. */
function figure(div, draw, own, table) {
  const f = {div, draw, table, stale: true, seen: false};
  div.figure = f;
  if (!HAS_PLOTLY && !own) {
    div.className = "note";
    div.textContent = "This figure needs the plotting library.";
    return f;
  }
  div.classList.add("wait");
  div.append(takeMenu(f));
  FIGURES.push(f);
  watcher.observe(div);
  return f;
}
/* A figure that is gone is forgotten. */
function dropFigures(list) {
  for (const f of list) {
    const at = FIGURES.indexOf(f);
    if (at >= 0) FIGURES.splice(at, 1);
    watcher.unobserve(f.div);
    if (HAS_PLOTLY && f.div._fullLayout) Plotly.purge(f.div);
  }
}
function again(f) {
  f.stale = true;
  if (f.seen) drawFigure(f);
}
function redrawAll(now) {
  for (const f of FIGURES) {
    f.stale = true;
    const hidden = f.div.closest("details:not([open])");
    if (now ? !hidden : f.seen) drawFigure(f);
  }
}

/* --- theme --- */
function css(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}
const SUN = "M12 7a5 5 0 100 10 5 5 0 000-10zm-1-6h2v4h-2zm0 18h2v4h-2zM1 11h4v2H1zm18 0h4v2h-4zM3.5 4.9l1.4-1.4 2.8 2.8-1.4 1.4zM16.3 17.7l1.4-1.4 2.8 2.8-1.4 1.4zM3.5 19.1l2.8-2.8 1.4 1.4-2.8 2.8zM16.3 6.3l2.8-2.8 1.4 1.4-2.8 2.8z";
const MOON = "M20 14.5A8.5 8.5 0 019.5 4 8.5 8.5 0 1020 14.5z";
function applyTheme() {
  document.documentElement.classList.toggle("dark", STATE.dark);
  document.getElementById("theme").replaceChildren(svg(STATE.dark ? SUN : MOON));
}

/* What all plots have in common. */
function baseLayout(extra) {
  const ink = css("--ink"), soft = css("--soft");
  return Object.assign({
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    font: {family: css("--sans"), size: 12, color: soft},
    margin: {l: 52, r: 12, t: 8, b: 42}, showlegend: false,
    hoverlabel: {bgcolor: css("--card"), bordercolor: css("--line"), font: {color: ink, size: 12, family: css("--sans")}},
    dragmode: PHONE.matches ? false : "zoom",
    modebar: {bgcolor: "rgba(0,0,0,0)", color: css("--faint"), activecolor: ink},
  }, extra);
}
const CONFIG = {
  responsive: true, displaylogo: false, scrollZoom: false,
  displayModeBar: PHONE.matches ? false : "hover",
  modeBarButtons: [["resetScale2d"]],
};
