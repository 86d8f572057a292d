/* One run as it grows: curves, maps, tokens. */
"use strict";

/* Points as the server tells them: at first all, then what is new. */
function takeFile(store, told) {
  store.width = told.width;
  store.next = told.next;
  if (told.whole) store.series = new Map();
  else if (told.cut !== null)
    for (const [x, y] of store.series.values())
      while (x.length && x[x.length - 1] >= told.cut) { x.pop(); y.pop(); }
  for (const [name, [x, y]] of Object.entries(told.series)) {
    if (!store.series.has(name)) store.series.set(name, [[], []]);
    const own = store.series.get(name);
    for (let i = 0; i < x.length; i++) { own[0].push(x[i]); own[1].push(y[i]); }
  }
  Object.assign(store.last, told.last);
  store.bad = told.bad;
}
/* What the figures of a report read of a run. */
function asRun(files, head) {
  const run = {axes: [], series: {}, bad: {}, seed: null, record: head.record, problems: []};
  for (const f of files) {
    for (const [name, [x, y]] of f.series) {
      run.series[name] = [run.axes.length, y];
      run.axes.push(x);
    }
    Object.assign(run.bad, f.bad);
  }
  return run;
}

function runView(main, id) {
  const header = h("header", {class: "run-head"}), notices = h("div"), tokens = h("div"), grid = h("div", {class: "grid"}), maps = h("div"), folded = h("div"), about = h("div");
  const wait = h("p", {class: "empty"}, "Reading the run…");
  const files = [{series: new Map(), last: {}, bad: {}, width: 0, next: 0}, {series: new Map(), last: {}, bad: {}, width: 0, next: 0}];
  const seen = {head: -1, row: -1, rows: -1, maps: 0, tokens: 0};
  let head = null, names = 0, group = null, bar = null, clock = 0, gone = false;
  const cards = new Map(); /* of a panel: {key, card, own} */
  main.append(header, notices, wait, tokens, grid, maps, folded, about);
  crumb(h("a", {href: "#/"}, "all runs"), ` / ${id}`);
  document.title = `${id} · engram`;

  /* --- what it is, and how far --- */
  const facts = h("ul", {class: "facts live"}), lede = h("p", {class: "lede"});
  const showRow = (row) => {
    if (!bar) { bar = gauge(row); header.replaceChildren(h("h1", null, row.name || id), lede, bar, facts); }
    bar.show(row);
    lede.replaceChildren(stateChip(row.status), h("span", null, `${row.kind || "run"}, seed ${row.seed}`), h("span", {class: "id"}, row.id.split("/").pop()),
      h("a", {href: "#/name/" + encodeURIComponent(row.name)}, "runs of this name"));
    const running = row.status === "running", came = performance.now();
    const line = () => facts.replaceChildren(...[
      [row.steps > 0 ? `${whole(row.step)} of ${whole(row.steps)} ${unitOf(row)}` : null, row.steps > 0 ? `${Math.floor(100 * row.step / row.steps)} %` : ""],
      [paceText(row), running ? "lately" : "on the whole"],
      [running && Number.isFinite(row.eta) && row.eta !== null ? left(Math.max(0, row.eta - (performance.now() - came) / 1000)) : null, "left"],
      [!running && row.seconds > 0 ? seconds(row.seconds) : null, "in all"],
      [when(row.start) || null, "began"]].filter(([v]) => v).map(([v, w]) => h("li", null, h("b", null, v), " " + w)));
    clearInterval(clock);
    line();
    if (running) clock = setInterval(line, 1000);
    showNotices(row);
  };
  let problems = [];
  const showNotices = (row) => {
    const trouble = row && row.reason && TROUBLE.concat("interrupted").includes(row.status) ? [`${row.status}: ${row.reason}`] : [];
    notices.replaceChildren(warning([...trouble, ...problems], "In this run:") || "");
  };
  const showHead = async () => {
    const told = await ask("api/run", {run: id});
    if (!told) return false;
    if (!head) {
      DATA.panels = told.head.panels;
      group = {name: told.head.name, theory: told.head.theory, flow: told.head.flow, axis: told.head.axis, help: told.head.help, runs: [], anchor: "run", file: id};
      document.getElementById("axis").hidden = group.theory || group.flow;
    }
    head = told.head;
    problems = head.problems;
    showRow(told.run);
    about.replaceChildren(fold("Configuration", head.dir, h("pre", null, head.config || "not there")));
    return true;
  };

  /* --- curves --- */
  const panelFor = (name) => {
    const panel = DATA.panels.find((p) => p.id === DATA.quantities[name].panel);
    return panel.flow && !group.flow ? "other" : panel.id;
  };
  const extraOf = () => {
    if (group.theory) return theoryOpts(group);
    return group.flow ? flowOpts({clock: {log: false, redraw: [], listeners: []}, axis: group.axis}) : {};
  };
  /* The part of a curve that is looked at closely is asked for by itself. */
  const closer = (own, div) => {
    let asked = 0;
    div.on("plotly_relayout", async (e) => {
      if (!e || !Object.keys(e).some((k) => k.startsWith("xaxis."))) return;
      const range = div._fullLayout.xaxis.range, log = div._fullLayout.xaxis.type === "log";
      const turn = ++asked;
      if (e["xaxis.autorange"]) own.window = null;
      else {
        const [lo, hi] = range.map((v) => (log ? 10 ** v - (group.flow || group.theory ? 0 : 1) : v));
        const told = await ask("api/curves", {run: id, names, lo, hi, most: 800});
        if (!told || turn !== asked) return;
        const part = told.files.map(() => ({series: new Map(), last: {}, bad: {}}));
        told.files.forEach((f, i) => takeFile(part[i], f));
        own.window = asRun(part, head);
      }
      redraw(own);
    });
  };
  const redraw = (own) => {
    own.group.runs = [own.window || group.runs[0]];
    pooled.delete(own.group);
    if (own.figure.seen) drawFigure(own.figure); else own.figure.stale = true;
  };
  const makeCard = (panel, list) => {
    const own = {group: Object.assign({}, group), window: null};
    const opts = Object.assign({live: true}, extraOf(), panel.hi > panel.lo ? {} : {free: group.flow || panel.id === "other" || panel.id === "kl"});
    const drawn = opts.drawn;
    let near = false;
    opts.drawn = () => {
      if (drawn) drawn();
      if (!near) closer(own, own.figure.div);
      near = true;
    };
    const card = curveCard(own.group, panel, list, opts);
    own.figure = card.querySelector("[data-figure]").figure;
    return {own, card};
  };
  const showCurves = () => {
    const all = Object.keys(group.runs[0].series), wanted = new Map();
    for (const panel of DATA.panels) {
      const list = all.filter((n) => panelFor(n) === panel.id);
      list.sort((a, b) => DATA.quantities[a].order - DATA.quantities[b].order || a.localeCompare(b));
      if (list.length) wanted.set(panel.id, list);
    }
    let moved = false;
    for (const [pid, list] of wanted) {
      const key = list.join("\n") + "\n\n" + list.filter((n) => group.runs[0].bad[n]).join("\n"), old = cards.get(pid);
      if (old && old.key === key) continue;
      if (old) { dropInside(old.card); old.card.remove(); }
      cards.set(pid, Object.assign(makeCard(DATA.panels.find((p) => p.id === pid), list), {key}));
      moved = true;
    }
    for (const c of cards.values()) redraw(c.own);
    if (!moved) return;
    const inner = [];
    for (const panel of DATA.panels) {
      const c = cards.get(panel.id);
      if (!c) continue;
      if (panel.fold && !group.theory) inner.push([panel, c.card]); else grid.append(c.card);
    }
    const open = [...folded.querySelectorAll("details")].filter((d) => d.open).map((d) => d.dataset.panel);
    folded.replaceChildren(...inner.map(([panel, card]) => {
      const d = fold(panel.title, "", card);
      d.dataset.panel = panel.id;
      d.open = open.includes(panel.id);
      return d;
    }));
  };
  const askCurves = async () => {
    const told = await ask("api/curves", {run: id, names, width0: files[0].width, from0: files[0].next, width1: files[1].width, from1: files[1].next});
    if (!told) return false;
    if (told.quantities) Object.assign(DATA.quantities, told.quantities);
    names = told.names;
    told.files.forEach((f, i) => takeFile(files[i], f));
    group.runs = [asRun(files, head)];
    document.documentElement.dataset.rows = String(told.files[0].rows);
    wait.hidden = told.files[0].rows > 0;
    wait.textContent = told.reading ? "Reading the run…" : "Nothing has been measured yet.";
    problems = [...head.problems, ...(told.problem ? [told.problem] : []), ...(told.bad_lines ? [`${told.bad_lines} line${told.bad_lines > 1 ? "s" : ""} of its files cannot be read and ${told.bad_lines > 1 ? "are" : "is"} left out`] : [])];
    showCurves();
    return true;
  };

  /* --- maps and tokens: a new part is drawn, then takes the old one's place --- */
  const swap = (host, part) => {
    const old = [...host.childNodes];
    host.style.minHeight = `${host.offsetHeight}px`;
    host.append(part);
    for (const o of old) { dropInside(o); o.remove(); }
    setTimeout(() => { host.style.minHeight = ""; }, 1500);
  };
  const showMaps = async () => {
    const told = await ask("api/maps", {run: id});
    if (!told || gone) return;
    document.documentElement.dataset.maps = String(told.maps.length ? told.maps[0].steps.length : 0);
    if (!told.maps.length) return;
    group.maps = told.maps;
    group.labels = told.labels;
    group.maps_seed = -1;
    group.look = group.look || {};
    swap(maps, heatSection(group));
  };
  const showTokens = async () => {
    const told = await ask("api/tokens", {run: id});
    if (!told || !told.tokens || gone) return;
    const was = group.clock, before = was && was.d ? was.t : null, end = was && was.d ? was.end : null;
    if (was && was.playing) return;
    group.tokens = told.tokens;
    group.clock = flowClock(group);
    if (was && was.d) {
      group.clock.log = was.log;
      group.clock.colouring = was.colouring;
    }
    swap(tokens, flowSection(group, []));
    document.documentElement.dataset.times = String(told.tokens.times);
    if (before === null) return;
    if (before < end) group.clock.set(group.clock.part(before));
    else follow(group.clock, before);
  };
  /* From the last time that was shown to the new one, in the blink of an eye. */
  const follow = (S, from) => {
    const begun = performance.now(), u = S.part(from);
    const tick = (now) => {
      const part = Math.min(1, (now - begun) / 700);
      if (gone || group.clock !== S || S.playing) return;
      S.set(u + (1 - u) * part);
      if (part < 1) requestAnimationFrame(tick);
    };
    if (u < 1) requestAnimationFrame(tick);
  };

  const update = calmly(async () => {
    const news = update.latest;
    if (gone || !news) return;
    if (!("rows" in news)) {
      wait.textContent = notShown(news, "run", () => ask("api/run", {run: id}));
      return;
    }
    /* The server had closed the run, and begins to count again. */
    if (news.maps < seen.maps || news.tokens < seen.tokens) Object.assign(seen, {maps: 0, tokens: 0, asked: false});
    if ((!head || news.head !== seen.head || news.row !== seen.row) && await showHead()) { seen.head = news.head; seen.row = news.row; }
    if (gone || !head) return;
    if (!seen.asked) { seen.asked = true; ask("api/maps", {run: id}).catch(() => {}); ask("api/tokens", {run: id}).catch(() => {}); }
    if (news.rows !== seen.rows && await askCurves()) seen.rows = news.rows;
    if (news.maps > seen.maps) { seen.maps = news.maps; await showMaps(); }
    if (news.tokens > seen.tokens) { seen.tokens = news.tokens; await showTokens(); }
  });
  return {news: (n) => { update.latest = n; update(); }, leave: () => { gone = true; clearInterval(clock); }};
}
