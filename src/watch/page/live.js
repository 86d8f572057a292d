/* Ground of the live page: questions to the server, news from it, views.
 * A view is {news(news), leave()}; which one is shown stands behind the # of
 * the address. */
"use strict";

/* The answer of JSON at a path; null: it is not ready, or gone. */
async function ask(path, params) {
  const query = new URLSearchParams(params || {}).toString();
  const reply = await fetch(path + (query ? "?" + query : ""));
  if (!reply.ok) throw new Error((await reply.text()).trim());
  const told = await reply.json();
  return told.later ? null : told;
}

/* What a page says of something that the server does not show; where it has
 * too much open, that is asked for again, and the news tell when it is there. */
function notShown(news, kind, again) {
  if (news.full) setTimeout(() => again().catch(() => {}), 1000);
  return news.full ? "Too many are open; one moment." : news.list ? `There is no such ${kind}.` : `Reading the ${kind}…`;
}

/* --- words --- */
const TROUBLE = ["failed", "diverged", "killed", "damaged"];
function stateChip(status) {
  const kind = status === "running" || status === "finished" ? status : TROUBLE.includes(status) ? "trouble" : "other";
  return h("span", {class: `chip v-${kind}`}, status || "unknown");
}
function gauge(run) {
  const bar = h("div", {class: "gauge", role: "progressbar", "aria-valuemin": 0, "aria-valuemax": 100}, h("i"));
  bar.show = (r) => {
    const part = r.steps > 0 ? Math.min(1, r.step / r.steps) : 0;
    bar.firstChild.style.width = `${100 * part}%`;
    bar.className = "gauge" + (r.status === "finished" ? " done" : r.status === "running" ? "" : " stopped");
    bar.setAttribute("aria-valuenow", Math.round(100 * part));
  };
  bar.show(run);
  return bar;
}
/* 75 -> "1:15 min", 4000 -> "1:07 h". */
function left(s) {
  if (!Number.isFinite(s)) return "";
  s = Math.round(s);
  const two = (v) => String(v).padStart(2, "0");
  if (s < 60) return `${s}\u202fs`;
  return s < 3600 ? `${Math.floor(s / 60)}:${two(s % 60)}\u202fmin` : `${Math.floor(s / 3600)}:${two(Math.floor(s / 60) % 60)}\u202fh`;
}
/* A whole number in full. */
function whole(n) {
  return n.toLocaleString("en").replace(/,/g, "\u2009");
}
function unitOf(run) {
  return run.kind === "flow" ? "times" : run.kind === "theory" ? "values" : "steps";
}
function paceText(run) {
  return run.per_s > 0 ? `${num(run.per_s)} ${unitOf(run)}/s` : "";
}
function when(text) {
  if (!text) return "";
  const d = new Date(text);
  return Number.isNaN(d.getTime()) ? text : d.toLocaleString("en-GB", {day: "numeric", month: "short", hour: "2-digit", minute: "2-digit"});
}
/* A past as a small curve that fills its box. */
function sparkline(values) {
  const ns = "http://www.w3.org/2000/svg", s = document.createElementNS(ns, "svg");
  const at = values.map((v, i) => [i, v]).filter(([, v]) => v !== null);
  s.setAttribute("class", "spark");
  s.setAttribute("viewBox", "0 0 100 40");
  s.setAttribute("preserveAspectRatio", "none");
  s.setAttribute("aria-hidden", "true");
  if (at.length < 2) return s;
  const lo = Math.min(...at.map(([, v]) => v)), hi = Math.max(...at.map(([, v]) => v));
  const line = at.map(([i, v], k) => `${k ? "L" : "M"}${(100 * i / (values.length - 1)).toFixed(2)} ${(38 - 36 * (hi > lo ? (v - lo) / (hi - lo) : .5)).toFixed(2)}`).join("");
  for (const [cls, d] of [["area", `${line}L${(100 * at[at.length - 1][0] / (values.length - 1)).toFixed(2)} 40L${(100 * at[0][0] / (values.length - 1)).toFixed(2)} 40Z`], ["", line]]) {
    const p = document.createElementNS(ns, "path");
    if (cls) p.setAttribute("class", cls);
    p.setAttribute("d", d);
    s.append(p);
  }
  return s;
}
function warning(list, title) {
  return list.length ? h("div", {class: "warn"}, title, h("ul", null, list.map((t) => h("li", null, t)))) : null;
}
/* Figures in a part of the page that goes away. */
function dropInside(node) {
  dropFigures(FIGURES.filter((f) => node.contains(f.div)));
}
/* fn, now or as soon as the last time is long enough ago: drawing takes a
 * quarter of the time at most, unless it takes a second and more. */
