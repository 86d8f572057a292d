/* The report page in headless Chromium.
 *
 *     node report_test.js MAKE_PAGE FOLDER
 *
 * Writes the fixture into FOLDER, makes its page, opens it. Exit code 0: all
 * held; 1: something did not; 77: no browser, or no plotting library. */
"use strict";
const fs = require("fs");
const path = require("path");
const {sleep, check, makePage, runParts} = require("./browser.js");

/* Opens what is folded and scrolls past every figure. */
async function drawAll(b) {
  await b.openAll();
  const n = await b.eval("document.querySelectorAll('.plot').length");
  for (let i = 0; i < n; i++) {
    await b.eval(`document.querySelectorAll('.plot')[${i}].scrollIntoView({behavior: 'instant', block: 'center'})`);
    await b.until(`document.querySelectorAll('.plot')[${i}].matches('.js-plotly-plot') && !!document.querySelectorAll('.plot')[${i}].querySelector('svg.main-svg')`, `figure ${i} of ${n} is drawn`);
  }
  return n;
}

/* Plots without a visible mark: no line, no filled image. */
const EMPTY = `[...document.querySelectorAll('.plot')].filter((p) =>
  !(p.matches('.heat') ? [...p.querySelectorAll('.heatmaplayer image')].some((i) => (i.getAttribute('href') || i.getAttribute('xlink:href') || '').length > 100)
    : p.querySelector('.scatterlayer path.js-line, .scatterlayer path.point'))).map((p) => p.getAttribute('aria-label'))`;

async function testFigures(b, page) {
  await b.open(page, 1280, 900);
  const n = await drawAll(b);
  const expected = await b.eval(`DATA.groups.reduce((sum, g) => sum + (g.maps || []).length + [...g.panels].reduce((k, [id, names]) =>
    k + (g.theory && id === 'other' ? names.length : id === 'depths' ? new Set(names.map((n) => n.split('.')[1])).size : 1), 0), 0) + DATA.groups.filter((g) => !g.theory && g.panels.has('acc')).length`);
  check(n === expected + 1 && n > 60, "a figure for every panel, map and setting, and one of a task", [n, expected]);
  const empty = await b.eval(EMPTY);
  check(empty.length === 0, "every figure shows something", empty);
  const titles = await b.eval(`[...document.querySelectorAll('.plot')].filter((p) => !p._fullLayout.xaxis.title.text || !p._fullLayout.yaxis.title.text).map((p) => p.getAttribute('aria-label'))`);
  check(titles.length === 0, "every axis has a title", titles);
  const bars = await b.eval("[...document.querySelectorAll('.bars .share')].map((d) => [d.previousSibling.textContent, d.nextSibling.textContent, d.children.length])");
  check(JSON.stringify(bars) === JSON.stringify([["softmax blocks.1.attn.hook_z", "60.0 %", 2], ["linear #3", "10.0 %", 1], ["sequences are drawn", "10.0 %", 1],
    ["waiting, and the rest", "20.0 %", 1]]), "a bar for every operation", bars);
  check(await b.eval("document.querySelectorAll('[id^=run-]').length === DATA.groups.length"), "a section for every group");
}

