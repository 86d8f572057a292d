/* Tokens of a flow at a time: on the sphere, the circle, in R^2 and R^3. */
"use strict";

/* 16-bit parts of each frame's largest magnitude, back to numbers. */
function rows16(text, tops) {
  const raw = atob(text), size = raw.length / 2 / tops.length, out = new Float32Array(raw.length / 2);
  for (let i = 0; i < out.length; i++) {
    const v = (raw.charCodeAt(2 * i) | raw.charCodeAt(2 * i + 1) << 8) << 16 >> 16;
    out[i] = v === -32768 ? NaN : v / 32767 * tops[Math.floor(i / size)];
  }
  return out;
}

/* What the figures of a run share: numbers, colours, the clock. */
function flowState(group) {
  const d = group.tokens, n = d.token.length, frames = d.t.length;
  const S = {d, n, dim: d.dim, frames, whole: n === d.n, x: rows16(d.x, d.x_top), hist: d.hist ? rows16(d.hist, d.hist_top) : null,
    angle: d.sphere && d.d === 2, log: d.log, t: d.t[frames - 1], listeners: [], playing: false,
    colouring: d.causal ? "index" : d.sphere && d.label && d.d > 2 && Math.max(...d.label) < n / 2 ? "cluster" : "start"};
  S.first = d.t.find((t) => t > 0) || 1e-9;
  S.end = d.t[frames - 1];
  S.top = Math.max(...d.x_top);
  S.grows = !d.sphere && Math.max(...d.x_top) > 6 * Math.min(...d.x_top.filter((v) => v > 0));
  /* time to a part of the axis, and back; 0 has no logarithm: it is the left edge */
  S.part = (t) => (S.end <= d.t[0] ? 0 : S.log ? Math.max(0, Math.log(t / S.first) / Math.log(S.end / S.first)) : (t - d.t[0]) / (S.end - d.t[0]));
  S.time = (u) => (S.log ? (u <= 0 ? d.t[0] : S.first * (S.end / S.first) ** u) : d.t[0] + u * (S.end - d.t[0]));
  S.place = () => { /* frame, and how far to the next */
    let q = 0;
    while (q + 2 < frames && d.t[q + 1] <= S.t) q++;
    return frames < 2 ? [0, 0] : [q, Math.min(1, Math.max(0, (S.t - d.t[q]) / (d.t[q + 1] - d.t[q] || 1)))];
  };
  S.now = new Float32Array(n * d.dim);
  S.move = () => {
    const [q, w] = S.place(), size = n * d.dim, a = q * size, b = (frames > 1 ? q + 1 : q) * size;
    for (let i = 0; i < size; i++) S.now[i] = S.x[a + i] + (w ? w * (S.x[b + i] - S.x[a + i]) : 0);
    S.size = S.grows ? d.x_top[q] + w * ((d.x_top[q + 1] ?? d.x_top[q]) - d.x_top[q]) : S.top;
    if (d.sphere && d.d <= 3)
      for (let i = 0; i < n; i++) {
        let r = 0;
        for (let k = 0; k < d.dim; k++) r += S.now[i * d.dim + k] ** 2;
        r = Math.sqrt(r);
        if (r > .2) for (let k = 0; k < d.dim; k++) S.now[i * d.dim + k] /= r;
      }
  };
  S.axis = () => (S.log ? {ticks: decades(S.first, S.end), text: power, at: S.part, title: "time t"} : {ticks: niceTicks(d.t[0], S.end, PHONE.matches ? 4 : 6), text: (v) => num(v, 4), at: S.part, title: "time t"});
  return S;
}

function colours(S) {
  const {d, n, dim} = S, out = [], shade = STATE.dark ? 1 : 0;
  const mid = [0, 1].map((k) => { let s = 0; for (let i = 0; i < n; i++) s += (S.x[i * dim + k] || 0) / n; return d.sphere || dim < 2 ? 0 : s; });
  const order = dim === 1 ? [...Array(n).keys()].sort((a, b) => S.x[a] - S.x[b]) : null;
  for (let i = 0; i < n; i++) {
    const p = (k) => S.x[i * dim + k] - (mid[k] || 0);
    if (S.colouring === "cluster") out.push(d.label[i] < CATEGORY.length ? CATEGORY[d.label[i]][shade] : css("--faint"));
    else if (S.colouring === "index") out.push(rainbow(.82 * i / Math.max(1, n - 1)));
    else if (dim === 1) out.push(rainbow(.82 * order.indexOf(i) / Math.max(1, n - 1)));
    else out.push(rainbow(Math.atan2(p(1), p(0)) / 2 / Math.PI, d.sphere && dim === 3 ? .1 * p(2) : 0));
  }
  return out;
}

