// Writes the claims tables of README.md from results of runs:
//     node scripts/claims-table.js runs/reproduce/*/TIME/claims.json
// birth: a row a claim of the training experiments; its theory, which has many
// small claims, is counted. flow, mesa, energy: the claims named below and, for every
// file of experiments, a row that counts all of its claims. followups: all.
const fs = require('fs');

const telling = {
  flow: [
    'theory/closed-inverse-by-quadrature', 'theory/flow-follows-the-curve',
    'theory/energy-grows-sa', 'theory/fastest-mode-grows',
    'theory/concentration-scaling', 'theory/appendix-bound-for-all-times',
    'phase/d2-two-clusters', 'phase/d2-clusters-beta9-t30',
    'metastability/kinetic-published-time', 'metastability/kinetic-exact',
    'metastability/caps-collapse', 'metastability/caps-stay',
    'metastability/printed-lambda', 'metastability/stairs-4000-999',
    'causal/first-never-moves', 'causal/all-to-first',
    'prequel/candidates', 'prequel/hyper2-levels',
    'prequel/boolean-doubly-exponential', 'prequel/script-is-rk4',
    'prequel/script-is-euler', 'accuracy/boundary-lag',
  ],
  mesa: [
    'layers/one-step', 'layers/step-too-large-late', 'layers/two-layers',
    'layers/four-layers', 'states/learns-in-context',
    'states/binds-neighbours', 'states/deeper-knows-more',
    'compressed/compressed', 'compressed/step-size',
    'constructions/proposition-1', 'constructions/descent',
    'constructions/mesa-layer', 'theory/one-step', 'theory/least-squares',
    'theory/least-squares-as-printed', 'theory/chebyshev-as-printed',
    'theory/keys-that-change', 'curves/two-layers-as-recorded',
    'ladder/erasing', 'ladder/solving', 'families/partial-mesa',
     'linearised/first-blocks-are-softmax',
    'mesanet/guard-stalls', 'precision/float16-fails', 'stairs/four-drops',
    'coefficient/rises-with-the-drop',
  ],
  energy: [
    'theory/proposition-1', 'theory/proposition-2',
    'theory/proposition-3-as-printed', 'theory/proposition-3-how-often',
    'theory/proposition-3-corrected', 'theory/figure-1-layer-energy',
    'theory/figure-1-all-stored', 'theory/never-rises',
    'theory/never-rises-mchn', 'theory_loss/loss-of-layers',
    'theory_loss/loss-of-layers-corrected', 'theory_loss/loss-is-at-least-1',
    'theory_loss/ball-gpt2-medium', 'theory_loss/text-is-what-is-computed',
    'theory_loss/critical-radius', 'theory_loss/paper-slope',
    'theory_loss/paper-slope-is-known', 'theory_loss/derived-constant',
    'theory_loss/derived-exponent', 'theory_capacity/classical-one',
    'theory_capacity/exponential', 'theory_capacity/polynomial-as-printed',
    'theory_capacity/pairs-per-parameter', 'theory_capacity/pairs-per-width',
    'theory_capacity/transformer-descends',
  ],
};

const number = (x, digits) => x === null ? 'not measured'
  : x !== 0 && Math.abs(x) < 1e-4 ? (+x.toPrecision(digits)).toExponential()
  : String(+x.toPrecision(digits));
const cell = (text) => String(text).replace(/\s+/g, ' ').replace(/\|/g, '\\|')
  .replace(/<(?=[a-z])/g, '&lt;');
const row = (c, digits) =>
  `| ${cell(c.statement)} | ${cell(c.source)} | ${number(c.measured, digits)} | ${cell(c.expected)} | ${c.verdict} |`;
const head = ['| claim | source | measured | expected | verdict |', '|---|---|---|---|---|'];

function tally(claims) {
  const n = {};
  for (const c of claims) n[c.verdict] = (n[c.verdict] || 0) + 1;
  return Object.entries(n).map(([v, k]) => `${k} ${v}`).join(', ');
}

function birth(claims) {
  const counted = (c) => /\/(theory|three_steps)\//.test(c.id);
  const theory = claims.filter(counted);
  return [...head, ...claims.filter((c) => !counted(c)).map((c) => row(c, 3)),
    '| the theory: lemmas 1 and 2, key-query gradient, constructed circuit, three steps | ' +
    `${theory.length} claims | | | ${tally(theory)} |`];
}

function told(paper, claims) {
  const files = [...new Set(claims.map((c) => c.id.split('/')[1]))];
  const lines = [...head];
  for (const name of telling[paper]) {
    const c = claims.find((x) => x.id === `${paper}/${name}`);
    if (c) lines.push(row(c, 4));
    else console.error(`claims-table: no claim ${paper}/${name}`);
  }
  for (const file of files) {
    const all = claims.filter((c) => c.id.split('/')[1] === file);
    lines.push(`| all of [${file}](experiments/${paper}/${file}.yaml) | ${all.length} claims | | | ${tally(all)} |`);
  }
  return lines;
}

const tables = {
  birth,
  flow: (claims) => told('flow', claims),
  mesa: (claims) => told('mesa', claims),
  energy: (claims) => told('energy', claims),
  followups: (claims) => [...head, ...claims.map((c) => row(c, 4))],
};
let readme = fs.readFileSync('README.md', 'utf8');
for (const path of process.argv.slice(2)) {
  const { claims } = JSON.parse(fs.readFileSync(path, 'utf8'));
  for (const [paper, table] of Object.entries(tables)) {
    const own = claims.filter((c) => c.id.startsWith(`${paper}/`));
    if (!own.length) continue;
    const marks = new RegExp(`(<!-- ${paper}:begin -->\n)[^]*(<!-- ${paper}:end -->)`);
    readme = readme.replace(marks, (_, a, b) => `${a}${table(own).join('\n')}\n${b}`);
  }
}
fs.writeFileSync('README.md', readme);
