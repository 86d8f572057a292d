/* A sweep filling in: a cell for each pair of values of two keys, its colour
 * what the runs there measured last. */
"use strict";

/* The colour of a share of the range, from the stops of the page's maps. */
function shade(part) {
  const stops = RAMP[STATE.dark ? "dark" : "light"].slice(1), at = Math.min(1, Math.max(0, part)) * (stops.length - 1), i = Math.min(stops.length - 2, Math.floor(at));
  const rgb = (c) => [1, 3, 5].map((k) => parseInt(c.slice(k, k + 2), 16));
  const a = rgb(stops[i]), b = rgb(stops[i + 1]), w = at - i;
  return `rgb(${a.map((v, k) => Math.round(v + w * (b[k] - v))).join()})`;
}
const shortKey = (key) => key.split(".").pop();
/* A value as short as its axis needs it. */
const shortValue = (v) => (v.length > 7 && Number.isFinite(Number(v)) ? num(Number(v)) : v);

function sweepView(main, name) {
  const header = h("header", {class: "run-head"}), notices = h("div"), body = h("div"), cellBox = h("div");
  const title = h("h1", null, name), lede = h("p", {class: "lede"}), bar = h("div", {class: "parts"}), facts = h("ul", {class: "facts live"});
  let told = null, metric = "", seen = -1, gone = false, fig = null, chosen = null, pick = [0, 1], pickers = "";
  header.append(title, lede, bar, facts);
  main.append(header, notices, body, cellBox);
  crumb(h("a", {href: "#/"}, "all runs"), ` / sweep ${name}`);
  document.title = `${name} · engram`;

  /* --- the axes of the figure: keys that vary, and the seeds --- */
  const axesOf = () => {
    const axes = told.axes.map((a, i) => {
      const numbers = a.values.map(Number), order = [...a.values.keys()];
      if (numbers.every(Number.isFinite)) order.sort((s, t) => numbers[s] - numbers[t]);
      const place = order.map((_, k) => order.indexOf(k));
      return {key: a.key, values: order.map((k) => shortValue(a.values[k])), at: (p) => place[p[4 + i]]};
    }).filter((a) => a.values.length > 1);
    const seeds = [...new Set(told.points.map((p) => p[1]))].sort((a, b) => a - b);
    if (seeds.length > 1) axes.push({key: "seed", values: seeds.map(String), at: (p) => seeds.indexOf(p[1])});
    return axes;
  };
  const one = {key: "", values: [""], at: () => 0};
  const cellsOf = (x, y) => {
    const cells = new Map();
    for (const p of told.points) {
      const key = y.at(p) * x.values.length + x.at(p);
      if (!cells.has(key)) cells.set(key, {x: x.at(p), y: y.at(p), points: [], values: []});
      const c = cells.get(key);
      c.points.push(p);
      if (p[3] !== null && !TROUBLE.includes(state(p))) c.values.push(p[3]);
    }
    for (const c of cells.values()) c.mean = c.values.length ? c.values.reduce((a, b) => a + b, 0) / c.values.length : null;
    return [...cells.values()];
  };
  const state = (p) => told.states[p[0]];
  const count = (points) => told.states.map((s) => [s, points.filter((p) => state(p) === s).length]).filter(([, n]) => n);

  /* --- the figure --- */
  const layout = (w, height, x, y) => {
    const left = 14 + Math.max(...y.values.map((v) => v.length)) * 7.2 + (y.key ? 22 : 0), top = 12, right = 96, bottom = x.key ? 56 : 16;
    const cw = (w - left - right) / x.values.length, ch = (height - top - bottom) / y.values.length;
    return {left, top, cw, ch, gap: Math.min(3, cw / 8, ch / 8)};
  };
  const paint = (g, w, height) => {
    if (!told) return;
    const axes = axesOf(), x = axes[pick[0]] || one, y = axes[pick[1]] || one, cells = cellsOf(x, y);
    const L = layout(w, height, x, y), values = cells.map((c) => c.mean).filter((v) => v !== null);
    const lo = Math.min(...values), hi = Math.max(...values);
    fig.hit = (px, py) => cells.find((c) => c.x === Math.floor((px - L.left) / L.cw) && c.y === y.values.length - 1 - Math.floor((py - L.top) / L.ch));
    for (const c of cells) {
      const px = L.left + c.x * L.cw + L.gap / 2, py = L.top + (y.values.length - 1 - c.y) * L.ch + L.gap / 2, cw = L.cw - L.gap, ch = L.ch - L.gap;
      const done = c.points.filter((p) => state(p) === "finished").length, trouble = c.points.some((p) => ["failed", "diverged"].includes(state(p))), runs = c.points.some((p) => state(p) === "running");
      g.fillStyle = css("--grid");
      g.fillRect(px, py, cw, ch);
      if (c.mean !== null) {
        g.fillStyle = shade(hi > lo ? (c.mean - lo) / (hi - lo) : .5);
        const part = Math.max(.15, (done + (runs ? .5 : 0)) / c.points.length);
        g.fillRect(px, py + ch * (1 - Math.min(1, part)), cw, ch * Math.min(1, part));
      }
      if (runs || trouble) {
        g.lineWidth = Math.min(2.4, Math.max(1.2, cw / 12));
        g.strokeStyle = css(trouble ? "--fails" : "--accent");
        g.strokeRect(px + g.lineWidth / 2, py + g.lineWidth / 2, cw - g.lineWidth, ch - g.lineWidth);
      }
      if (trouble) {
        g.beginPath(); g.moveTo(px + 3, py + ch - 3); g.lineTo(px + cw - 3, py + 3); g.stroke();
      }
      if (chosen && chosen.x === c.x && chosen.y === c.y) {
        g.lineWidth = 2; g.strokeStyle = css("--ink"); g.strokeRect(px - 1, py - 1, cw + 2, ch + 2);
      }
    }
    g.fillStyle = css("--soft");
    g.textAlign = "center"; g.textBaseline = "top";
    const thin = Math.max(1, Math.ceil(Math.max(...x.values.map((v) => v.length)) * 7.4 / L.cw)), base = L.top + L.ch * y.values.length;
    x.values.forEach((v, i) => { if (i % thin === 0) g.fillText(v, L.left + (i + .5) * L.cw, base + 8); });
    g.fillText(x.key, L.left + L.cw * x.values.length / 2, base + 30);
    g.textAlign = "right"; g.textBaseline = "middle";
    const skip = Math.max(1, Math.ceil(15 / L.ch));
    y.values.forEach((v, i) => { if (i % skip === 0) g.fillText(v, L.left - 8, base - (i + .5) * L.ch); });
    if (y.key) { g.save(); g.translate(10, L.top + L.ch * y.values.length / 2); g.rotate(-Math.PI / 2); g.textAlign = "center"; g.fillText(y.key, 0, 0); g.restore(); }
    if (!values.length) return;
    const bx = w - 78, by = L.top + 30, bh = Math.min(220, height - 120);
    for (let i = 0; i < bh; i++) { g.fillStyle = shade(1 - i / (bh - 1)); g.fillRect(bx, by + i, 10, 1.5); }
    g.fillStyle = css("--soft"); g.textAlign = "left";
    g.fillText(num(hi), bx + 16, by + 6);
    if (hi > lo) g.fillText(num(lo), bx + 16, by + bh - 6);
  };

  /* --- what is beside it --- */
  const showCell = () => {
    cellBox.replaceChildren();
    if (!chosen) return;
    const axes = axesOf(), x = axes[pick[0]] || one, y = axes[pick[1]] || one, cell = cellsOf(x, y).find((c) => c.x === chosen.x && c.y === chosen.y);
    if (!cell) return;
    cellBox.append(h("h2", {class: "sub-head"}, [x, y].filter((a) => a.key).map((a) => `${a.key} = ${a.values[a === x ? cell.x : cell.y]}`).join(", ")),
      h("div", {class: "wrap"}, h("table", {class: "runs"}, h("thead", null, h("tr", null, ["Run", "Settings", "State", "Seed", told.metric].map((t) => h("th", {scope: "col"}, t)))),
        h("tbody", null, cell.points.slice(0, 200).map((p) => h("tr", null, h("td", null, p[2] ? h("a", {href: "#/run/" + encodeURIComponent(p[2])}, p[2]) : "not begun"),
          h("td", {class: "id"}, told.axes.map((a, i) => `${shortKey(a.key)}=${shortValue(a.values[p[4 + i]])}`).join(" ")), h("td", null, stateChip(state(p))), h("td", null, String(p[1])), h("td", null, p[3] === null ? "–" : num(p[3], 4))))))));
  };
  const choice = (label, items, value, change) => h("label", {class: "note pick"}, label + " ", h("select", {"aria-label": label, onchange: (e) => change(e.target.value)}, items.map(([v, t]) => h("option", {value: v, selected: v === value}, t))));
  const showFrame = () => {
    const axes = axesOf(), key = [axes.map((a) => a.key).join(), told.metrics.join(), told.metric, pick.join()].join("|");
    if (key === pickers) { fig.again(); return; }
    pickers = key;
    if (axes.length < 2) pick = [0, 1];
    dropInside(body);
    fig = canvasFigure("grid-fig", `${told.metric || "states"} over the points of ${name}`, paint);
    const tip = h("div", {class: "tip", hidden: true});
    fig.canvas.addEventListener("pointermove", (e) => {
      const c = fig.hit && fig.hit(e.offsetX, e.offsetY), x = axes[pick[0]] || one, y = axes[pick[1]] || one;
      tip.hidden = !c;
      fig.canvas.style.cursor = c ? "pointer" : "";
      if (!c) return;
      tip.replaceChildren(h("b", null, c.mean === null ? "no value yet" : num(c.mean, 4) + (c.values.length > 1 ? `  (${num(Math.min(...c.values))} to ${num(Math.max(...c.values))})` : "")),
        h("div", null, [x, y].filter((a) => a.key).map((a) => `${a.key} = ${a.values[a === x ? c.x : c.y]}`).join(", ")), h("div", null, count(c.points).map(([s, n]) => `${n} ${s}`).join(", ")));
      tip.style.left = `${Math.min(e.offsetX + 14, fig.div.clientWidth - 210)}px`;
      tip.style.top = `${e.offsetY + 14}px`;
    });
    fig.canvas.addEventListener("pointerleave", () => { tip.hidden = true; });
    fig.canvas.addEventListener("click", (e) => {
      const c = fig.hit && fig.hit(e.offsetX, e.offsetY);
      chosen = c ? {x: c.x, y: c.y} : null;
      fig.again();
      showCell();
    });
    fig.div.append(tip);
    const items = axes.map((a, i) => [String(i), a.key]), turn = (k) => (v) => { pick[k] = Number(v); if (pick[0] === pick[1]) pick[1 - k] = axes.findIndex((_, i) => i !== pick[k]); chosen = null; showFrame(); showCell(); };
    body.replaceChildren(h("div", {class: "card"}, h("div", {class: "top"}, h("h3", null, told.metric || "States"),
      h("div", {class: "picks"}, told.metrics.length ? choice("metric", told.metrics.map((m) => [m, m]), told.metric, (v) => { metric = v; refresh(); }) : null,
        axes.length > 2 ? [choice("across", items, String(pick[0]), turn(0)), choice("up", items, String(pick[1]), turn(1))] : null)),
      h("p", {class: "note"}, `The last value that each run has measured${axes.length > 2 ? ", the mean over what is not on an axis" : ""}. A cell fills as its runs end; outlined, one runs there; crossed out, one failed or diverged, whose values do not count. A click lists the runs.`), fig.div));
  };
  const refresh = async () => {
    const answer = await ask("api/sweep", Object.assign({sweep: name}, metric ? {metric} : {}));
    if (!answer || gone) return false;
    told = answer;
    const n = told.points.length, by = Object.fromEntries(count(told.points)), ended = n - (by.pending || 0) - (by.running || 0);
    lede.textContent = `A sweep of ${n} points over ${axesOf().map((a) => a.key).join(", ") || "one setting"}`;
    bar.replaceChildren(...["finished", "diverged", "failed", "running"].filter((s) => by[s]).map((s) => h("i", {class: `s-${s}`, style: `flex-grow:${by[s]}`})), h("i", {style: `flex-grow:${by.pending || 0}`}));
    facts.replaceChildren(h("li", null, h("b", null, `${ended} of ${n}`), ` ended, ${Math.floor(100 * ended / Math.max(1, n))} %`), ...count(told.points).map(([s, k]) => h("li", null, h("b", null, String(k)), " " + s)));
    notices.replaceChildren(warning([told.problem].filter(Boolean), "This sweep cannot be read:") || "");
    document.documentElement.dataset.ended = String(ended);
    if (n) { showFrame(); showCell(); }
    return true;
  };
  const update = calmly(async () => {
    const news = update.latest;
    if (gone || !news) return;
    if (!("sweep" in news)) { lede.textContent = notShown(news, "sweep", () => ask("api/sweep", {sweep: name})); return; }
    if (news.sweep !== seen && await refresh()) seen = news.sweep;
  });
  return {news: (n) => { update.latest = n; update(); }, leave: () => { gone = true; }};
}
