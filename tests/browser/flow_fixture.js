/* Synthetic flow runs in the form the laboratory writes: small systems by
 * Euler steps, good enough to draw. Nothing in them was measured.
 *
 *     node flow_fixture.js FOLDER
 */
"use strict";
const fs = require("fs");
const path = require("path");
const {npy, random, record} = require("./fixture.js");

const dot = (a, b) => a.reduce((s, v, k) => s + v * b[k], 0);
const unit = (v) => { const r = Math.sqrt(dot(v, v)); return v.map((x) => x / r); };
function gauss(next) {
  return Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
}

/* Softmax attention of token i on rows y, scores beta <y_i, y_j>. */
function attend(y, i, beta, causal, scale = 1) {
  const n = causal ? i + 1 : y.length, s = [];
  let top = -Infinity, sum = 0;
  for (let j = 0; j < n; j++) { s.push(beta * scale * dot(y[i], y[j])); top = Math.max(top, s[j]); }
  for (let j = 0; j < n; j++) { s[j] = Math.exp(s[j] - top); sum += s[j]; }
  return s.map((w) => w / sum);
}
function mean(w, y) {
  const out = y[0].map(() => 0);
  w.forEach((p, j) => { for (let k = 0; k < out.length; k++) out[k] += p * y[j][k]; });
  return out;
}
function step(x, t, h, o) {
  if (o.space === "rescaled") /* V = Id: scores from exp(t) z */
    return x.map((z, i) => { const m = mean(attend(x, i, 1, false, Math.exp(2 * t)), x); return z.map((v, k) => v + h * (m[k] - v)); });
  if (o.space === "euclidean")
    return x.map((z, i) => { const m = mean(attend(x, i, 1, false), x); return z.map((v, k) => v + h * m[k]); });
  return x.map((z, i) => { const a = mean(attend(x, i, o.beta, o.causal), x), p = dot(a, z); return unit(z.map((v, k) => v + h * (a[k] - p * v))); });
}

function components(x, delta) {
  const root = x.map((_, i) => i), find = (i) => (root[i] === i ? i : (root[i] = find(root[i])));
  for (let i = 0; i < x.length; i++) for (let j = 0; j < i; j++) if (dot(x[i], x[j]) > 1 - delta) root[find(i)] = find(j);
  return x.filter((_, i) => find(i) === i).length;
}
function observe(x, t, k, o) {
  const n = x.length, counts = new Array(o.bins).fill(0);
  let e = 0, sum = 0, min = 1, close = 0;
  for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) {
    const g = Math.min(1, Math.max(-1, dot(x[i], x[j])));
    e += Math.exp(o.beta * (g - 1)) / n / n;
    if (j >= i) continue;
    counts[Math.min(o.bins - 1, Math.floor((g + 1) / 2 * o.bins))]++;
    sum += g; min = Math.min(min, g); close += g > .999;
  }
  const pairs = n * (n - 1) / 2, m = mean(new Array(n).fill(1 / n), x);
  return {row: {step: k, t, energy: e * Math.exp(o.beta) / 2 / o.beta, energy_shifted: e, order: Math.sqrt(dot(m, m)), mean: sum / pairs, min,
    density: close / pairs, components: components(x, 1e-3)}, counts};
}

function flow(root, name, options) {
  const o = Object.assign({space: "sphere", beta: 1, n: 32, d: 2, bins: 100, causal: false, seed: 1, h: .05}, options);
  const next = random(o.seed), dir = path.join(root, name, "20260131-12000" + o.seed), arrays = path.join(dir, "arrays");
  let x = Array.from({length: o.n}, () => (o.space === "sphere" ? unit(Array.from({length: o.d}, () => gauss(next))) : Array.from({length: o.d}, () => (2 * next() - 1) * (o.side || 5))));
  const xs = [], rows = [], hist = [], merges = [];
  let t = o.times[0], last = Infinity;
  o.times.forEach((end, k) => {
    while (t < end - 1e-9) {
      const h = Math.min(o.h, end - t);
      x = step(x, t, h, o);
      t += h;
    }
    const seen = o.space === "sphere" ? observe(x, t, k, o) : {row: {step: k, t, energy: dot(x[0], x[0])}, counts: []};
    if (seen.row.components < last && k) merges.push(t, seen.row.components);
    last = seen.row.components ?? last;
    xs.push(...x.flat());
    rows.push(JSON.stringify(seen.row));
    hist.push(...seen.counts);
  });
  if (o.lose) for (let k = 0; k < o.d; k++) xs[xs.length - 1 - k] = NaN;
  fs.mkdirSync(arrays, {recursive: true});
  npy(path.join(arrays, "x.npy"), [o.times.length, o.n, o.d], Float64Array.from(xs), "<f8");
  npy(path.join(arrays, "t.npy"), [o.times.length], Float64Array.from(o.times), "<f8");
  if (o.space === "sphere") {
    npy(path.join(arrays, "hist.npy"), [o.times.length, o.bins], Float64Array.from(hist), "<f8");
    npy(path.join(arrays, "merges.npy"), [merges.length / 2, 2], Float64Array.from(merges), "<f8");
  }
  if (o.damage) fs.writeFileSync(path.join(arrays, "hist.npy"), "no array");
  fs.writeFileSync(path.join(dir, "config.yaml"), `run:\n  name: ${name}\n  kind: flow\n  seed: ${o.seed}\nflow:\n  model: SA\n  space: ${o.space}\n` +
    `  beta: ${o.beta}\n  n: ${o.n}\n  d: ${o.d}\n  causal: ${o.causal}\n  norm: post\n  delta: 0.001\n`);
  fs.writeFileSync(path.join(dir, "run.json"), JSON.stringify(record(name, o.seed, {kind: "flow", precision: "float64", steps: o.times.length, steps_done: o.times.length,
    n_params: 0, n_trained: 0, tokens: 0, tokens_per_s: 0}), null, 2));
  fs.writeFileSync(path.join(dir, "metrics.jsonl"), rows.join("\n") + "\n");
  return dir;
}

