/* Heat maps over time: attention patterns and association matrices. */
"use strict";
const PLAY = "M7 4v16l13-8z", PAUSE = "M6 4h4v16H6zm8 0h4v16h-4z";
const RAMP = {
  light: ["#ffffff", "#dceaf6", "#a8cde9", "#5fa3d6", "#1f6fb2", "#0a3566"],
  dark: ["#181b21", "#123252", "#17588f", "#2f8ccc", "#7cc3ee", "#eaf7ff"],
};
const TWO = {
  light: ["#0a4a80", "#4a94cc", "#b5d5ec", "#ffffff", "#f9cfae", "#e07f33", "#9c3f00"],
  dark: ["#9bd4fb", "#3c8fcb", "#1c4364", "#181b21", "#5f3413", "#d9772a", "#ffc795"],
};

/* For maps of a value over two others: even steps of it are even steps to the
 * eye, and to colour-blind eyes (viridis, by van der Walt and Smith). */
const VIRIDIS = ["#440154", "#482878", "#3e4989", "#31688e", "#26828e", "#1f9e89", "#35b779", "#6ece58", "#b5de2b", "#fde725"];

/* A token as something visible. */
function glyph(point) {
  if (point === 32) return "␣";
  if (point === 10) return "↵";
  if (point === 9) return "⇥";
  if (!point || point < 32) return "·";
  return String.fromCodePoint(point);
}

/* Row or column names: the character at that place, made unique by its index. */
function axisNames(kind, n, labels) {
  const symbols = labels.symbols || [], tokens = labels.tokens || [];
  let ids = null;
  if (kind === "token" && tokens.length >= n) ids = tokens.slice(0, n);
  if (kind === "symbol" || (kind === "index" && n === symbols.length)) ids = [...Array(n).keys()];
  const short = [], long = [];
  for (let i = 0; i < n; i++) {
    const s = ids && symbols.length > ids[i] ? glyph(symbols[ids[i]]) : ids && kind === "token" ? String(ids[i]) : String(i);
    short.push(s);
    long.push(kind === "token" && ids ? `${i}  ${s}` : s === String(i) ? s : `${s}  (${i})`);
  }
  return {short, long};
}

/* Bytes back to numbers, a head and a step at a time. */
function unpack(map) {
  const text = atob(map.data), [heads, rows, cols] = map.shape;
  const code = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) code[i] = text.charCodeAt(i);
  const size = heads * (map.causal ? rows * (rows + 1) / 2 : rows * cols);
  const value = new Float64Array(256);
  for (let q = 0; q < 255; q++)
    value[q] = map.signed ? (q - 127) / 127 * map.max : (q / 254) ** 2 * map.max;
  value[255] = NaN;
  return (step, head, n, m) => {
    const z = [];
    let at = step * size + head * size / heads;
    for (let r = 0; r < rows; r++) {
      const len = map.causal ? r + 1 : cols;
      if (r < n) {
        const row = new Array(m);
        for (let c = 0; c < m; c++) row[c] = c < len ? value[code[at + c]] : map.causal ? null : 0;
        z.push(row);
      }
      at += len;
    }
    return z;
  };
}

/* The 99.8th percentile of magnitudes at the last step, for the colours. */
function colourTop(map, get) {
  const [heads, rows, cols] = map.shape, all = [];
  for (let a = 0; a < heads; a++)
    for (const row of get(map.steps.length - 1, a, rows, cols))
      for (const v of row) if (v !== null && Number.isFinite(v)) all.push(Math.abs(v));
  if (!all.length) return 1;
  all.sort((a, b) => a - b);
  const top = all[Math.floor(.998 * (all.length - 1))];
  return (map.signed ? top : Math.max(top, .25 * map.max)) || map.max || 1;
}

/* Unsigned maps: the colour follows the root, so that small weights show. */
function scale(map) {
  const stops = (map.signed ? TWO : RAMP)[STATE.dark ? "dark" : "light"], n = stops.length - 1;
  return stops.map((c, i) => [map.signed ? i / n : (i / n) ** 2, c]);
}

/* Tick labels as dense as there is room for: letters shrink before they thin. */
function thinTicks(names, range, px, vertical) {
  const from = Math.max(0, Math.ceil(Math.min(...range))), to = Math.min(names.short.length - 1, Math.floor(Math.max(...range)));
  const cell = px / Math.max(1, to - from + 1), width = Math.max(...names.short.slice(from, to + 1).map((s) => [...s].length));
  const need = vertical ? 1.02 : .62 * width + .15; /* room for a label, in its own size */
  let size = Math.min(12, Math.max(7, Math.floor(cell / need))), stride = 1;
  if (width > 1) size = 10;
  while (stride * cell < need * size || (width > 1 && stride * cell < 16)) stride++;
  if (width > 1) stride = [1, 2, 5, 10, 20, 25, 50, 100, 200].find((k) => k >= stride) || stride;
  const vals = [], text = [];
  for (let i = width > 1 ? Math.ceil(from / stride) * stride : from; i <= to; i += stride) {
    vals.push(i);
    text.push(escapeText(names.short[i]));
  }
  return {vals, text, size};
}

