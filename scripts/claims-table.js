// Writes the claims table of README.md from the result of a run:
//     node scripts/claims-table.js runs/reproduce/birth/TIME/claims.json
// A row a claim of the training experiments; the theory, which has many small
// claims, is counted.
const fs = require('fs');

const { claims } = JSON.parse(fs.readFileSync(process.argv[2], 'utf8'));
// JSON has no infinities: a step that was never reached is null.
const number = (x) => x === null ? 'never reached' : String(+x.toPrecision(3));
const cell = (text) => String(text).replace(/\s+/g, ' ').replace(/\|/g, '\\|');
const counted = (c) => /\/(theory|three_steps)\//.test(c.id);

const rows = claims.filter((c) => !counted(c)).map((c) =>
  `| ${cell(c.statement)} | ${cell(c.source)} | ${number(c.measured)} | ${cell(c.expected)} | ${c.verdict} |`);
const theory = claims.filter(counted);
const tally = {};
for (const c of theory) tally[c.verdict] = (tally[c.verdict] || 0) + 1;
const counts = Object.entries(tally).map(([v, n]) => `${n} ${v}`).join(', ');

const table = [
  '| claim | source | measured | expected | verdict |',
  '|---|---|---|---|---|',
  ...rows,
  `| the theory: lemmas 1 and 2, key-query gradient, constructed circuit, three steps | ${theory.length} claims | | | ${counts} |`,
].join('\n');
const readme = fs.readFileSync('README.md', 'utf8');
fs.writeFileSync('README.md', readme.replace(
  /(<!-- claims:begin -->\n)[^]*(<!-- claims:end -->)/, (_, a, b) => `${a}${table}\n${b}`));
