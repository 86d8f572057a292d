/* Parts that open: what is inside is made when they do, links into them open
 * them, and paper shows what is open. */
"use strict";
const FEW = 6; /* more settings than these are folded at first */
const FEW_CLAIMS = 20; /* more claims than these are parted and folded */
const PRINTED = 24; /* so many folded settings are printed in full */

/* summary: nodes; make: () => nodes, called when it first opens. */
function lazyFold(attrs, summary, make) {
  const box = h("div", {class: "in"});
  const d = h("details", attrs, h("summary", null, summary), box);
  let made = false;
  d.fill = () => {
    if (made) return;
    made = true;
    box.append(...[make()].flat(Infinity).filter((n) => n !== null && n !== undefined));
  };
  d.addEventListener("toggle", () => {
    if (!d.open) return;
    d.fill();
    drawInside(d);
  });
  return d;
}
function foldTitle(title, extra) {
  return [title, extra ? h("span", null, "  " + extra) : null];
}
function fold(title, extra, ...inside) {
  return h("details", {ontoggle: (e) => { if (e.target.open) drawInside(e.target); }},
    h("summary", null, foldTitle(title, extra)), h("div", {class: "in"}, inside));
}
/* Figures that are in sight, or soon will be. */
function drawInside(d) {
  for (const div of d.querySelectorAll(".plot, .scene")) {
    const f = div.figure, at = f && f.stale && !div.closest("details:not([open])") ? div.getBoundingClientRect() : null;
    if (at && at.top < window.innerHeight + 300 && at.bottom > -300) drawFigure(f);
  }
}
function setFold(d, open) {
  if (open && d.fill) d.fill();
  d.open = open;
}
/* Opens whatever an element lies in, or is. */
function reveal(node) {
  const own = node.querySelector(":scope > details.setting");
  if (own) setFold(own, true);
  for (let e = node; e; e = e.parentElement) if (e.tagName === "DETAILS") setFold(e, true);
}
function goTo(id, smooth) {
  const target = id && document.getElementById(id);
  if (!target) return;
  reveal(target);
  target.scrollIntoView({behavior: smooth ? "smooth" : "instant"});
  for (const t of document.querySelectorAll(".told")) t.classList.remove("told");
  target.classList.add("told");
}
function hashTarget() {
  try { return decodeURIComponent(location.hash.slice(1)); } catch { return ""; }
}
window.addEventListener("hashchange", () => goTo(hashTarget()));
/* A link to where one already is changes no hash. */
document.addEventListener("click", (e) => {
  const a = e.target.closest && e.target.closest("a[href^='#']");
  if (a && a.getAttribute("href") === location.hash) goTo(hashTarget(), true);
});

/* Two buttons for all parts inside. */
function foldButtons(host) {
  const all = (open) => {
    for (const d of host().querySelectorAll("details.part, details.setting")) setFold(d, open);
  };
  return h("span", {class: "folds"}, h("button", {type: "button", onclick: () => all(true)}, "expand all"), h("button", {type: "button", onclick: () => all(false)}, "fold all"));
}

/* --- paper --- */
let openedForPaper = [];
function openForPaper() {
  const closed = (what) => [...document.querySelectorAll(what)].filter((d) => !d.open), settings = closed("details.setting");
  openedForPaper = closed("details.part").concat(settings.length <= PRINTED ? settings : []);
  for (const d of openedForPaper) setFold(d, true);
}
function closeAfterPaper() {
  for (const d of openedForPaper) d.open = false;
  openedForPaper = [];
}