/* The trails of all tokens up to now, in pieces that fade with age. */
function trails(g, S, colour, point, pick) {
  const {n, dim} = S, [q] = S.place(), keep = Math.min(q, Math.max(4, Math.floor(26000 / n)));
  const span = Math.ceil(keep / 3) || 1;
  g.lineWidth = n > 300 ? .7 : 1.25;
  for (let i = 0; i < n; i++)
    for (let piece = 0; piece < 3; piece++) {
      const to = q - piece * span, from = Math.max(q - keep, to - span);
      if (to <= from && !(piece === 0)) break;
      g.beginPath();
      let pen = false;
      for (let f = from; f <= to + (piece === 0 ? 1 : 0); f++) {
        const last = f > q, at = (k) => (last ? S.now[i * dim + k] : S.x[(f * n + i) * dim + k]);
        const s = point(at(0), dim > 1 ? at(1) : 0, dim > 2 ? at(2) : 0);
        if (Number.isNaN(s[0]) || !pick(s)) { pen = false; continue; }
        if (pen) g.lineTo(s[0], s[1]); else g.moveTo(s[0], s[1]);
        pen = true;
      }
      g.strokeStyle = fade(colour[i], [.6, .32, .16][piece] * (n > 300 ? .5 : 1));
      g.stroke();
    }
}
function dotSize(S, R) {
  return Math.min(5.2, Math.max(1.3, .24 * R / Math.sqrt(S.n) + .6));
}

/* --- sphere: d = 3 --- */
function paintSphere(g, w, height, S, view) {
  const R = .44 * Math.min(w, height), cx = w / 2, cy = height / 2, see = turned(view), colour = colours(S), r = dotSize(S, R);
  const point = (x, y, z) => { const p = see(x, y, z); return [cx + R * p[0], cy - R * p[1], p[2]]; };
  const ball = g.createRadialGradient(cx - .35 * R, cy - .45 * R, .1 * R, cx, cy, R);
  const tint = STATE.dark ? ["#2a3039", "#14171c"] : ["#ffffff", "#e6ebf1"];
  ball.addColorStop(0, tint[0]); ball.addColorStop(1, tint[1]);
  g.beginPath(); g.arc(cx, cy, R, 0, 2 * Math.PI); g.fillStyle = ball; g.fill();
  const where = [];
  for (let i = 0; i < S.n; i++) {
    const p = point(S.now[3 * i], S.now[3 * i + 1], S.now[3 * i + 2]);
    if (!Number.isNaN(p[0])) where.push([p, i]);
  }
  where.sort((a, b) => a[0][2] - b[0][2]);
  const heap = S.n > 1 ? heaps(S.now, S.n, 3, .035).filter((a) => a.n > Math.max(2, S.n / 40)) : [];
  for (const front of [false, true]) {
    g.lineWidth = .8;
    g.strokeStyle = fade(STATE.dark ? "#aab4c3" : "#6b7684", front ? .3 : .13);
    graticule(g, see, R, cx, cy, front);
    trails(g, S, colour, point, (s) => (s[2] >= 0) === front);
    for (const a of heap) {
      const p = point(S.now[3 * a.token], S.now[3 * a.token + 1], S.now[3 * a.token + 2]);
      const out = Math.hypot(p[0] - cx, p[1] - cy) || 1;
      if ((p[2] >= 0) === front) halo(g, p[0], p[1], a, colour[a.token], S, out < .2 * R ? [0, -1] : [(p[0] - cx) / out, (p[1] - cy) / out]);
    }
    for (const [p, i] of where)
      if ((p[2] >= 0) === front) dotAt(g, p[0], p[1], r * (1 + .18 * p[2]), colour[i], css("--card"));
    if (!front) { /* what lies behind is seen through the ball */
      g.beginPath(); g.arc(cx, cy, R, 0, 2 * Math.PI); g.globalAlpha = .62; g.fillStyle = ball; g.fill(); g.globalAlpha = 1;
    }
  }
  g.beginPath(); g.arc(cx, cy, R, 0, 2 * Math.PI); g.lineWidth = 1.2; g.strokeStyle = fade(STATE.dark ? "#aab4c3" : "#6b7684", .7); g.stroke();
}