function heatCard(map, labels, shared) {
  const [heads, rows, cols] = map.shape;
  const get = unpack(map), top = colourTop(map, get);
  const rowNames = axisNames(map.row_axis, rows, labels), colNames = axisNames(map.col_axis, cols, labels);
  const kept = shared.heads || {}, view = {head: Math.min(kept[map.name] || 0, heads - 1)};
  const div = plotBox(bareText(map.name), shared.file, `${map.label}: ${map.value} by ${map.rows} and ${map.cols}`, "heat");
  const shownRows = () => (shared.window && map.row_axis === "token" ? Math.min(rows, shared.window) : rows);
  const shownCols = () => (shared.window && map.col_axis === "token" ? Math.min(cols, shared.window) : cols);
  const index = () => {
    let i = 0;
    while (i + 1 < map.steps.length && map.steps[i + 1] <= shared.step) i++;
    return i;
  };
  const z = () => get(index(), view.head, shownRows(), shownCols());
  const ticks = () => {
    const size = div._fullLayout && div._fullLayout._size;
    const xr = (div._fullLayout && div._fullLayout.xaxis.range) || [-.5, shownCols() - .5];
    const yr = (div._fullLayout && div._fullLayout.yaxis.range) || [shownRows() - .5, -.5];
    return [thinTicks(colNames, xr, size ? size.w : 300), thinTicks(rowNames, yr, size ? size.h : 280, true)];
  };
  const layout = () => {
    const [tx, ty] = ticks(), mono = (t) => ({family: css("--mono"), size: t.size, color: css("--soft")});
    const axis = {showgrid: false, zeroline: false, showline: false, ticks: "", tickmode: "array", constrain: "domain"};
    return baseLayout({margin: {l: 46, r: 8, t: 30, b: 8}, hovermode: "closest",
      xaxis: Object.assign({}, axis, {title: {text: map.cols, standoff: 4}, side: "top", tickfont: mono(tx), tickvals: tx.vals, ticktext: tx.text, tickangle: 0, range: [-.5, shownCols() - .5]}),
      yaxis: Object.assign({}, axis, {title: {text: map.rows, standoff: 4}, range: [shownRows() - .5, -.5], tickfont: mono(ty), tickvals: ty.vals, ticktext: ty.text, scaleanchor: rows === cols ? "x" : undefined})});
  };
  const trace = () => ({type: "heatmap", z: z(), x0: 0, y0: 0, dx: 1, dy: 1, zmin: map.signed ? -top : 0, zmax: top, colorscale: scale(map),
    hoverongaps: false, colorbar: {thickness: 9, len: .55, orientation: "h", y: -.015, yanchor: "top", x: .5, outlinewidth: 0, ticklen: 3, nticks: 5, tickcolor: css("--line"),
      title: {text: map.value + (map.signed ? "" : ", colour by its root"), side: "top", font: {size: 11}}, tickfont: {size: 10}},
    hovertemplate: "%{text}<extra></extra>", text: hoverText()});
  const hoverText = () => z().map((row, r) => row.map((v, c) =>
    v === null ? "" : `${map.rows} ${escapeText(rowNames.long[r])}<br>${map.cols} ${escapeText(colNames.long[c])}<br>${map.value} <b>${num(v)}</b>`));
  /* dots at the largest entry of each row: what the recalls count */
  const peaks = (rowsOf) => rowsOf.map((row) => row.indexOf(row.reduce((m, v) => (v !== null && v > m ? v : m), -Infinity)));
  const dots = () => {
    const x = peaks(z());
    return {type: "scatter", mode: "markers", x, y: x.map((_, i) => i), hoverinfo: "skip",
      marker: {size: 3.2, color: css("--ink"), opacity: .75}};
  };
  const traces = () => (map.peaks ? [trace(), dots()] : [trace()]);
  const draw = async () => {
    if (div._fullLayout) await Plotly.react(div, traces(), layout(), CONFIG);
    else {
      await Plotly.newPlot(div, traces(), layout(), CONFIG);
      div.on("plotly_relayout", (e) => { if (e && Object.keys(e).some((k) => k.includes("range"))) retick(); });
      retick();
    }
  };
  const retick = () => {
    const [tx, ty] = ticks();
    Plotly.relayout(div, {"xaxis.tickvals": tx.vals, "xaxis.ticktext": tx.text, "xaxis.tickfont.size": tx.size, "yaxis.tickfont.size": ty.size, "yaxis.tickvals": ty.vals, "yaxis.ticktext": ty.text});
  };
  const f = figure(div, draw, false, () => [["quantity", "step", "head", map.rows, map.cols, "value"], z().flatMap((row, r) => row.map((v, c) => [map.name, map.steps[index()], view.head, rowNames.short[r], colNames.short[c], v]))]);
  const pick = heads > 1 ? h("select", {"aria-label": "Head", onchange: (e) => { view.head = kept[map.name] = Number(e.target.value); drawFigure(f); }},
    [...Array(heads).keys()].map((i) => h("option", {value: i, selected: i === view.head}, `head ${i}`))) : null;
  shared.cards.push({f, move: () => {
    if (!f.seen || !div._fullLayout) { f.stale = true; return; }
    Plotly.restyle(div, {z: [z()], text: [hoverText()]}, [0]);
    if (map.peaks) Plotly.restyle(div, {x: [dots().x]}, [1]);
  }});
  return h("div", {class: "card"}, h("div", {class: "sub", style: "margin:0"}, h("h3", null, ...mathNodes(map.label)), pick),
    map.help ? h("p", {class: "note"}, map.help) : null, div);
}

