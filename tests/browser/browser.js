/* Headless Chromium by the DevTools protocol over a pipe; plain node. */
"use strict";
const {spawn, spawnSync} = require("child_process");
const fs = require("fs");
const os = require("os");
const path = require("path");

function findBrowser() {
  const names = [process.env.CHROMIUM, "chromium", "chromium-browser", "google-chrome"].filter(Boolean);
  return names.find((n) => spawnSync("sh", ["-c", `command -v "${n}"`]).status === 0) || null;
}
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

class Browser {
  constructor(program) {
    this.profile = fs.mkdtempSync(path.join(os.tmpdir(), "engram-browser-"));
    this.process = spawn(program, ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
      "--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
      `--user-data-dir=${this.profile}`, "--remote-debugging-pipe"], {stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"]});
    this.next = 0;
    this.waiting = new Map();
    this.complaints = []; /* exceptions, console errors, requests that leave */
    let text = "";
    this.process.stdio[4].on("data", (chunk) => {
      text += chunk;
      for (let end; (end = text.indexOf("\0")) >= 0; text = text.slice(end + 1)) this.receive(JSON.parse(text.slice(0, end)));
    });
  }
  receive(m) {
    if (m.id) {
      this.waiting.get(m.id)(m);
      this.waiting.delete(m.id);
    } else if (m.method === "Runtime.exceptionThrown") {
      const d = m.params.exceptionDetails;
      this.complaints.push("exception: " + ((d.exception && d.exception.description) || d.text));
    } else if (m.method === "Runtime.consoleAPICalled" && ["error", "warning", "assert"].includes(m.params.type)) {
      this.complaints.push(`console.${m.params.type}: ` + m.params.args.map((a) => a.value || a.description).join(" "));
    } else if (m.method === "Log.entryAdded" && ["error", "warning"].includes(m.params.entry.level)) {
      this.complaints.push("log: " + m.params.entry.text);
    } else if (m.method === "Network.requestWillBeSent" && !/^(file|data|blob):/.test(m.params.request.url) &&
      !(this.home && m.params.request.url.startsWith(this.home))) {
      this.complaints.push("request: " + m.params.request.url);
    }
  }
  send(method, params = {}) {
    return new Promise((done, fail) => {
      const id = ++this.next;
      this.waiting.set(id, (m) => (m.error ? fail(new Error(`${method}: ${m.error.message}`)) : done(m.result)));
      this.process.stdio[3].write(JSON.stringify({id, method, params, sessionId: this.session}) + "\0");
    });
  }
  /* A file, or an address: then only what lies below it may be asked for. */
  async open(where, width, height, dark = false) {
    const served = /^http:/.test(where), url = served ? where : "file://" + path.resolve(where);
    this.home = served ? where.replace(/#.*/, "") : null;
    this.session = undefined;
    const {targetId} = await this.send("Target.createTarget", {url: "about:blank"});
    this.session = (await this.send("Target.attachToTarget", {targetId, flatten: true})).sessionId;
    for (const domain of ["Runtime", "Log", "Page", "Network"]) await this.send(domain + ".enable");
    await this.send("Emulation.setDeviceMetricsOverride", {width, height, deviceScaleFactor: 1, mobile: width < 500});
    await this.send("Emulation.setEmulatedMedia", {features: [{name: "prefers-color-scheme", value: dark ? "dark" : "light"}]});
    await this.send("Page.navigate", {url});
    await this.until("!!document.documentElement && document.documentElement.dataset.ready === 'yes'", "the page is ready");
  }
  async eval(expression) {
    const r = await this.send("Runtime.evaluate", {expression, awaitPromise: true, returnByValue: true});
    if (r.exceptionDetails) throw new Error(`${expression}: ${r.exceptionDetails.exception ? r.exceptionDetails.exception.description : r.exceptionDetails.text}`);
    return r.result.value;
  }
  /* Waits for a condition; 180 s is a guard against hanging, not a measure. */
  async until(expression, what) {
    for (let i = 0; i < 1800; i++) {
      if (await this.eval(expression)) return;
      await sleep(100);
    }
    throw new Error("waited in vain: " + what);
  }
  async picture(file) {
    const r = await this.send("Page.captureScreenshot", {format: "png"});
    fs.writeFileSync(file, Buffer.from(r.data, "base64"));
  }
  /* Opens all that is folded, and what is folded inside. */
  async openAll() {
    for (let before = -1, n = 0; n !== before;) {
      before = n;
      n = await this.eval(`(() => {const all = [...document.querySelectorAll('details:not(.take)')];
        for (const d of all) { if (d.fill) d.fill(); d.open = true; } return document.querySelectorAll('details').length;})()`);
    }
  }
  async close() {
    this.session = undefined;
    const gone = new Promise((done) => this.process.once("exit", done));
    await this.send("Browser.close").catch(() => {});
    await gone;
    fs.rmSync(this.profile, {recursive: true, force: true, maxRetries: 10, retryDelay: 200});
  }
}

/* What was checked, on stdout; the exit code at the end. */
let failed = 0;
function check(ok, what, found) {
  console.log(`${ok ? "ok  " : "FAIL"} ${what}${found === undefined ? "" : `: ${JSON.stringify(found)}`}`);
  if (!ok) failed++;
}
function skip(why) {
  console.log("skipped: " + why);
  process.exit(77);
}
/* A fresh folder with the page made from the runs that fixture.js writes. */
function makePage(program, fixture, out) {
  fs.rmSync(out, {recursive: true, force: true});
  fs.mkdirSync(out, {recursive: true});
  spawnSync(process.execPath, [path.join(__dirname, fixture), path.join(out, "runs")], {stdio: "inherit"});
  const page = path.join(out, "report.html");
  const made = spawnSync(program, [page, path.join(out, "runs", "claims.json")], {stdio: "inherit"});
  if (made.status === 77) skip("no plotting library in this build");
  check(made.status === 0, "the page is made");
  if (made.status !== 0) process.exit(1);
  const size = fs.statSync(page).size / 1048576;
  check(size < 15, "the page stays small (MiB)", Number(size.toFixed(2)));
  return page;
}
/* Runs the parts one after the other in a browser. */
async function runParts(parts) {
  const program = findBrowser();
  if (!program) skip("no chromium on this machine");
  const b = new Browser(program);
  for (const part of parts)
    await part(b).catch((e) => check(false, e.message));
  check(b.complaints.length === 0, "no console errors, no warnings, no requests", b.complaints);
  await b.close();
  console.log(failed ? `${failed} checks failed` : "all checks hold");
  process.exit(failed ? 1 : 0);
}

module.exports = {Browser, findBrowser, sleep, check, skip, makePage, runParts};
