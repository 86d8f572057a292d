/* A page of many claims and of runs that differ in two keys, in headless
 * Chromium: folded, linked, printed; drawn together; taken away.
 *
 *     node sweep_test.js MAKE_PAGE FOLDER */
"use strict";
const fs = require("fs");
const path = require("path");
const {sleep, check, makePage, runParts} = require("./browser.js");

const plot = (name) => `[...document.querySelectorAll('#sweeps .plot')].find((p) => p.dataset.figure.includes(${JSON.stringify(name)}))`;
async function seen(b, name) {
  await b.eval(`${plot(name)}.scrollIntoView({behavior: 'instant', block: 'center'})`);
  await b.until(`!!${plot(name)}.querySelector('svg.main-svg') && !${plot(name)}.figure.stale`, name + " is drawn");
}

async function testFolds(b, page) {
  await b.open(page, 1280, 900);
  const parts = await b.eval("[...document.querySelectorAll('#verdicts details.part')].map((d) => [d.id, d.open, d.querySelector('summary').textContent])");
  check(JSON.stringify(parts) === JSON.stringify([["claims-paper-first", false, "first✓2020 claims, 6 settings"], ["claims-paper-second", false, "second✓9✕110 claims"]]), "a part for each file of claims, folded, with its counts", parts);
  const names = await b.eval("DATA.groups.map((g) => g.name)");
  check(names.length === 6 && names[0] === "d_mlp 16, lr 0.1" && names[5] === "d_mlp 256, lr 0.4", "settings are called by what differs", names);
  check(await b.eval("document.querySelectorAll('#verdicts .plot').length") === 0, "no figure of a folded setting is made");
  await b.eval("location.hash = 'claim-paper-second-claim-25'");
  await b.until("document.getElementById('claims-paper-second').open", "a link to a claim opens its part");
  const row = await b.eval("(() => {const r = document.getElementById('claim-paper-second-claim-25').getBoundingClientRect(); return [r.top, r.bottom, innerHeight];})()");
  check(row[0] >= 0 && row[1] <= row[2], "and the claim is in sight", row);
  await b.eval("location.hash = DATA.groups[3].anchor");
  await b.until("!!document.querySelector('#' + DATA.groups[3].anchor + ' svg.main-svg')", "a link to a setting opens it, and its figures are drawn");
  await b.eval("[...document.querySelectorAll('#verdicts .folds button')].find((x) => x.textContent === 'expand all').click()");
  check(await b.eval("[...document.querySelectorAll('details.part, details.setting')].filter((d) => d.closest('#verdicts')).every((d) => d.open)"), "expand all opens all");
  await b.eval("[...document.querySelectorAll('#verdicts .folds button')].find((x) => x.textContent === 'fold all').click()");
  check(await b.eval("document.querySelectorAll('#verdicts details.part[open], #verdicts details.setting[open]').length") === 0, "fold all folds all");
  await b.eval("[...document.querySelectorAll('#verdicts .seg button')].find((x) => x.dataset.id === 'fails').click()");
  check(JSON.stringify(await b.eval("[...document.querySelectorAll('#verdicts details.part')].map((d) => [d.hidden, d.open])")) === "[[true,false],[false,true]]", "a filter shows and opens the parts with such claims");
  await b.eval("document.querySelector('#verdicts .seg button').click()");
}

async function testPaper(b) {
  await b.eval("document.querySelectorAll('.plot').forEach((p) => { p.figure.stale = true; })");
  await b.eval("window.dispatchEvent(new Event('beforeprint'))");
  const paper = await b.eval("[document.querySelectorAll('details.part:not([open]), details.setting:not([open])').length, [...document.querySelectorAll('.setting .plot')].filter((p) => !p.closest('details:not([open])')).map((p) => p.figure.stale)]");
  check(paper[0] === 0 && paper[1].length >= 12 && paper[1].every((stale) => !stale), "on paper all is open, and every figure drawn", [paper[0], paper[1].length]);
  await b.eval("window.dispatchEvent(new Event('afterprint'))");
  check(await b.eval("document.querySelectorAll('details.setting[open]').length") === 0, "and folded again afterwards");
}