function calmly(fn) {
  let timer = 0, next = 0;
  return () => {
    if (timer) return;
    timer = setTimeout(async () => {
      const begun = performance.now();
      try { await fn(); } catch (e) { pulse("lost", e.message); }
      timer = 0;
      next = performance.now() + Math.max(400, Math.min(3000, 4 * (performance.now() - begun)));
    }, Math.max(0, next - performance.now()));
  };
}

/* --- the connection --- */
const PULSE = document.getElementById("pulse");
function pulse(state, text) {
  PULSE.className = "pulse " + state;
  PULSE.textContent = text;
}
function beat() {
  pulse("live", "live");
  void PULSE.offsetWidth; /* the animation begins anew */
  PULSE.classList.add("beat");
}

let view = null, stream = null, retry = 0;
/* about: {run}, {sweep} or {} */
function listen(about) {
  if (stream) stream.close();
  clearTimeout(retry);
  stream = new EventSource("events?" + new URLSearchParams(about));
  stream.onmessage = (e) => {
    beat();
    document.documentElement.dataset.news = String(Number(document.documentElement.dataset.news || 0) + 1);
    if (view) view.news(JSON.parse(e.data));
  };
  stream.onerror = () => {
    pulse("lost", "not connected");
    if (stream.readyState === EventSource.CLOSED) retry = setTimeout(() => listen(about), 3000);
  };
}

/* --- views --- */
function crumb(...nodes) {
  document.getElementById("crumb").replaceChildren(...nodes);
}
function show() {
  const main = document.getElementById("main");
  const [, kind, rest] = /^#\/(run|name|sweep)\/(.*)$/.exec(location.hash) || [];
  if (view) view.leave();
  dropInside(main);
  main.replaceChildren();
  document.getElementById("axis").hidden = kind !== "run";
  window.scrollTo(0, 0);
  if (kind === "run") {
    const id = decodeURIComponent(rest);
    view = runView(main, id);
    listen({run: id});
  } else if (kind === "sweep") {
    const name = decodeURIComponent(rest);
    view = sweepView(main, name);
    listen({sweep: name});
  } else {
    view = listView(main, kind === "name" ? decodeURIComponent(rest) : "");
    listen({});
  }
}
/* What the command was given: a run, or a name of several. */
async function begin() {
  applyTheme();
  segment(document.getElementById("axis"), [["linear", "linear"], ["log", "log", "steps on a logarithmic axis"]], "linear", (id) => { STATE.log = id === "log"; redrawAll(false); });
  const theme = (dark) => { STATE.dark = dark; applyTheme(); redrawAll(false); };
  document.getElementById("theme").addEventListener("click", () => theme(!STATE.dark));
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", (e) => theme(e.matches));
  if (location.hash.length < 3) {
    for (let told = null; !told;) {
      told = await ask("api/runs");
      if (!told) { await new Promise((done) => setTimeout(done, 200)); continue; }
      if (told.open) history.replaceState(null, "", "#/" + (told.open.startsWith("sweeps/") ? "sweep/" + encodeURIComponent(told.open.slice(7)) : (told.open.includes("/") ? "run/" : "name/") + encodeURIComponent(told.open)));
    }
  }
  window.addEventListener("hashchange", show);
  show();
  document.documentElement.dataset.ready = "yes";
}
window.addEventListener("DOMContentLoaded", begin);
