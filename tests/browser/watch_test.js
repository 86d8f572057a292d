/* The live page in headless Chromium: what runs really measure appears without
 * a reload, and a million points stay few.
 *
 *     node watch_test.js ENGRAM FOLDER
 */
"use strict";
const {spawn, spawnSync} = require("child_process");
const fs = require("fs");
const path = require("path");
const {check, skip, runParts, sleep, findBrowser} = require("./browser.js");

const [engram, out] = [process.argv[2], path.resolve(process.argv[3] || "watch-test")];
const TINY = (name, steps) => `run: {name: ${name}}\ntask: {n_ctx: 32, n_triggers: 2}\nmodel: {d_model: 16}\noptim: {lr: 0.001}\n` +
  `train: {steps: ${steps}, batch: 8}\nprobe: {every: 5, batch: 4, test: 4, snapshots: 60}\ncheckpoint: {every: 100000, keep: 1}\n`;
const FLOW = "run: {name: drift, kind: flow}\nflow: {n: 60, d: 3, beta: 4, times: [\"0:20000:0.1\"], method: rk4, h: 0.002}\n";
const children = [];

function begin(...args) {
  const c = spawn(engram, args, {cwd: out, stdio: ["ignore", "pipe", "ignore"]});
  children.push(c);
  return c;
}
/* Ends them all, whatever happened: this process goes when the parts have. */
process.on("exit", () => { for (const c of children) c.kill("SIGKILL"); });

/* A run of a million rows that has ended. */
function million() {
  const dir = path.join(out, "runs", "long", "20260131-120000"), rows = [];
  fs.mkdirSync(dir, {recursive: true});
  for (let i = 0; i < 1e6; i++) rows.push(`{"step":${i},"loss":${i === 654321 ? 9.5 : (2 + Math.sin(i / 30000)).toFixed(4)}}`);
  fs.writeFileSync(path.join(dir, "metrics.jsonl"), rows.join("\n") + "\n");
  fs.writeFileSync(path.join(dir, "config.yaml"), "run:\n  name: long\n  kind: train\n  seed: 1\n");
  fs.writeFileSync(path.join(dir, "run.json"), JSON.stringify({name: "long", id: "20260131-120000", kind: "train", status: "finished", seed: 1,
    start: "2026-01-31T12:00:00Z", end: "2026-01-31T13:00:00Z", seconds: 3600, steps: 1e6, steps_done: 1e6, tokens_per_s: 1000}));
}

function serve() {
  return new Promise((done) => {
    const w = begin("watch");
    let text = "";
    w.stdout.on("data", (chunk) => { text += chunk; if (text.includes("\n")) done(text.trim()); });
    w.on("exit", (code) => done(code === 0 ? "" : null));
  });
}
/* Where the newest run of a name lies below runs. */
async function idOf(name) {
  const dir = path.join(out, "runs", name);
  while (!fs.existsSync(dir) || !fs.readdirSync(dir).length) await sleep(100);
  return `${name}/${fs.readdirSync(dir).sort().pop()}`;
}
/* A view is left by the address alone: the page itself stays, with its mark. */
async function go(b, hash) {
  await b.eval(`location.hash = ${JSON.stringify(hash)}`);
}
async function stays(b, what) {
  check(await b.eval("window.mark === 'kept'"), `${what}: the page was not loaded again`);
}
const POINTS = "document.querySelector('.plot').data[0].x.length";
const LAST = "Number(document.querySelector('.plot').data[0].x.slice(-1)[0])";

async function testList(b, address) {
  await b.open(address, 1280, 900);
  await b.eval("window.mark = 'kept'");
  await b.until("document.querySelectorAll('.now .card').length === 2", "two runs run");
  await b.until("document.querySelector('.runs tbody').rows.length === 3", "three runs are listed");
  const step = "document.querySelector('.now .card .value b').textContent";
  const first = await b.eval(step);
  await b.until(`${step} !== ${JSON.stringify(first)}`, "a value changes");
  check(await b.eval("document.querySelectorAll('.now .spark path').length >= 2"), "pasts are drawn");
  await stays(b, "list");
  await b.picture(path.join(out, "list.png"));
}

async function testCurves(b) {
  await go(b, "#/run/" + encodeURIComponent(await idOf("tiny")));
  await b.until("document.querySelectorAll('.plot').length >= 3 && !!document.querySelector('.plot').data", "curves are drawn");
  check(await b.eval("document.querySelector('.card h3').textContent") === "Loss", "the first figure is the loss");
  /* not by its points: what a long curve shows of them is thinned */
  const before = await b.eval(LAST);
  await b.until(`${LAST} > ${before}`, "curves grow");
  check(await b.eval("document.querySelector('.plot').data.every((t) => t.x.every((v, i) => i === 0 || v > t.x[i - 1]))"), "steps ascend");
  await b.until("document.querySelectorAll('.plot.heat').length >= 2", "maps are there");
  const shots = await b.eval("Number(document.documentElement.dataset.maps)");
  await b.until(`Number(document.documentElement.dataset.maps) > ${shots}`, "a new snapshot appears");
  await stays(b, "curves");
  await b.eval("document.querySelector('.plot.heat').scrollIntoView({behavior: 'instant', block: 'center'})");
  await b.until("!!document.querySelector('.plot.heat').data", "maps are drawn");
  await b.picture(path.join(out, "run.png"));
}

async function testFlow(b) {
  await go(b, "#/run/" + encodeURIComponent(await idOf("drift")));
  await b.until("!!document.querySelector('.scene canvas')", "tokens are there");
  const times = await b.eval("Number(document.documentElement.dataset.times)");
  await b.until(`Number(document.documentElement.dataset.times) > ${times}`, "tokens move on");
  await b.until("Number(document.querySelector('.scene canvas').dataset.painted) > 3", "they are painted");
  await stays(b, "flow");
  await b.picture(path.join(out, "flow.png"));
}