async function testSweep(b) {
  await seen(b, "all settings");
  const lines = await b.eval(`${plot("all settings")}.data.filter((t) => t.name).map((t) => [t.name, t.y[t.y.length - 1]])`);
  check(lines.length === 6 && lines.every(([name, y]) => Math.abs(y - Number(/lr (\S+)/.exec(name)[1]) - .015) < 1e-6), "all settings on one figure, means over seeds", lines);
  await b.eval("{const s = document.querySelector('#sweeps select[aria-label=Metric]'); s.value = 'loss'; s.dispatchEvent(new Event('change'));}");
  await seen(b, "against d_mlp");
  const against = await b.eval(`${plot("against d_mlp")}.data.map((t) => [t.name, t.x, t.y, t.error_y.array])`);
  check(against.length === 2 && against[0][1].join() === "16,64,256" && against[0][2].every((y, i) => Math.abs(y - 4.06 / [4, 8, 16][i]) < 1e-5), "a metric against a key, a line for each value of the other", against);
  check(Math.abs(against[0][3][0] - .01 / 2) < 1e-3, "with the spread over seeds", against[0][3]);
  check(await b.eval(`${plot("against d_mlp")}._fullLayout.xaxis.type`) === "log", "a key that spans much has a logarithmic axis");
  await seen(b, "scaling with d_mlp");
  const laws = await b.eval("[...document.querySelectorAll('.laws li')].map((l) => l.textContent)");
  check(laws.length === 2 && laws.every((l) => /to the power −0\.5, 95 % interval −0\.5\d* to −0\.4|to the power −0\.5, 95 % interval −0\.5/.test(l)), "the power law that is in the numbers, with its interval", laws);
  await seen(b, "over lr and d_mlp");
  const z = await b.eval(`${plot("over lr and d_mlp")}.data[0].z`);
  check(z.length === 3 && z[0].length === 2 && Math.abs(z[2][1] - 4.06 / 16) < 1e-5, "a map over two keys", z);
  await b.eval(`${plot("over lr and d_mlp")}.emit('plotly_click', {points: [{pointIndex: [1, 0]}]})`);
  const drill = await b.eval("document.querySelector('.drill').textContent");
  check(drill.includes("d_mlp 64, lr 0.1") && drill.includes("seed 1") && drill.includes("seed 2"), "a click on a cell shows its runs", drill.slice(0, 120));
  check(await b.eval("document.querySelectorAll('table.points .dot.v-holds').length") === 12, "a square for every run that finished");
  await seen(b, "Settings beside");
  check(await b.eval(`${plot("Settings beside")}.data.length`) === 6, "chosen settings on parallel axes");
  await b.eval("document.querySelector('#sweeps tbody input[type=checkbox]').click()");
  await b.until(`${plot("Settings beside")}.data.length === 5`, "a click takes one away");
}

async function testAxes(b) {
  await b.eval("{const s = document.querySelector('#sweeps select[aria-label=Metric]'); s.value = 'acc_in_context'; s.dispatchEvent(new Event('change'));}");
  await seen(b, "all settings");
  const top = () => b.eval(`${plot("all settings")}._fullLayout.yaxis.range[1]`), fit = await top();
  await b.eval("[...document.querySelectorAll('#whole button')].find((x) => x.dataset.id === 'whole').click()");
  await b.until(`${plot("all settings")}._fullLayout.yaxis.range[1] > 1`, "a switch draws fractions up to 1");
  check(fit < .5, "before, the axis fitted the data", fit);
  await b.eval("document.querySelector('#whole button').click()");
}

async function testTake(b, page, out) {
  const folder = path.resolve(out, "taken");
  fs.mkdirSync(folder, {recursive: true});
  await b.send("Page.setDownloadBehavior", {behavior: "allow", downloadPath: folder});
  const click = (what) => b.eval(`[...${plot("against d_mlp")}.querySelectorAll('.take button')].find((x) => x.textContent === '${what}').click()`);
  const wait = async (name) => { for (let i = 0; i < 300 && !fs.existsSync(path.join(folder, name)); i++) await sleep(100); return fs.existsSync(path.join(folder, name)) ? fs.readFileSync(path.join(folder, name), "utf8") : ""; };
  await seen(b, "against d_mlp");
  await click("CSV");
  const name = "swept-Accuracy-in-context-against-d_mlp", csv = await wait(name + ".csv");
  check(csv.startsWith("figure,setting,d_mlp,lr,quantity,value,mean,min,max,sd,mean_low,mean_high,seeds\n") && csv.includes('\n"Accuracy, in context against d_mlp",swept,16,0.1,acc_in_context,at the end,0.115,0.11,0.12,'), "numbers as CSV, in a file called after the figure", csv.slice(0, 300));
  await click("SVG");
  const svg = await wait(name + ".svg");
  check(/^<svg[^>]*>/.test(svg) && svg.includes("lr 0.1") && svg.trim().endsWith("</svg>"), "a picture as SVG, with its legend", svg.slice(0, 80));
  await click("PNG");
  check((await wait(name + ".png")).length > 1000, "and as PNG");
}

const out = process.argv[3] || "browser-test", page = makePage(process.argv[2], "sweep_fixture.js", out);
runParts([(b) => testFolds(b, page), testPaper, testSweep, testAxes, (b) => testTake(b, page, out)]);