/* --- circle: d = 2; and the disc of a projection, d > 3 --- */
function paintCircle(g, w, height, S) {
  const flat = S.d.d > 3, R = (flat ? .45 : .4) * Math.min(w, height), cx = w / 2, cy = height / 2, colour = colours(S), r = dotSize(S, R) + (flat ? 0 : .8);
  const point = (x, y) => [cx + R * x, cy - R * y, 1];
  g.beginPath(); g.arc(cx, cy, R, 0, 2 * Math.PI);
  g.fillStyle = STATE.dark ? "#1b1f26" : "#f5f6f8"; g.fill();
  g.lineWidth = flat ? 1.2 : 1.6; g.strokeStyle = fade(STATE.dark ? "#aab4c3" : "#6b7684", .6); g.stroke();
  g.strokeStyle = css("--grid"); g.lineWidth = 1;
  for (const [x, y] of [[1, 0], [0, 1]]) { g.beginPath(); g.moveTo(cx - R * x, cy - R * y); g.lineTo(cx + R * x, cy + R * y); g.stroke(); }
  if (flat) trails(g, S, colour, point, () => true);
  else { /* the mean token: its length is the order parameter */
    let mx = 0, my = 0;
    for (let i = 0; i < S.n; i++) { mx += (S.now[2 * i] || 0) / S.n; my += (S.now[2 * i + 1] || 0) / S.n; }
    const [x, y] = point(mx, my), long = Math.hypot(mx, my);
    g.strokeStyle = g.fillStyle = css("--soft"); g.lineWidth = 2;
    g.beginPath(); g.moveTo(cx, cy); g.lineTo(x, y); g.stroke();
    dotAt(g, x, y, 3.4, css("--soft"));
    g.textAlign = "center"; g.textBaseline = "middle";
    g.fillText(`R = ${num(long, 2)}`, cx - (mx * 34) / (long || 1), cy + (long > .02 ? my * 20 / long : 18));
  }
  for (const a of heaps(S.now, S.n, 2, .03).filter((b) => b.n > Math.max(2, S.n / 40))) {
    const [x, y] = point(S.now[2 * a.token], S.now[2 * a.token + 1]), out = Math.hypot(x - cx, y - cy) || 1;
    halo(g, x, y, a, colour[a.token], S, [(x - cx) / out, (y - cy) / out]);
  }
  for (let i = 0; i < S.n; i++) {
    const [x, y] = point(S.now[2 * i], S.now[2 * i + 1]);
    if (!Number.isNaN(x)) dotAt(g, x, y, r, colour[i], css("--card"));
  }
}