async function testMillion(b) {
  await go(b, "#/run/long%2F20260131-120000");
  await b.until("document.documentElement.dataset.rows === '1000000' && !!document.querySelector('.plot') && !!document.querySelector('.plot').data", "a million rows are read");
  const n = await b.eval(POINTS), top = await b.eval("Math.max(...document.querySelector('.plot').data[0].y)");
  check(n > 600 && n <= 1202, "a million points are few", n);
  check(top === 9.5, "the one peak is among them", top);
  const inside = "document.querySelector('.plot').data[0].x.filter((v) => v >= 650000 && v <= 660000).length", wide = await b.eval(inside);
  await b.eval("void Plotly.relayout(document.querySelector('.plot'), {'xaxis.range': [650000, 660000]})");
  await b.until(`${inside} > ${8 * wide}`, "what is looked at closely is told closely");
  check(await b.eval("Math.abs(document.querySelector('.plot').layout.xaxis.range[0] - 650000) < 1"), "and stays in sight");
  await b.eval("void Plotly.relayout(document.querySelector('.plot'), {'xaxis.autorange': true})");
  await b.until(`${POINTS} === ${n}`, "and back");
  await stays(b, "million");
  await b.picture(path.join(out, "million.png"));
}

/* A sweep's points end one after the other; its cells are listed by a click. */
async function testSweep(b) {
  fs.writeFileSync(path.join(out, "s.yaml"), TINY("grown", 12000));
  begin("sweep", "s.yaml", "--grid", "optim.lr=0.001,0.0003", "--grid", "train.batch=4,8", "--jobs", "1", "--threads", "1", "-q");
  await go(b, "#/");
  await b.until("[...document.querySelectorAll('.names a')].some((a) => a.textContent === 'grown')", "the sweep is listed");
  await go(b, "#/sweep/grown");
  await b.until("!!document.querySelector('.grid-fig canvas') && Number(document.documentElement.dataset.ended) < 4", "its grid is there");
  await b.until("document.documentElement.dataset.ended === '4'", "its points end");
  const states = await b.eval("document.querySelector('.facts').textContent");
  check(/4 of 4 ended/.test(states), "and are counted", states);
  await b.eval("const c = document.querySelector('.grid-fig canvas'), r = c.getBoundingClientRect(); c.dispatchEvent(new MouseEvent('click', {clientX: r.left + r.width / 3, clientY: r.top + r.height / 3, bubbles: true}))");
  await b.until("document.querySelectorAll('.runs tbody tr').length === 1", "a click lists the run of a cell");
  check(await b.eval("/^#.run.grown%2F/.test(document.querySelector('.runs tbody a').getAttribute('href'))"), "with a way to it");
  await stays(b, "sweep");
  await b.picture(path.join(out, "sweep.png"));
}

/* News as of a server that had no place for a run, or had closed it and counts
 * its maps anew. */
async function testAgain(b) {
  const news = (parts) => b.eval(`view.news(${JSON.stringify(Object.assign({list: 1}, parts))})`);
  await go(b, "#/run/" + encodeURIComponent(await idOf("grown")));
  await b.until("document.querySelectorAll('.plot.heat').length >= 2", "a finished run has maps");
  await b.eval("stream.close(); document.querySelector('.plot.heat').mark = true");
  await news({head: 1, row: 1, rows: 1, maps: 0, tokens: 0});
  await sleep(4000); /* it is drawn every three seconds, or more often */
  await news({head: 1, row: 1, rows: 1, maps: 1, tokens: 0});
  await b.until("!!document.querySelector('.plot.heat') && !document.querySelector('.plot.heat').mark", "maps are drawn again");
  await news({full: true});
  await b.until("/^Too many are open/.test(document.querySelector('#main > .empty').textContent)", "no place is told");
  await stays(b, "again");
}

async function testPhone(b, address) {
  await b.open(address, 390, 844, true);
  await b.until("document.querySelectorAll('.now .card').length >= 1", "the list on a phone");
  const wide = await b.eval("[document.documentElement.scrollWidth, innerWidth]");
  check(wide[0] <= 390, "no sideways scrolling at 390 pixels", wide);
  await b.picture(path.join(out, "phone.png"));
}

(async () => {
  if (!findBrowser()) skip("no chromium on this machine");
  const doctor = spawnSync(engram, ["doctor"], {encoding: "utf8"}).stdout;
  if (!/by libmicrohttpd/.test(doctor)) skip("no libmicrohttpd");
  if (!/embedded in reports/.test(doctor)) skip("no plotting library in this build");
  fs.rmSync(out, {recursive: true, force: true});
  fs.mkdirSync(out, {recursive: true});
  fs.writeFileSync(path.join(out, "c.yaml"), TINY("tiny", 10000000));
  fs.writeFileSync(path.join(out, "f.yaml"), FLOW);
  million();
  const endless = ["c.yaml", "f.yaml"].map((file) => begin("run", file, "--threads", "1", "-q"));
  const pause = async () => { for (const c of endless) c.kill("SIGSTOP"); }; /* what follows needs the processors more */
  const address = await serve();
  check(/^http:\/\/127\.0\.0\.1:\d+\/[0-9a-f]{32}\/$/.test(address), "the address", address);
  await runParts([(b) => testList(b, address), testCurves, testFlow, pause, testMillion, testSweep, testAgain, (b) => testPhone(b, address)]);
})();