/* All maps of a group under one slider. group.look (the live page has one) keeps
 * what was chosen for the section that takes this one's place. */
function heatSection(group) {
  const moving = group.maps.filter((m) => !m.full), whole = group.maps.filter((m) => m.full);
  const steps = [...new Set(moving.flatMap((m) => m.steps))].sort((a, b) => a - b);
  const tokens = moving.filter((m) => m.row_axis === "token").map((m) => m.shape[1]);
  const look = group.look || {}, heads = look.heads = look.heads || {};
  const shared = {step: steps[steps.length - 1], window: 0, cards: [], heads, file: group.file};
  const longest = Math.max(0, ...tokens), sizes = [24, 40].filter((n) => n < longest);
  if (sizes.length) shared.window = look.window ?? (PHONE.matches ? sizes[0] : sizes[Math.min(1, sizes.length - 1)]);
  const out = h("output", null), play = h("button", {class: "play", type: "button", "aria-label": "Play"}, svg(PLAY));
  const range = h("input", {type: "range", min: 0, max: steps.length - 1, value: steps.length - 1, step: 1, "aria-label": "Training step of the snapshots"});
  const set = (i) => {
    range.value = i;
    shared.step = steps[i];
    look.step = i < steps.length - 1 ? steps[i] : undefined;
    out.textContent = `step ${steps[i]}`;
    for (const c of shared.cards) c.move();
  };
  range.addEventListener("input", () => set(Number(range.value)));
  let timer = 0;
  const stop = () => { clearInterval(timer); timer = 0; play.replaceChildren(svg(PLAY)); play.setAttribute("aria-label", "Play"); };
  play.addEventListener("click", () => {
    if (timer) { stop(); return; }
    if (Number(range.value) === steps.length - 1) set(0);
    play.replaceChildren(svg(PAUSE));
    play.setAttribute("aria-label", "Pause");
    timer = setInterval(() => {
      const i = Number(range.value) + 1;
      if (i >= steps.length) stop(); else set(i);
    }, 650);
  });
  const zoom = sizes.length ? segment(h("div", {class: "seg", role: "group", "aria-label": "Tokens shown"}),
    [...sizes, longest].map((n) => [String(n === longest ? 0 : n), n === longest ? `all ${n}` : `${n}`, `first ${n} tokens`]), String(shared.window),
    (id) => { shared.window = look.window = Number(id); for (const c of shared.cards) { c.f.stale = true; if (c.f.seen) drawFigure(c.f); } }) : null;
  const grid = h("div", {class: "grid"}, moving.map((m) => heatCard(m, group.labels || {}, shared)));
  const fewer = moving.some((m) => m.of > m.steps.length);
  const box = h("div", {class: "inside"}, h("div", {class: "sub"}, h("h3", null, "Inside the model, over time"),
    h("span", {class: "note"}, `${group.maps_seed >= 0 ? "seed " + group.maps_seed + ", " : ""}${steps.length} snapshots${fewer ? " (some left out to keep the page small)" : ""}; values kept to 8 bits`)),
    h("div", {class: "time"}, play, range, out, zoom ? h("span", null, "tokens ") : null, zoom), grid,
    whole.length ? fold("The whole sequence", `at the last step, ${whole[0].shape[1]} positions`, h("div", {class: "grid"}, whole.map((m) => heatCard(m, group.labels || {}, {step: m.steps[0], window: 0, cards: [], file: group.file})))) : null);
  const was = steps.indexOf(look.step);
  set(was >= 0 ? was : steps.length - 1);
  return box;
}
