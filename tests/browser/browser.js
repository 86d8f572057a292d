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
    } else if (m.method === "Network.requestWillBeSent" && !/^(file|data|blob):/.test(m.params.request.url)) {
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
  async open(file, width, height, dark = false) {
    this.session = undefined;
    const {targetId} = await this.send("Target.createTarget", {url: "about:blank"});
    this.session = (await this.send("Target.attachToTarget", {targetId, flatten: true})).sessionId;
    for (const domain of ["Runtime", "Log", "Page", "Network"]) await this.send(domain + ".enable");
    await this.send("Emulation.setDeviceMetricsOverride", {width, height, deviceScaleFactor: 1, mobile: width < 500});
    await this.send("Emulation.setEmulatedMedia", {features: [{name: "prefers-color-scheme", value: dark ? "dark" : "light"}]});
    await this.send("Page.navigate", {url: "file://" + path.resolve(file)});
    await this.until("!!document.documentElement && document.documentElement.dataset.ready === 'yes'", "the page is ready");
  }
  async eval(expression) {
    const r = await this.send("Runtime.evaluate", {expression, awaitPromise: true, returnByValue: true});
    if (r.exceptionDetails) throw new Error(`${expression}: ${r.exceptionDetails.exception ? r.exceptionDetails.exception.description : r.exceptionDetails.text}`);
    return r.result.value;
  }
  /* Waits for a condition; 60 s is a guard against hanging, not a measure. */
  async until(expression, what) {
    for (let i = 0; i < 600; i++) {
      if (await this.eval(expression)) return;
      await sleep(100);
    }
    throw new Error("waited in vain: " + what);
  }
  async picture(file) {
    const r = await this.send("Page.captureScreenshot", {format: "png"});
    fs.writeFileSync(file, Buffer.from(r.data, "base64"));
  }
  async close() {
    this.session = undefined;
    const gone = new Promise((done) => this.process.once("exit", done));
    await this.send("Browser.close").catch(() => {});
    await gone;
    fs.rmSync(this.profile, {recursive: true, force: true, maxRetries: 10, retryDelay: 200});
  }
}

module.exports = {Browser, findBrowser, sleep};
