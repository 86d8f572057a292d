/* Tokens on a canvas: our own orthographic projection, so that pages need no
 * WebGL; turned by dragging or with the arrow keys. */
"use strict";
const CATEGORY = [["#0072b2", "#56a8e0"], ["#d55e00", "#ff8a3d"], ["#009e73", "#35c99b"], ["#b0529c", "#dd8fc9"],
  ["#d08a00", "#f0b429"], ["#3aa0dc", "#7cc8f5"], ["#7a6a00", "#cdbb4a"], ["#a3304c", "#f0889f"]];

/* OKLCH to a CSS colour: hues of equal lightness, a rainbow without bands. */
function oklch(L, C, hue) {
  const a = C * Math.cos(hue), b = C * Math.sin(hue);
  const l = (L + .3963377774 * a + .2158037573 * b) ** 3, m = (L - .1055613458 * a - .0638541728 * b) ** 3, s = (L - .0894841775 * a - 1.291485548 * b) ** 3;
  const rgb = [4.0767416621 * l - 3.3077115913 * m + .2309699292 * s, -1.2684380046 * l + 2.6097574011 * m - .3413193965 * s, -.0041960863 * l - .7034186147 * m + 1.707614701 * s];
  return "#" + rgb.map((v) => {
    const u = Math.min(1, Math.max(0, v)), g = u <= .0031308 ? 12.92 * u : 1.055 * u ** (1 / 2.4) - .055;
    return Math.round(255 * g).toString(16).padStart(2, "0");
  }).join("");
}
function rainbow(turn, lift = 0) {
  return oklch((STATE.dark ? .74 : .64) + lift, .15, 2 * Math.PI * turn + .35);
}