/* Losses by place: a line a step and one a solver; by depth: a card a map. */
async function testProfiles(b) {
  const lines = await b.eval(`(() => {const p = [...document.querySelectorAll('#run-places .plot')].find((e) => e.getAttribute('aria-label').startsWith('Loss by position'));
    return p.data.filter((t) => t.name).map((t) => [t.name, t.x.join(), t.line.dash || "", Number(t.y[t.y.length - 1].toFixed(4))]);})()`);
  check(lines.length === 6 && lines[4][0] === "step 400" && lines[4][1] === "1,5,10,20" && lines[4][3] === Number((1.7 / 21).toFixed(4)), "a line for every step, over places", lines);
  check(lines[5][0] === "ridge" && lines[5][2] === "dash" && lines[5][3] === Number((1.7 / 20).toFixed(4)), "and one for the solver beside it", lines[5]);
  const ladder = await b.eval(`(() => {const p = [...document.querySelectorAll('#compare .plot')].find((e) => e.getAttribute('aria-label').startsWith('Loss by position, all settings'));
    return p && p.data.map((t) => [t.name, t.x.length, t.line.dash || "", Number(t.y[t.y.length - 1].toFixed(4))]);})()`);
  check(ladder && ladder.length === 3 && ladder[0][0] === "places" && ladder[1][0] === "places-faster" && ladder[1][1] === 4 && ladder[0][3] === Number((1.7 / 21).toFixed(4)) && ladder[1][3] === Number((1.7 / 61).toFixed(4)),
    "settings of a task on one plot, from the highest at the end down", ladder);
  check(ladder && ladder[2][0] === "ridge" && ladder[2][2] === "dash", "with the solver beside them", ladder);
  const depth = await b.eval(`[...document.querySelectorAll('#run-places .plot')].filter((e) => /blocks passed/.test(e.getAttribute('aria-label'))).map((p) => [p.getAttribute('aria-label'), p.data.length, p.data.map((t) => t.y.map((v) => v.toFixed(3)).join())])`);
  check(depth.length === 2 && depth[0][1] === 4 && depth[0][2].includes("1.000,0.167,0.091") && depth[1][0].startsWith("The token 1 before"), "what linear maps read, by depth", depth);
  const legend = await b.eval("DATA.quantities['loss_at.5'].label");
  check(legend === "position 5", "a star in a label is what the name ends with", legend);
}

async function testText(b) {
  check(await b.eval("typeof window.hacked") === "undefined" && await b.eval("document.images.length") === 0, "markup in names stays text");
  check(await b.eval("document.body.textContent.includes('<script>window.hacked=1</script>')"), "and is shown as text");
  const odd = await b.eval("[...document.querySelectorAll('section')].find((s) => s.id.includes('hacked')).querySelector('.warn').textContent");
  check(/metrics.jsonl: 2 lines cut off/.test(odd) && /line 13/.test(odd) && /diverged/.test(odd), "damaged lines and divergence are told", odd);
  const notes = await b.eval("[...document.querySelectorAll('section')].find((s) => s.id.includes('hacked')).textContent.match(/[^.;]*not finite[^;]*/g)");
  check(notes && notes.some((t) => t.includes("step 100")), "values that are not finite are told", notes);
  const empty = await b.eval("document.getElementById('run-empty').textContent");
  check(/metrics.jsonl is empty/.test(empty) && /No measurements/.test(empty), "an empty run says so", empty.slice(0, 160));
}

async function testControls(b) {
  const rows = "[...document.querySelectorAll('.claims tbody tr')].filter((r) => getComputedStyle(r).display !== 'none')";
  check(await b.eval(rows + ".length") === 10, "a row for every claim");
  await b.eval("[...document.querySelectorAll('#verdicts .seg button')].find((x) => x.dataset.id === 'fails').click()");
  const shown = await b.eval(rows + ".map((r) => r.dataset.verdict)");
  check(shown.length === 1 && shown[0] === "fails", "the filter leaves the failing claim", shown);
  await b.eval("document.querySelectorAll('#verdicts .seg button')[0].click(); document.querySelectorAll('.claims th button')[2].click()");
  const measured = await b.eval(rows + ".map((r) => parseFloat(r.children[2].textContent))");
  const numbers = measured.filter((v) => v !== null && !Number.isNaN(v));
  check(numbers.every((v, i) => !i || v >= numbers[i - 1]), "sorting by the measured value", numbers);
  await b.eval("document.querySelectorAll('#axis button')[1].click()");
  const curve = "document.querySelector('#run-nothing-frozen .plot:not(.heat)')";
  await b.eval(curve + ".scrollIntoView({behavior: 'instant'})");
  await b.until(curve + "._fullLayout.xaxis.type === 'log'", "the step axis is logarithmic");
  check(await b.eval(curve + ".data[" + curve + ".data.length - 1].x[0]") === 1, "step 0 is drawn at step + 1 on it");
  await b.eval("document.querySelectorAll('#axis button')[0].click()");
  const before = await b.eval(curve + ".data.length");
  await b.eval("document.querySelector('#run-nothing-frozen .legend button').click()");
  await b.until(curve + ".data.length < " + before, "a click on the legend hides a curve");
  await b.eval("document.querySelector('#run-nothing-frozen .legend button').click()");
  await b.until(curve + ".data.length === " + before, "and shows it again");
  const ground = "getComputedStyle(document.body).backgroundColor", was = await b.eval(ground);
  await b.eval("document.getElementById('theme').click()");
  check(await b.eval(ground) !== was, "dark is another ground", await b.eval(ground));
  await b.eval("document.getElementById('theme').click()");
}

