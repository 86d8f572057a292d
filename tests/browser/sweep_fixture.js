/* Runs of one name that differ in two keys, and many claims on them:
 *
 *     node sweep_fixture.js FOLDER
 *
 * The last loss is 4 width^(-1/2) (1 + seed / 100), the accuracy lr + seed / 100
 * at the end. */
"use strict";
const fs = require("fs");
const path = require("path");
const {run} = require("./fixture.js");

const WIDTHS = [16, 64, 256], RATES = [.1, .4], SEEDS = [1, 2], STEPS = 40;

function rows(width, lr, seed) {
  const end = 4 / Math.sqrt(width) * (1 + seed / 100), out = [];
  for (let step = 0; step <= STEPS; step += 10)
    out.push(JSON.stringify({step, loss: end + (STEPS - step) / 10, acc_in_context: (lr + seed / 100) * step / STEPS}));
  return out.join("\n") + "\n";
}
function main(root) {
  const runs = [], claims = [];
  for (const width of WIDTHS)
    for (const lr of RATES)
      for (const seed of SEEDS)
        runs.push(run(root, "swept", seed, {folder: `swept-${width}-${lr}`, text: rows(width, lr, seed),
          config: `run:\n  name: swept\n  kind: train\n  seed: ${seed}\nmodel:\n  d_mlp: ${width}\noptim:\n  lr: ${lr}\ntrain:\n  steps: ${STEPS}\n`}));
  for (let i = 0; i < 30; i++)
    claims.push({id: `paper/${i < 20 ? "first" : "second"}/claim-${i}`, source: "", statement: `statement ${i}`, verdict: i === 25 ? "fails" : "holds", measured: i, expected: "> 0", tolerance: "", seeds: [1], seconds: 1, run: runs[i % 12]});
  fs.writeFileSync(path.join(root, "claims.json"), JSON.stringify({claims, runs}));
}

if (require.main === module) main(process.argv[2] || "fixture");