/* A canvas that fills its box and is painted when it is in sight. */
function canvasFigure(cls, label, paint, file, table) {
  const canvas = h("canvas", {role: "img", "aria-label": label});
  const div = h("div", {class: "scene " + cls, "data-figure": label.split(/[,;]/)[0], "data-setting": file}, canvas);
  const draw = () => {
    const w = div.clientWidth, height = div.clientHeight, ratio = Math.min(2.5, window.devicePixelRatio || 1);
    if (!w || !height) return;
    if (canvas.width !== Math.round(w * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(w * ratio);
      canvas.height = Math.round(height * ratio);
    }
    const g = canvas.getContext("2d");
    g.setTransform(ratio, 0, 0, ratio, 0, 0);
    g.clearRect(0, 0, w, height);
    g.font = `12px ${css("--sans")}`;
    g.lineJoin = g.lineCap = "round";
    paint(g, w, height, ratio);
    canvas.dataset.painted = String(Number(canvas.dataset.painted || 0) + 1);
  };
  const f = figure(div, draw, true, table);
  new ResizeObserver(() => { if (f.seen) draw(); }).observe(div);
  return {div, canvas, f, again: () => { if (f.seen) draw(); else f.stale = true; }};
}

/* --- axes of a plot on a canvas --- */
const PAD = {l: 50, r: 14, t: 18, b: 40};
function niceTicks(lo, hi, want) {
  const raw = (hi - lo) / want, ten = 10 ** Math.floor(Math.log10(raw)), step = [1, 2, 2.5, 5, 10].map((k) => k * ten).find((s) => s >= raw * .999);
  const out = [];
  for (let v = Math.ceil(lo / step - 1e-9) * step; v <= hi + 1e-9 * step; v += step) out.push(Math.abs(v) < 1e-9 * step ? 0 : v);
  return out;
}
function decades(lo, hi) {
  const out = [];
  for (let k = Math.ceil(Math.log10(lo) - 1e-9); k <= Math.log10(hi) + 1e-9; k++) out.push(k);
  const thin = Math.ceil(out.length / 6);
  return out.filter((_, i) => i % thin === 0).map((k) => 10 ** k);
}
function power(v) {
  const k = Math.round(Math.log10(v));
  return k >= -1 && k <= 3 ? String(10 ** k).replace(/^1e.*/, "") || num(v) : "10" + [...String(k)].map((c) => c === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[+c]).join("");
}
/* x, y: {ticks, text(v), at(v) in 0..1, title} */
function axes(g, w, height, x, y) {
  const W = w - PAD.l - PAD.r, H = height - PAD.t - PAD.b;
  const px = (v) => PAD.l + W * x.at(v), py = (v) => PAD.t + H * (1 - y.at(v));
  g.lineWidth = 1;
  g.fillStyle = css("--soft");
  g.strokeStyle = css("--grid");
  g.textAlign = "right";
  g.textBaseline = "middle";
  for (const v of y.ticks) {
    g.beginPath(); g.moveTo(PAD.l, py(v)); g.lineTo(w - PAD.r, py(v)); g.stroke();
    g.fillText(y.text(v), PAD.l - 7, py(v));
  }
  g.textAlign = "center";
  g.textBaseline = "top";
  g.strokeStyle = css("--line");
  for (const v of x.ticks) {
    g.beginPath(); g.moveTo(px(v), PAD.t + H); g.lineTo(px(v), PAD.t + H + 4); g.stroke();
    g.fillText(x.text(v), px(v), PAD.t + H + 7);
  }
  g.beginPath(); g.moveTo(PAD.l, PAD.t + H); g.lineTo(w - PAD.r, PAD.t + H); g.stroke();
  g.fillText(x.title, PAD.l + W / 2, height - 14);
  g.save();
  g.translate(12, PAD.t + H / 2);
  g.rotate(-Math.PI / 2);
  g.textBaseline = "middle";
  g.fillText(y.title, 0, 0);
  g.restore();
  return {px, py};
}

/* --- the camera --- */
function turned(view) {
  const cy = Math.cos(view.yaw), sy = Math.sin(view.yaw), cp = Math.cos(view.pitch), sp = Math.sin(view.pitch);
  /* right, up, towards the eye */
  return (x, y, z) => { const a = -sy * x + cy * y, b = cy * x + sy * y; return [a, -sp * b + cp * z, cp * b + sp * z]; };
}
function turnable(fig, view) {
  const c = fig.canvas;
  c.tabIndex = 0;
  c.classList.add("turn");
  let from = null;
  const turn = (dx, dy) => {
    view.yaw -= dx;
    view.pitch = Math.min(1.55, Math.max(-1.55, view.pitch + dy));
    view.touched = true;
    fig.again();
  };
  c.addEventListener("pointerdown", (e) => { from = [e.clientX, e.clientY]; c.setPointerCapture(e.pointerId); });
  c.addEventListener("pointermove", (e) => {
    if (!from) return;
    turn((e.clientX - from[0]) * .009, (e.clientY - from[1]) * .009);
    from = [e.clientX, e.clientY];
  });
  for (const end of ["pointerup", "pointercancel"]) c.addEventListener(end, () => { from = null; });
  c.addEventListener("keydown", (e) => {
    const step = {ArrowLeft: [-.12, 0], ArrowRight: [.12, 0], ArrowUp: [0, -.12], ArrowDown: [0, .12]}[e.key];
    if (!step) return;
    e.preventDefault();
    turn(...step);
  });
}

/* Lines of longitude and latitude; front or back half. */
function graticule(g, see, R, cx, cy, front) {
  const arc = (point) => {
    let pen = false;
    g.beginPath();
    for (let i = 0; i <= 72; i++) {
      const p = see(...point(i * Math.PI / 36));
      if ((p[2] >= 0) === front) { if (pen) g.lineTo(cx + R * p[0], cy - R * p[1]); else g.moveTo(cx + R * p[0], cy - R * p[1]); }
      pen = (p[2] >= 0) === front;
    }
    g.stroke();
  };
  for (let k = 0; k < 6; k++) arc((s) => [Math.cos(s) * Math.cos(k * Math.PI / 6), Math.cos(s) * Math.sin(k * Math.PI / 6), Math.sin(s)]);
  for (const z of [-.866, -.5, 0, .5, .866]) arc((s) => [Math.sqrt(1 - z * z) * Math.cos(s), Math.sqrt(1 - z * z) * Math.sin(s), z]);
}

/* Tokens that the eye cannot tell apart, as {token, n}: those within `size` of
 * a first one, found through a grid of cells. No chains: tokens spread evenly
 * along an arc are not one heap. */
function heaps(p, n, dim, size) {
  const cell = new Map(), found = new Map(), key = (i, k) => (k < dim ? Math.floor(p[i * dim + k] / size) : 0);
  const near = (i, j) => { let far = 0; for (let k = 0; k < dim; k++) far += (p[i * dim + k] - p[j * dim + k]) ** 2; return far < size * size; };
  const reach = [dim, dim, dim].map((_, k) => (k < dim ? [0, -1, 1] : [0]));
  for (let i = 0; i < n; i++) {
    if (Number.isNaN(p[i * dim])) continue;
    const [a, b, c] = [key(i, 0), key(i, 1), key(i, 2)];
    let first = -1;
    for (const u of reach[0]) for (const v of reach[1]) for (const w of reach[2])
      for (const j of (first < 0 && cell.get(`${a + u},${b + v},${c + w}`)) || []) if (first < 0 && near(i, j)) first = j;
    if (first >= 0) { found.get(first).n++; continue; }
    found.set(i, {token: i, n: 1});
    const own = `${a},${b},${c}`;
    if (!cell.has(own)) cell.set(own, []);
    cell.get(own).push(i);
  }
  return [...found.values()];
}

function dotAt(g, x, y, r, colour, ring) {
  g.beginPath(); g.arc(x, y, r, 0, 2 * Math.PI);
  g.fillStyle = colour; g.fill();
  if (ring && r > 1.8) { g.lineWidth = 1.1; g.strokeStyle = ring; g.stroke(); }
}
/* A halo whose area grows with the number of tokens, and the number. */
function halo(g, x, y, heap, colour, S, side) {
  g.save();
  const r = 5 + 17 * Math.sqrt(heap.n / S.n);
  g.beginPath(); g.arc(x, y, r, 0, 2 * Math.PI);
  g.fillStyle = fade(colour, STATE.dark ? .34 : .26); g.fill();
  g.lineWidth = 1.4; g.strokeStyle = colour; g.stroke();
  const text = S.whole ? String(heap.n) : Math.round(100 * heap.n / S.n) + " %";
  g.font = `600 12px ${css("--sans")}`;
  g.textAlign = "center"; g.textBaseline = "middle";
  const tx = x + side[0] * (r + 11), ty = y + side[1] * (r + 11);
  g.lineWidth = 3; g.strokeStyle = css("--card"); g.strokeText(text, tx, ty);
  g.fillStyle = css("--ink"); g.fillText(text, tx, ty);
  g.restore();
}