/* --- R^2 and R^3: tokens and the hull of all of them --- */
function paintPlane(g, w, height, S) {
  const R = Math.min(w, height) / 2 - 26, cx = w / 2, cy = height / 2, colour = colours(S), r = dotSize(S, R) + .6;
  const point = (x, y) => [cx + R * x / S.size, cy - R * y / S.size, 1];
  const ring = (corner, at) => { g.beginPath(); corner.forEach((i, k) => { const p = at(i); if (k) g.lineTo(p[0], p[1]); else g.moveTo(p[0], p[1]); }); g.closePath(); };
  g.strokeStyle = css("--grid"); g.lineWidth = 1;
  for (const [x, y] of [[1, 0], [0, 1]]) { g.beginPath(); g.moveTo(cx - (R + 14) * x, cy - (R + 14) * y); g.lineTo(cx + (R + 14) * x, cy + (R + 14) * y); g.stroke(); }
  g.fillStyle = css("--faint"); g.textAlign = "right"; g.textBaseline = "bottom";
  g.fillText(num(S.size), cx + R + 14, cy - 3);
  g.beginPath(); g.moveTo(cx + R, cy - 4); g.lineTo(cx + R, cy + 4); g.stroke();
  const [q] = S.place(), now = (i) => point(S.now[2 * i], S.now[2 * i + 1]);
  if (!S.grows && S.d.hull) {
    ring(S.d.hull[0], (i) => point(S.x[2 * i], S.x[2 * i + 1]));
    g.setLineDash([4, 4]); g.strokeStyle = css("--faint"); g.lineWidth = 1.1; g.stroke(); g.setLineDash([]);
  }
  const corner = S.d.hull ? S.d.hull[q] : [];
  if (corner.length) {
    ring(corner, now);
    g.fillStyle = fade(STATE.dark ? "#56a8e0" : "#0072b2", .1); g.fill();
    g.strokeStyle = STATE.dark ? "#56a8e0" : "#0072b2"; g.lineWidth = 1.8; g.stroke();
  }
  trails(g, S, colour, point, () => true);
  const edge = new Set(corner);
  for (const a of heaps(S.now, S.n, 2, .02 * S.size).filter((b) => b.n > 1)) {
    const [x, y] = now(a.token), out = Math.hypot(x - cx, y - cy) || 1;
    halo(g, x, y, a, colour[a.token], S, [(x - cx) / out, (y - cy) / out]);
  }
  for (let i = 0; i < S.n; i++) {
    const p = now(i);
    if (!Number.isNaN(p[0])) dotAt(g, p[0], p[1], r + (edge.has(i) ? 1.4 : 0), colour[i], edge.has(i) ? css("--ink") : css("--card"));
  }
}
function paintSpace(g, w, height, S, view) {
  const R = .5 * Math.min(w, height) / 1.5, cx = w / 2, cy = height / 2, colour = colours(S), r = dotSize(S, R) + .6, see = turned(view);
  const point = (x, y, z) => { const p = see(x / S.size, y / S.size, z / S.size); return [cx + R * p[0], cy - R * p[1], p[2]]; };
  const [q] = S.place(), at = (i) => point(S.now[3 * i], S.now[3 * i + 1], S.now[3 * i + 2]), ink = STATE.dark ? "#56a8e0" : "#0072b2";
  g.strokeStyle = css("--grid"); g.lineWidth = 1; /* the box [-size, size]^3 */
  for (let a = 0; a < 3; a++) for (const u of [-1, 1]) for (const v of [-1, 1]) {
    const ends = [-1, 1].map((s) => { const c = [u, v]; c.splice(a, 0, s); return point(...c.map((k) => k * S.size)); });
    g.beginPath(); g.moveTo(ends[0][0], ends[0][1]); g.lineTo(ends[1][0], ends[1][1]); g.stroke();
  }
  const face = [], corner = S.d.hull ? S.d.hull[q] : [];
  for (let k = 0; k + 2 < corner.length; k += 3) {
    const p = [0, 1, 2].map((j) => at(corner[k + j]));
    const up = (p[1][0] - p[0][0]) * (p[2][1] - p[0][1]) - (p[1][1] - p[0][1]) * (p[2][0] - p[0][0]);
    face.push({p, front: up < 0});
  }
  const fill = (front) => {
    for (const f of face) {
      if (f.front !== front) continue;
      g.beginPath(); g.moveTo(f.p[0][0], f.p[0][1]); g.lineTo(f.p[1][0], f.p[1][1]); g.lineTo(f.p[2][0], f.p[2][1]); g.closePath();
      const u = [0, 1, 2].map((k) => f.p[1][k] - f.p[0][k]), v = [0, 1, 2].map((k) => f.p[2][k] - f.p[0][k]);
      u[2] *= R; v[2] *= R;
      const c = [u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]], lit = Math.abs(c[2]) / (Math.hypot(...c) || 1);
      g.fillStyle = fade(ink, front ? .05 + .15 * lit : .04); g.fill();
      g.strokeStyle = fade(ink, front ? .75 : .22); g.lineWidth = front ? 1.2 : .8; g.stroke();
    }
  };
  fill(false);
  trails(g, S, colour, point, () => true);
  const where = [...Array(S.n).keys()].map((i) => [at(i), i]).filter(([p]) => !Number.isNaN(p[0])).sort((a, b) => a[0][2] - b[0][2]), edge = new Set(corner);
  fill(true);
  for (const a of heaps(S.now, S.n, 3, .02 * S.size).filter((b) => b.n > 1)) {
    const [x, y] = at(a.token), out = Math.hypot(x - cx, y - cy) || 1;
    halo(g, x, y, a, colour[a.token], S, [(x - cx) / out, (y - cy) / out]);
  }
  for (const [p, i] of where) dotAt(g, p[0], p[1], r + (edge.has(i) ? 1.2 : 0), colour[i], edge.has(i) ? css("--ink") : css("--card"));
  g.fillStyle = css("--faint"); g.textAlign = "right"; g.textBaseline = "bottom";
  g.fillText(`box ±${num(S.size)}`, w - 8, height - 6);
}
