/* Synthetic run directories in the form the laboratory writes, and a
 * claims.json: what the report tests draw. Nothing in them was measured.
 *
 *     node fixture.js FOLDER
 */
"use strict";
const fs = require("fs");
const path = require("path");

/* A small generator, so that the fixture is the same everywhere. */
function random(seed) {
  let s = seed >>> 0;
  return () => {
    s = (s + 0x6d2b79f5) >>> 0;
    let t = Math.imul(s ^ (s >>> 15), 1 | s);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

function npy(file, shape, data, descr = "<f4") {
  let head = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${shape.join(", ")}${shape.length === 1 ? "," : ""}), }`;
  head += " ".repeat(63 - (10 + head.length) % 64) + "\n";
  const prefix = Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, head.length & 255, head.length >> 8]);
  const body = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  fs.writeFileSync(file, Buffer.concat([prefix, Buffer.from(head, "latin1"), body]));
}

const N_CTX = 256, CROP = 64, VOCAB = 65, STEPS = 400;
const PROFILE = {steps: 400, threads: 2, seconds: 120, kernels: "avx512", peak_flops_per_thread: 1.8e11, rows: [
  {what: "softmax", value: "blocks.1.attn.hook_z", op: 7, direction: "backward", calls: 9, seconds: 48, share: .4, madds: 2e12, gflops: 83, of_peak: .46},
  {what: "softmax", value: "blocks.1.attn.hook_z", op: 7, direction: "forward", calls: 9, seconds: 24, share: .2, madds: 1e12, gflops: 83, of_peak: .46},
  {what: "linear", value: "", op: 3, direction: "forward", calls: 9, seconds: 12, share: .1, madds: 1e12, gflops: 167, of_peak: .93},
  {what: "sequences are drawn", value: "", op: -1, direction: "", calls: 9, seconds: 12, share: .1, madds: 0}]};
const TEXT = "the king said that the queen had heard the thing he sang there; then the hen sat ";

function config(name, seed, extra = "") {
  return `run:\n  name: ${name}\n  kind: train\n  seed: ${seed}\ntask:\n  kind: bigram\n  n_ctx: ${N_CTX}\n  n_triggers: 5\n` +
    `model:\n  n_layers: 2\n  d_model: 128\n${extra}optim:\n  kind: sgd\n  lr: 0.2\ntrain:\n  steps: ${STEPS}\n  batch: 512\n`;
}

function record(name, seed, more = {}) {
  return Object.assign({
    name, id: "20260131-12000" + seed, status: "finished", reason: "", seed, version: "0.1.0", commit: "0123456789ab",
    start: "2026-01-31T12:00:00Z", end: "2026-01-31T12:01:08Z", seconds: 67.9 + seed, resumed: 0, kernels: "avx512",
    precision: "float32", threads: 2, n_params: 200192, n_trained: 49152, steps: STEPS, steps_done: STEPS,
    tokens: 52428800, tokens_per_s: 268000 + 900 * seed, memory_announced_bytes: 92274688, memory_peak_bytes: 88080384,
    machine: "Example CPU, 2 cores, 7.8 GiB, Linux 6.1 x86_64", cpu_features: "avx2 fma avx512f",
  }, more);
}

/* An S-shaped rise from lo to hi, half-way at step mid. */
function rise(t, mid, width, lo = 0, hi = 1) {
  return lo + (hi - lo) / (1 + Math.exp(-(t - mid) / width));
}

/* delay shifts everything behind a release of frozen matrices. */
function metrics(seed, {delay = 0, wf = false, poor = 1} = {}) {
  const next = random(100 + seed), lines = [], shift = 14 * (next() - .5);
  for (let step = 0; step < STEPS; step += 5) {
    const t = Math.max(0, step - delay), noise = (w) => w * (next() - .5);
    const acc = poor * Math.min(1, rise(t, 95 + shift, 22, 0, .95) + .0001 * t) + Math.abs(noise(.02));
    const row = {
      step, loss: 4.5 - 4.15 * rise(t, 85 + shift, 28) * poor + noise(.12),
      loss_global: wf ? 2.6 + 2 * Math.exp(-step / 18) + noise(.03) : 4.6 + .5 * rise(t, 120, 60) + noise(.03),
      loss_in_context: 4.5 - 4.15 * rise(t, 88 + shift, 28) * poor + noise(.12),
      acc_all: .93 * acc, acc_start: .6 * acc + Math.abs(noise(.05)), acc_in_context: acc, repeat_fraction: .265 + noise(.05),
      attn_prev: rise(t, 120 + shift, 30, .01, .42), attn_answer: rise(t, 105 + shift, 25, .05, .9), attn_match: rise(t, 110 + shift, 25, .2, .93),
      attn_cond: rise(t, 115 + shift, 25, .03, .88), pred_attended: rise(t, 60 + shift, 25, .02, .95),
      acc_in_context_test: poor * Math.min(1, rise(t, 97 + shift, 22, 0, .95)), loss_in_context_test: 4.5 - 4.1 * rise(t, 90 + shift, 28) * poor,
      recall_W_O2: Math.round(65 * rise(t, 45 + shift, 16)) / 65, recall_W_K2: Math.round(65 * rise(t, 190 + shift, 60, -.04, .82)) / 65,
      recall_W_K1: rise(t, 140 + shift, 60, 0, .29), recall_W_K1_early: Math.round(63 * rise(t, 105 + shift, 28, 0, .82)) / 63,
      "norm.blocks.0.attn.W_QK": 6.53 + 3.2 * rise(t, 150, 60), "norm.blocks.1.attn.W_QK": 6.53 + 7.9 * rise(t, 150, 60), "norm.blocks.1.attn.W_O": 6.53 + 17.6 * rise(t, 90, 60),
      "grad_norm.blocks.0.attn.W_QK": .06 + .3 * Math.exp(-(((t - 100) / 50) ** 2)), "grad_norm.blocks.1.attn.W_QK": .058 + .5 * Math.exp(-(((t - 100) / 50) ** 2)), "grad_norm.blocks.1.attn.W_O": .33 * Math.exp(-t / 80) + .05,
    };
    if (wf) row.kl_W_F = 1.03 + 1.3 * Math.exp(-step / 20) + .0002 * step;
    lines.push(JSON.stringify(row));
  }
  return lines;
}
function timing(seed) {
  return Array.from({length: STEPS / 5}, (_, i) => JSON.stringify({step: 5 * i, seconds: .8 * i, tokens_per_s: 268000 + 4000 * Math.sin(i + seed), memory_bytes: 88080384}));
}

/* Token ids: the 65 characters of the text in order of code point. */
const CHARS = [..."\n !$&',-.3:;?ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"];
function tokens() {
  return Int32Array.from({length: N_CTX}, (_, t) => CHARS.indexOf(TEXT[t % TEXT.length]));
}

function pattern(n, progress, layer, ids, heads) {
  const out = new Float32Array(heads * n * n);
  for (let a = 0; a < heads; a++)
    for (let t = 0; t < n; t++) {
      const w = [];
      let sum = 0;
      for (let s = 0; s <= t; s++) {
        let score = .3 * Math.sin(7 * s + 3 * t + a);
        if (layer === 0 && s === t - 1) score += progress * (7 - a);
        if (layer === 1 && s > 0 && ids[s - 1] === ids[t]) score += progress * (6 - a);
        w.push(Math.exp(score));
        sum += w[s];
      }
      for (let s = 0; s <= t; s++) out[(a * n + t) * n + s] = w[s] / sum;
    }
  return out;
}
function memory(n, progress, shift, seed) {
  const next = random(seed), out = new Float32Array(n * n);
  for (let i = 0; i < n; i++)
    for (let j = 0; j < n; j++)
      out[i * n + j] = .35 * (next() + next() + next() - 1.5) + (j === i - shift ? 4 * progress * (shift ? Math.exp(-i / 40) : 1) : 0);
  return out;
}
function arrays(dir, {heads = 1, snapshots = [0, 10, 25, 50, 75, 100, 150, 200, 300, STEPS - 1]} = {}) {
  const ids = tokens();
  fs.mkdirSync(dir, {recursive: true});
  npy(path.join(dir, "demo_tokens.npy"), [N_CTX], ids, "<i4");
  for (const step of snapshots) {
    const side = step === STEPS - 1 ? N_CTX : CROP, p = (mid) => rise(step, mid, 25);
    for (const layer of [0, 1]) npy(path.join(dir, `pattern_L${layer}.${step}.npy`), [heads, side, side], pattern(side, p(110), layer, ids, heads));
    npy(path.join(dir, `memory_W_O2.${step}.npy`), [VOCAB, VOCAB], memory(VOCAB, p(45), 0, 5));
    npy(path.join(dir, `memory_W_K2.${step}.npy`), [VOCAB, VOCAB], memory(VOCAB, p(150), 0, 6));
    npy(path.join(dir, `memory_W_K1.${step}.npy`), [side, side], memory(side, p(110), 1, 7));
  }
}

function run(root, name, seed, opts = {}) {
  const dir = path.join(root, opts.folder || name, `20260131-12000${seed}`);
  fs.mkdirSync(dir, {recursive: true});
  fs.writeFileSync(path.join(dir, "config.yaml"), opts.config || config(name, seed, opts.extra));
  fs.writeFileSync(path.join(dir, "run.json"), JSON.stringify(record(name, seed, opts.record), null, 2));
  fs.writeFileSync(path.join(dir, "metrics.jsonl"), opts.text !== undefined ? opts.text : metrics(seed, opts).join("\n") + "\n");
  if (opts.profile) {
    fs.mkdirSync(path.join(dir, "arrays"), {recursive: true});
    fs.writeFileSync(path.join(dir, "arrays", "profile.json"), JSON.stringify(PROFILE));
  }
  if (opts.text === undefined) fs.writeFileSync(path.join(dir, "timing.jsonl"), timing(seed).join("\n") + "\n");
  if (opts.arrays) arrays(path.join(dir, "arrays"), opts.arrays);
  return dir;
}

/* A run that tells losses at places, and what linear maps read by depth; and a
 * solver of the same places. */
function places(step, faster = 1) {
  const row = {step, loss: 2 - step / 400};
  for (const t of [1, 5, 10, 20]) row["loss_at." + t] = 1.7 / (1 + faster * step * t / 400);
  if (step === STEPS)
    for (const what of ["next", "token1"]) for (const at of [5, 20]) for (const depth of [0, 1, 2]) {
      row[`linear.${what}.${depth}.${at}`] = .9 / (1 + depth * at);
      row[`linear_held.${what}.${depth}.${at}`] = 1 / (1 + depth * at);
    }
  return JSON.stringify(row);
}

function main(root) {
  const runs = [];
  for (const seed of [1, 2, 3]) {
    runs.push(run(root, "nothing-frozen", seed, {arrays: seed === 1 ? {} : null}));
    runs.push(run(root, "W_O2-frozen", seed, {delay: 250, extra: "  norm: none\n"}));
    runs.push(run(root, "keys-frozen", seed, {delay: 120, extra: "  norm: none\n"}));
  }
  runs.push(run(root, "all-tokens-W_F", 1, {wf: true, arrays: {heads: 2}}));
  runs.push(run(root, "one-layer", 1, {poor: .5, profile: true}));
  runs.push(run(root, "lemma-2", 1, {
    config: "run:\n  name: lemma-2\n  kind: theory\n  theory: lemma2\n  seed: 1\n", record: {kind: "theory", steps: 0, tokens: 0, tokens_per_s: 0, n_params: 0, n_trained: 0},
    text: [[16, .138], [32, .428], [64, .888], [128, .9998], [256, 1], [512, 1], [1024, 1]].map(([d, a]) => JSON.stringify({step: d, accuracy: a, signal: .97 - 1 / d, noise: Math.sqrt(3 / d + 130 / d / d)})).join("\n") + "\n",
  }));
  for (const seed of [1, 2])
    runs.push(run(root, "places", seed, {text: [0, 100, 200, 300, STEPS].map((n) => places(n)).join("\n") + "\n"}));
  runs.push(run(root, "places-faster", 1, {text: [0, STEPS].map((n) => places(n, 3)).join("\n") + "\n"}));
  runs.push(run(root, "solver", 1, {
    config: `run:\n  name: solver\n  kind: theory\n  theory: mesa_solver\n  seed: 1\ntheory:\n  solver: ridge\n  n_ctx: ${N_CTX}\n  steps: 1\n`, record: {kind: "theory"},
    text: Array.from({length: 21}, (_, t) => JSON.stringify(t ? {step: t, loss: 1.7 / t} : {step: 0, mean: .3})).join("\n") + "\n",
  }));
  /* what must not break a page: markup in a name, a cut last line, NaN */
  const evil = metrics(1).slice(0, 30);
  evil[20] = evil[20].replace(/"loss":[^,]*/, '"loss":NaN').replace(/"loss_global":[^,]*/, '"loss_global":null');
  evil[2] = evil[2].replace("{", '{"loss_at.early":1,'); // no place
  evil[12] = "{ this is no JSON";
  runs.push(run(root, "<script>window.hacked=1</script><img src=x onerror=window.hacked=2>", 4, {
    folder: "odd", text: evil.join("\n") + '\n{"step": 150, "lo', record: {status: "diverged", reason: "step 148: gradient of <b>W_O</b> is not finite"},
  }));
  const empty = path.join(root, "empty", "20260131-120009");
  fs.mkdirSync(empty, {recursive: true});
  fs.writeFileSync(path.join(empty, "metrics.jsonl"), "");
  runs.push(empty);
  const claim = (id, verdict, statement, measured, expected, tolerance, dir, seconds = 68) =>
    ({id: "birth/" + id, source: "Bietti et al. 2023, Figure 3", statement, verdict, measured, expected, tolerance, seeds: 3, seconds, run: dir});
  const claims = [
    claim("fig3/accuracy", "holds", "With nothing frozen the induction head reaches near-perfect in-context accuracy within a few hundred steps.", .949, ">= 0.9", "spread over 3 seeds", runs[0]),
    claim("fig3/order", "holds", "W_O2 is learnt before the key matrices: its recall reaches one half first.", 61.7, "> 20", "steps between the two crossings", runs[0]),
    claim("fig3/frozen-output", "holds", "While W_O2 is frozen nothing is learnt by the key matrices.", .0154, "<= 0.05", "one token in 65 by chance is 0.015", runs[1]),
    claim("fig3/keys-frozen", "fails", "With both key matrices frozen W_O2 still reaches full recall although accuracy stays poor.", .94, "1 +- 0.03", "one token in 65 is 0.015", runs[2]),
    claim("fig4/kl", "holds", "The global bigrams are stored first: the KL of W_F has its minimum within 120 steps.", 90, "<= 120", "logged every 5 steps", runs[9]),
    claim("sec3/one-layer", "holds", "A single layer stays far below two layers on the task.", .487, "<= 0.6", "", runs[10]),
    claim("lemma2/noise", "holds", "One gradient step stores the signal and ignores the position.", .9998, "1 +- 0.002", "5 draws", runs[11], 2.1),
    claim("theorem/three-steps", "refuted", "Three gradient steps alone recover W_K1 with all residual streams kept, at d = 512.", .13, ">= 0.5", "", runs[11], 31),
    claim("appendix/adam", "not run", "The same qualitative order holds with Adam.", null, "order of crossings", "", "", 0),
    claim("odd/<b>markup</b>", "not run", "<script>window.hacked=3</script> stays text.", null, "<i>text</i>", "", ""),
  ];
  fs.writeFileSync(path.join(root, "claims.json"), JSON.stringify({claims, runs}, null, 1));
}

if (require.main === module) main(process.argv[2] || "fixture");
module.exports = {npy, random, record, run};