async function testTime(b) {
  const map = "document.querySelector('#run-nothing-frozen .plot.heat')", slider = "document.querySelector('#run-nothing-frozen .time input')";
  const sum = map + ".data[0].z.reduce((s, row, i) => s + (i ? row[i - 1] : 0), 0)";
  await b.eval(map + ".scrollIntoView({behavior: 'instant', block: 'center'})");
  await sleep(300);
  const end = await b.eval(sum);
  await b.eval(`${slider}.value = 0; ${slider}.dispatchEvent(new Event('input'))`);
  await b.until(sum + " < " + end + " / 4", "the slider changes the map");
  check(await b.eval("document.querySelector('#run-nothing-frozen .time output').textContent") === "step 0", "the slider tells the step");
  check(end > 30, "at the end layer 1 looks one back", end);
  await b.eval("document.querySelector('#run-nothing-frozen .play').click()");
  await b.until(slider + ".value > 1", "the play button moves time");
  await b.eval("document.querySelector('#run-nothing-frozen .play').click()");
  const labels = await b.eval(map + "._fullLayout.xaxis.ticktext.join('')");
  check(labels.startsWith("the␣king␣said"), "tokens on the axis, spaces visible", labels);
  const hover = await b.eval(map + ".data[0].text[5][4]");
  check(/query token 5 {2}i<br>key token 4 {2}k<br>attention weight <b>/.test(hover), "a tooltip names tokens and value", hover);
  await b.eval("[...document.querySelectorAll('#run-nothing-frozen .time .seg button')].pop().click()");
  await b.until(map + ".data[0].z.length === 64", "all tokens of the snapshot can be shown");
}

async function testPhone(b, page, out) {
  await b.open(page, 390, 844, true);
  await drawAll(b);
  const wide = await b.eval("[document.documentElement.scrollWidth, innerWidth]");
  check(wide[0] <= 390 && wide[1] === 390, "no sideways scrolling at 390 pixels, all open", wide);
  const spill = await b.eval("[...document.querySelectorAll('.card, .wrap, .warn, h1, h2, h3, .tile')].filter((e) => e.getBoundingClientRect().right > 391).map((e) => e.className || e.tagName)");
  check(spill.length === 0, "nothing sticks out", spill);
  await b.eval("document.getElementById('run-nothing-frozen').scrollIntoView({behavior: 'instant'})");
  await sleep(500);
  await b.picture(path.join(out, "phone-dark.png"));
}

async function testBare(b, page, out) {
  /* the page of a build without the plotting library */
  const text = fs.readFileSync(page, "utf8"), from = text.indexOf("<script>/**");
  check(from > 0, "the plotting library is one script of the page");
  const bare = path.join(out, "bare.html");
  fs.writeFileSync(bare, text.slice(0, from) + text.slice(text.indexOf("</script>", from) + 9));
  await b.open(bare, 1280, 900);
  check(await b.eval("document.querySelectorAll('.plot').length === 0 && /need the plotting library/.test(document.getElementById('notices').textContent)"), "without the library the page says so");
  check(await b.eval("document.querySelectorAll('.claims tbody tr').length") === 10, "and still holds the verdicts");
}

const out = process.argv[3] || "browser-test", page = makePage(process.argv[2], "fixture.js", out);
runParts([(b) => testFigures(b, page), testProfiles, testText, testControls, testTime, (b) => testPhone(b, page, out), (b) => testBare(b, page, out)]);