/* A made-up phase diagram: a smooth step across a curve. */
function phase(root, name) {
  const dir = path.join(root, name, "20260131-120001"), rows = [];
  fs.mkdirSync(dir, {recursive: true});
  for (let b = 1; b <= 45; b++) {
    const edge = 5.3 + .02 * Math.exp(b * .2 * .95), row = {step: 200 * b, boundary: edge};
    for (let t = 0; t <= 30; t += .5) {
      const p = 1 / (1 + Math.exp((edge - t) * 1.6));
      Object.assign(row, {[`density_${t}`]: p, [`density_${t}_sd`]: Math.sqrt(p * (1 - p) / 64), [`components_${t}`]: 1 + 31 * Math.exp(-t / edge), cosine_1: .5});
    }
    rows.push(JSON.stringify(row));
  }
  fs.writeFileSync(path.join(dir, "config.yaml"), `run:\n  name: ${name}\n  kind: theory\n  theory: phase\n  seed: 1\ntheory:\n  times: [${linear(30, 60).join(", ")}]\n`);
  fs.writeFileSync(path.join(dir, "run.json"), JSON.stringify(record(name, 1, {kind: "theory", precision: "float64", steps: 0, n_params: 0, n_trained: 0, tokens: 0, tokens_per_s: 0}), null, 2));
  fs.writeFileSync(path.join(dir, "metrics.jsonl"), rows.join("\n") + "\n");
  return dir;
}

/* A made-up surface: a bowl over 6 x 5 points. */
function surface(root, name) {
  const dir = path.join(root, name, "20260131-120001"), rows = [];
  fs.mkdirSync(dir, {recursive: true});
  for (let i = 0; i < 30; i++) {
    const x = Math.floor(i / 5) / 2, y = i % 5 - 2;
    rows.push(JSON.stringify({step: i + 1, x, y, height: x * x + y * y}));
  }
  fs.writeFileSync(path.join(dir, "config.yaml"), `run:\n  name: ${name}\n  kind: theory\n  theory: energy_values\n  seed: 1\n`);
  fs.writeFileSync(path.join(dir, "run.json"), JSON.stringify(record(name, 1, {kind: "theory", precision: "float64", steps: 0, n_params: 0, n_trained: 0, tokens: 0, tokens_per_s: 0}), null, 2));
  fs.writeFileSync(path.join(dir, "metrics.jsonl"), rows.join("\n") + "\n");
  return dir;
}

const linear = (end, count) => Array.from({length: count + 1}, (_, i) => end * i / count);
const powers = (from, end, count) => [0, ...Array.from({length: count}, (_, i) => from * (end / from) ** (i / (count - 1)))];

function main(root) {
  const runs = [
    flow(root, "sphere", {d: 3, n: 64, beta: 9, times: powers(.05, 200, 120), h: .1}),
    flow(root, "circle", {d: 2, n: 32, beta: 4, times: linear(30, 150)}),
    flow(root, "causal", {d: 2, n: 100, beta: 64, causal: true, times: powers(.1, 300, 100), h: .2}),
    flow(root, "polygon", {space: "rescaled", d: 2, n: 20, times: linear(5, 100)}),
    flow(root, "polytope", {space: "rescaled", d: 3, n: 40, times: linear(5, 60)}),
    flow(root, "line", {space: "euclidean", d: 1, n: 40, side: .2, times: linear(4, 80)}),
    flow(root, "many-dimensions", {d: 16, n: 48, beta: 2, times: linear(30, 60), h: .1}),
    flow(root, "damaged", {d: 3, n: 10, beta: 1, times: linear(5, 20), lose: true, damage: true}),
    phase(root, "phase"),
    surface(root, "surface"),
  ];
  fs.writeFileSync(path.join(root, "claims.json"), JSON.stringify({claims: [], runs}, null, 1));
}

main(process.argv[2] || "flow-fixture");
