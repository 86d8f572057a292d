/* The page of the four lenses on a model, at one moment or at several. */
"use strict";
const MOMENTS = DATA.moments, NOW = MOMENTS[MOMENTS.length - 1].seen, SHAPE = NOW.model;
const STEPS = MOMENTS.map((m) => m.step), MANY = MOMENTS.length > 1;
const INKS = {previous: ["#d08a00", "#f0b429"], current: ["#4a4f57", "#c3c8d0"], next: ["#d55e00", "#ff8a3d"], gradient: ["#009e73", "#35c99b"],
  induction: ["#d55e00", "#ff8a3d"], duplicate: ["#b0529c", "#dd8fc9"], first: ["#0072b2", "#56a8e0"], blue: ["#0072b2", "#56a8e0"], purple: ["#b0529c", "#dd8fc9"]};
const ink = (name) => (INKS[name] ? INKS[name][STATE.dark ? 1 : 0] : css("--ink"));
const at = (o, ...keys) => keys.reduce((x, k) => (x === null || x === undefined ? null : x[k]), o) ?? null;
const layerAxis = (norm) => (norm ? "depth: blocks passed, then the last norm" : "depth: blocks passed");

/* --- cards --- */
function lensCard(title, note, draw, opts = {}) {
  const div = h("div", {class: "plot" + (opts.heat ? " heat" : ""), role: "img", "aria-label": title});
  figure(div, () => draw(div));
  return h("div", {class: "card"}, h("h3", null, title), note ? h("p", {class: "note"}, mathNodes(note)) : null, div);
}
function lines(title, note, traces, across, up, opts = {}) {
  return lensCard(title, note, (div) => {
    const layout = profileLayout(across, up, Boolean(opts.log), Boolean(opts.whole));
    if (opts.whole && SHAPE.n_layers > 14) delete layout.xaxis.dtick;
    if (opts.range) layout.yaxis.range = opts.range;
    if (opts.free) layout.yaxis.rangemode = "normal";
    if (opts.logx) layout.xaxis.type = "log";
    layout.showlegend = opts.legend !== false;
    return Plotly.react(div, traces(), layout, CONFIG);
  });
}
const line = (x, y, name, colour, more) => Object.assign({x, y, name: escapeText(name), type: "scatter", mode: x.length > 40 ? "lines" : "lines+markers", marker: {size: 5}, line: {color: colour, width: 2}, hovertemplate: "%{y:.3g}"}, more);
const depths = (n) => Array.from({length: n}, (_, i) => i);

/* A number a head, as a map: rows are layers, columns heads. */
function headMap(title, note, list, key, opts = {}) {
  const z = Array.from({length: SHAPE.n_layers}, () => new Array(SHAPE.n_heads).fill(null));
  for (const o of list) z[o.layer][o.head] = o[key];
  return lensCard(title, note, (div) => Plotly.react(div, [{type: "heatmap", z, xgap: 1, ygap: 1, zmin: opts.lo ?? 0, zmax: opts.hi ?? 1, colorscale: ramp(opts.signed), showscale: true,
    colorbar: {thickness: 9, len: .9, outlinewidth: 0, tickfont: {size: 10}}, hovertemplate: "layer %{y}, head %{x}: %{z:.3g}<extra></extra>"}],
  baseLayout({margin: {l: 46, r: 8, t: 6, b: 40}, xaxis: {title: {text: "head", standoff: 6}, dtick: SHAPE.n_heads > 16 ? 4 : 1, showgrid: false, zeroline: false}, yaxis: {title: {text: "layer", standoff: 6}, dtick: SHAPE.n_layers > 14 ? 5 : 1, autorange: "reversed", showgrid: false, zeroline: false}}), CONFIG));
}
function ramp(signed) {
  const stops = (signed ? TWO : RAMP)[STATE.dark ? "dark" : "light"], n = stops.length - 1;
  return stops.map((c, i) => [i / n, c]);
}
const shown = (t) => t.replace(/\n/g, "↵").replace(/\t/g, "⇥").replace(/ /g, "␣");
/* A square map between tokens. */
function tokenMap(title, note, z, tokens, rows, cols, signed) {
  const names = tokens.map(shown), top = Math.max(...z.flat().map((v) => Math.abs(v ?? 0))) || 1, n = names.length;
  return lensCard(title, note, (div) => Plotly.react(div, [{type: "heatmap", z: signed ? z : z.map((r, i) => r.map((v, j) => (j > i && v === 0 ? null : v))), zmin: signed ? -top : 0, zmax: top, colorscale: ramp(signed), showscale: false,
    text: names.map((r) => names.map((c) => `${r} → ${c}`)), hovertemplate: "%{text}: %{z:.3g}<extra></extra>"}],
  baseLayout({margin: {l: 62, r: 6, t: 6, b: 62}, xaxis: {title: {text: cols, standoff: 6}, tickvals: depths(n), ticktext: names.map(escapeText), tickfont: {size: n > 30 ? 8 : 10, family: css("--mono")}, tickangle: -90, showgrid: false, zeroline: false, constrain: "domain"},
    yaxis: {title: {text: rows, standoff: 6}, tickvals: depths(n), ticktext: names.map(escapeText), tickfont: {size: n > 30 ? 8 : 10, family: css("--mono")}, autorange: "reversed", showgrid: false, zeroline: false, scaleanchor: "x", constrain: "domain"}}), CONFIG), {heat: true});
}

/* --- one lens a section --- */
function section(id, name, says, facts, cards) {
  return h("section", {id}, h("div", {class: "head"}, h("h2", null, name), h("span", {class: "meta"}, says)),
    facts.length ? h("ul", {class: "facts", style: "margin:0 0 1rem"}, facts.map(([k, v]) => h("li", null, k + " ", h("b", null, v)))) : null, h("div", {class: "grid"}, cards.filter(Boolean)));
}
const headName = (o) => `${o.layer}.${o.head}`;
const bestOf = (list, key) => (list || []).filter((o) => Number.isFinite(o[key])).sort((a, b) => b[key] - a[key])[0];

function overTime(title, note, up, of, opts = {}) {
  if (!MANY) return null;
  return lines(title, note, () => of().map(([name, colour, get]) => line(STEPS, MOMENTS.map((m) => get(m.seen)), name, colour)), "training step", up, Object.assign({free: true}, opts));
}
/* A quantity by depth at every moment, as a map over time. */
function depthTime(title, note, get, what) {
  if (!MANY) return null;
  const columns = MOMENTS.map((m) => get(m.seen) || []), n = Math.max(...columns.map((c) => c.length));
  const z = depths(n).map((d) => columns.map((c) => c[d] ?? null));
  return lensCard(title, note, (div) => Plotly.react(div, [{type: "heatmap", x: STEPS.map(String), z, colorscale: ramp(false), colorbar: {thickness: 9, len: .9, outlinewidth: 0, tickfont: {size: 10}}, hovertemplate: `step %{x}, depth %{y}: %{z:.3g}<extra>${what}</extra>`}],
    baseLayout({margin: {l: 46, r: 8, t: 6, b: 44}, xaxis: {type: "category", title: {text: "training step", standoff: 6}, nticks: 10, showgrid: false}, yaxis: {title: {text: "depth", standoff: 6}, dtick: n > 14 ? 5 : 1, showgrid: false, zeroline: false}}), CONFIG));
}

function headTable(b) {
  const kinds = ["previous", "induction", "duplicate", "first", "current"];
  const rows = b.heads.filter((o) => o.is).slice(0, 14);
  if (!rows.length) return h("p", {class: "note"}, "No head is far enough from one that looks everywhere alike to have a name.");
  return h("div", {class: "wrap"}, h("table", {class: "num"}, h("thead", null, h("tr", null, ["head", "is", ...kinds, "entropy"].map((t) => h("th", {scope: "col", style: "white-space:nowrap"}, t)))),
    h("tbody", null, rows.map((o) => h("tr", null, h("td", null, headName(o)), h("td", null, o.is), kinds.concat("entropy").map((k) => h("td", null, o[k] === null ? "–" : num(o[k])))))), 
    h("tfoot", null, h("tr", null, h("td", null, "even"), h("td", null, ""), kinds.concat("entropy").map((k) => h("td", null, num(b.even[k])))))));
}
function birth() {
  const b = NOW.birth;
  if (!b) return null;
  const memories = b.memories || [], ind = bestOf(b.heads, "induction"), prev = bestOf(b.heads, "previous"), copy = bestOf(memories, "copying");
  const facts = [["induction head", ind ? `${headName(ind)} (${num(ind.induction)})` : "none"], ["previous-token head", prev ? `${headName(prev)} (${num(prev.previous)})` : "none"],
    ["random tokens, first time", num(b.loss_first) + " nats"], ["said again", num(b.loss_again) + " nats"], copy ? ["copies most", `${headName(copy)} (${num(copy.copying)})`] : null].filter(Boolean);
  const cards = [headMap("Induction", "Attention right behind earlier copies of the token, on random tokens said twice.", b.heads, "induction"),
    headMap("Previous token", "Attention to the token before.", b.heads, "previous"),
    headMap("First token", "Attention to the first token, where heads rest that have nothing to do.", b.heads, "first"), headMap("Duplicate token", "Attention to earlier copies of the token itself.", b.heads, "duplicate"),
    memories.length ? headMap("Copying", "Sum of the real parts of the eigenvalues of W_{E}W_{V}W_{O}W_{U} over that of their moduli: 1 writes what it reads, −1 the contrary.", memories, "copying", {lo: -1, hi: 1, signed: true}) : null,
    memories.length ? headMap("Recall", `Of the same memory: share of the ${b.sample} most frequent tokens whose largest score is their own.`, memories, "recall") : null,
    b.map ? tokenMap(`Memory of head ${headName(b.map)}`, "The token attended to (row) and what it is made to say (column): the head of the best recall.", b.map.z, b.map.tokens, "attended token", "predicted token", true) : null,
    ...(b.patterns ? b.patterns.maps.map((m) => tokenMap(`Attention of the best ${m.as} head, ${headName(m)}`, "On the first of the sequences.", m.z, b.patterns.tokens, "query", "key", false)) : []),
    overTime("Heads over training", "The best head of each kind.", "share of attention", () => ["previous", "induction", "duplicate", "first"].map((k) => [k, ink(k), (s) => at(bestOf(at(s, "birth", "heads"), k), k)]), {range: [0, 1.03], free: false}),
    overTime("Repetition over training", "What random tokens cost the first time, and said again.", "nats", () => [["first", ink("current"), (s) => at(s, "birth", "loss_first")], ["again", ink("induction"), (s) => at(s, "birth", "loss_again")]]),
    MANY && memories.length ? overTime("Copying over training", "The largest copying score and recall of any head.", "score", () => [["copying", ink("gradient"), (s) => at(bestOf(at(s, "birth", "memories"), "copying"), "copying")], ["recall", ink("purple"), (s) => at(bestOf(at(s, "birth", "memories"), "recall"), "recall")]]) : null];
  cards.push(h("div", {class: "card", style: "grid-column:1/-1"}, h("h3", null, "Heads by what they are"), h("p", {class: "note"}, "Mean shares of attention on random tokens said twice, and its entropy; even looks everywhere alike."), headTable(b)));
  return section("birth", "Birth", "what heads are, what they copy", facts, cards);
}

function mesa() {
  const m = NOW.mesa;
  if (!m) return null;
  const T = m.loss_at.length, x = Array.from({length: T}, (_, i) => i + 1), p = m.probes;
  const facts = [["loss", num(m.loss)], ["first eighth of the context", num(m.early)], ["last eighth", num(m.late)], ["for each e-fold of context", num(m.slope)]];
  const lin = m.linear.filter((o) => o.linear !== null);
  const cards = [lines("Loss along the context", "A model that learns as it reads loses less and less.", () => MOMENTS.map((o, k) => line(at(o.seen, "mesa", "loss_at").map((_, i) => i + 1), at(o.seen, "mesa", "loss_at"), MANY ? `step ${num(o.step, 6)}` : "loss", k === MOMENTS.length - 1 ? css("--ink") : rampColour(k / MOMENTS.length), {mode: "lines", line: {width: k === MOMENTS.length - 1 ? 2.2 : 1.2, color: k === MOMENTS.length - 1 ? css("--ink") : rampColour(k / MOMENTS.length)}})), "position in the sequence", "loss", {free: true, legend: MANY && MOMENTS.length < 10, logx: T > 32}),
    p ? lines("What a linear map reads, by depth", `Share of the variance that ridge regression from the stream explains, on sequences held out (fitted to ${p.rows} places, ${p.numbers} directions of the token). gradient: a step of gradient descent on the pairs of the context.`, () => p.targets.map((t, k) => line(depths(p.r2.length), p.r2.map((r) => r[k]), t, ink(t))), layerAxis(false), "R²", {whole: true, range: [-.05, 1.05]}) : null,
    lin.length ? headMap("Linear attention", "Share of what a head writes that the mean value and the linear term of its softmax explain.", lin, "linear") : null,
    lin.length ? headMap("Uniform attention", "The same by the mean value alone: a bag of words.", lin, "uniform") : null,
    overTime("In-context learning over training", "Loss in the first and in the last eighth of the context.", "loss", () => [["first eighth", ink("current"), (s) => at(s, "mesa", "early")], ["last eighth", ink("next"), (s) => at(s, "mesa", "late")]]),
    MANY && p ? overTime("Read off the last block, over training", null, "R²", () => p.targets.map((t, k) => [t, ink(t), (s) => { const r = at(s, "mesa", "probes", "r2"); return r ? r[r.length - 1][k] : null; }])) : null,
    MANY && p ? depthTime("The gradient step, by depth and time", "R² of the linear probe.", (s) => (at(s, "mesa", "probes", "r2") || []).map((r) => r[p.targets.indexOf("gradient")]), "R²") : null,
    MANY && p ? depthTime("The token before, by depth and time", "R² of the linear probe.", (s) => (at(s, "mesa", "probes", "r2") || []).map((r) => r[p.targets.indexOf("previous")]), "R²") : null];
  return section("mesa", "Mesa", "what is learnt along the context", facts, cards);
}

function spectrumCard(list) {
  const with_ = list.filter((o) => o.re), points = with_.reduce((n, o) => n + o.re.length, 0);
  if (!with_.length) return null;
  return lensCard("Eigenvalues of W_V W_O", "Of every head, in the complex plane; lighter: earlier blocks. Tokens are drawn together along real positive ones.", (div) => Plotly.react(div, Array.from({length: SHAPE.n_layers}, (_, l) => {
    const of = with_.filter((o) => o.layer === l);
    return {type: points > 4000 ? "scattergl" : "scatter", mode: "markers", name: `block ${l}`, x: of.flatMap((o) => o.re), y: of.flatMap((o) => o.im), text: of.flatMap((o) => o.re.map(() => `head ${headName(o)}`)), marker: {size: points > 1500 ? 3 : 5, color: rampColour(SHAPE.n_layers > 1 ? l / (SHAPE.n_layers - 1) : 1), opacity: .8}, hovertemplate: "%{text}: %{x:.3g} + %{y:.3g} i<extra></extra>"};
  }), Object.assign(profileLayout("real part", "imaginary part", false, false), {hovermode: "closest", showlegend: false, yaxis: Object.assign(PROFILE_AXIS(), {title: {text: "imaginary part", standoff: 6}, scaleanchor: "x", zeroline: true, zerolinecolor: css("--line")}), xaxis: Object.assign(PROFILE_AXIS(), {title: {text: "real part", standoff: 8}, zeroline: true, zerolinecolor: css("--line")})}), CONFIG));
}
function flow() {
  const f = NOW.flow;
  if (!f) return null;
  const x = depths(f.depths.length), get = (k) => f.depths.map((d) => d[k]), s = f.spectrum || [];
  const facts = [["energy falls at", `${f.falls} of ${SHAPE.n_layers} blocks`], ["mean inner product", `${num(get("inner")[0])} → ${num(get("inner")[x.length - 1])}`], ["clusters", `${num(get("clusters")[0])} → ${num(get("clusters")[x.length - 1])} of ${SHAPE.n_ctx} tokens`]];
  const cards = [lines("Energy, by depth", "E_{1} = (1/2n^{2}) Σ exp⟨x_{i},x_{j}⟩ of the directions of the tokens: it rises monotonically in theory, where W_{V} is the identity.", () => [line(x, get("energy"), "E₁", ink("gradient"))], layerAxis(false), "energy", {whole: true, free: true, legend: false}),
    lines("Alignment, by depth", "Mean inner product of pairs of tokens, and the length of their mean.", () => [line(x, get("inner"), "mean inner product", ink("blue")), line(x, get("order"), "|mean token|", ink("current"))], layerAxis(false), "value", {whole: true, free: true}),
    lines("Clusters and rank, by depth", `Connected components of ⟨x_{i},x_{j}⟩ > ${num(1 - f.delta)}, and the participation ratio of the tokens' directions.`, () => [line(x, get("clusters"), "clusters", ink("blue")), line(x, get("rank"), "participation ratio", ink("purple"))], layerAxis(false), "number", {whole: true}),
    lines("Length of the tokens, by depth", "Of the stream, before its norm.", () => [line(x, get("length"), "|x|", ink("current"))], layerAxis(false), "|x|", {whole: true, log: true, legend: false, free: true}),
    spectrumCard(s), s.length ? headMap("Sign of W_V W_O", "Sum of the eigenvalues over that of their moduli: 1 attracts, −1 repels.", s, "trace", {lo: -1, hi: 1, signed: true}) : null,
    depthTime("Energy, by depth and time", null, (m) => (at(m, "flow", "depths") || []).map((d) => d.energy), "E₁"), depthTime("Mean inner product, by depth and time", null, (m) => (at(m, "flow", "depths") || []).map((d) => d.inner), "⟨x,y⟩"),
    overTime("Clusters over training", "Behind the last block.", "clusters", () => [["clusters", ink("blue"), (m) => { const d = at(m, "flow", "depths"); return d ? d[d.length - 1].clusters : null; }]])];
  return section("flow", "Flow", `tokens as points on a sphere, ${NOW.closely} sequences`, facts, cards);
}

function neighbourTable(list) {
  return h("div", {class: "wrap"}, h("table", null, h("thead", null, h("tr", null, ["a sequence ends", "its nearest ends", "distance"].map((t) => h("th", {scope: "col"}, t)))),
    h("tbody", null, list.map((o) => h("tr", null, h("td", {style: "font-family:var(--mono);font-size:.8rem;white-space:pre-wrap"}, "…" + o.text), h("td", {style: "font-family:var(--mono);font-size:.8rem;white-space:pre-wrap"}, "…" + o.near), h("td", null, num(o.distance)))))));
}
function energy() {
  const e = NOW.energy;
  if (!e) return null;
  const n = e.depths.length, x = depths(n), last = e.depths[n - 1], half = (v) => (v === null ? null : v / 2);
  const facts = [["radius", num(half(last.mean[3]))], ["√(n / 2πe)", num(e.expected)], ["dimension of the patterns", last.dimension === null ? "not finite" : `${num(last.dimension)} of ${SHAPE.d_model}`], ["copies", String(last.copies)]];
  const bins = (d) => (d.top === null || !d.bins ? null : d.bins.map((b) => b.map((v) => v / Math.max(1, b.reduce((s, q) => s + q, 0)))));
  const hist = (d, title) => bins(d) && lines(title, "To the nearest other sequence; among a quarter, a half, three quarters, all.", () => bins(d).map((b, k) => line(b.map((_, i) => (i + .5) * d.top / b.length), b, ["25 %", "50 %", "75 %", "all"][k], k === 3 ? css("--ink") : rampColour(k / 4), {mode: "lines", line: {shape: "hvh", width: k === 3 ? 2.2 : 1.4, color: k === 3 ? css("--ink") : rampColour(k / 4)}})), "distance", "share of sequences", {});
  const cards = [lines("Radius of patterns, by depth", "Half the mean distance from the stream at the last position to that of the nearest other sequence. Dashed: each coordinate dealt out anew.", () => [0, 1, 2, 3].map((k) => line(x, e.depths.map((d) => half(d.mean[k])), ["25 %", "50 %", "75 %", "all"][k], k === 3 ? css("--ink") : rampColour(k / 4))).concat([line(x, e.depths.map((d) => half(d.null)), "dealt out anew", ink("purple"), {line: {color: ink("purple"), dash: "dash", width: 1.6}}), line(x, x.map(() => e.expected), "√(n/2πe)", css("--faint"), {mode: "lines", line: {color: css("--faint"), dash: "dot", width: 1.4}})]), layerAxis(e.normed), "half the distance", {whole: true, log: true, free: true}),
    lines("Dimension of the patterns, by depth", "D where the mean distance falls as a power −1/D of how many sequences there are.", () => [line(x, e.depths.map((d) => d.dimension), "D", css("--ink"))], layerAxis(e.normed), "dimension", {whole: true, legend: false}),
    hist(last, e.normed ? "Distances behind the last norm" : "Distances behind the last block"), e.normed ? hist(e.depths[n - 2], "Distances before the last norm") : null,
    e.neighbours && e.neighbours.length ? h("div", {class: "card", style: "grid-column:1/-1"}, h("h3", null, "Nearest neighbours"), h("p", {class: "note"}, "The nearest pairs first, then some from near to far, by the stream at the last position."), neighbourTable(e.neighbours)) : null,
    overTime("Radius over training", "Behind the last norm, or the last block.", "half the distance", () => [["radius", css("--ink"), (s) => { const d = at(s, "energy", "depths"); return d ? half(d[d.length - 1].mean[3]) : null; }], ["dealt out anew", ink("purple"), (s) => { const d = at(s, "energy", "depths"); return d ? half(d[d.length - 1].null) : null; }]]),
    overTime("Loss over training", "On the sequences of this page.", "loss", () => [["loss", css("--ink"), (s) => at(s, "mesa", "loss")]]),
    depthTime("Radius, by depth and time", null, (s) => (at(s, "energy", "depths") || []).map((d) => half(d.mean[3])), "radius")];
  return section("energy", "Energy", "patterns, how far apart they are, and what they cost", facts, cards);
}

/* --- the page --- */
function lensPage() {
  const fact = (k, v) => h("li", null, k + " ", h("b", null, v));
  const big = (n) => (n >= 1e6 ? num(n / 1e6) + " M" : num(n, 6));
  document.getElementById("top").append(h("h1", null, DATA.title),
    h("p", {class: "lede"}, `Four lenses on one model${MANY ? `, at ${MOMENTS.length} moments of its training` : ""}: ${SHAPE.n_layers} blocks of ${SHAPE.n_heads} heads, ${SHAPE.d_model} wide, ${big(SHAPE.parameters)} parameters.`),
    h("ul", {class: "facts"}, fact("weights", DATA.source), fact("on", `${NOW.sequences} sequences of ${SHAPE.n_ctx}: ${DATA.text}`), MANY || STEPS[0] >= 0 ? fact("steps", MANY ? `${STEPS[0]} to ${STEPS[STEPS.length - 1]}` : String(STEPS[0])) : null, fact("made", DATA.generated.slice(0, 16).replace("T", " ") + " UTC"), fact("engram", `${DATA.version} (${DATA.commit})`), fact("machine", DATA.machine)));
  const notices = document.getElementById("notices");
  for (const n of NOW.notes || []) notices.append(h("div", {class: "warn", role: "note"}, n));
  if (!HAS_PLOTLY) notices.append(h("div", {class: "warn"}, "Figures need the plotting library, which this build of engram does not carry: run npm ci and build again."));
  document.getElementById("lenses").append(...[birth(), mesa(), flow(), energy()].filter(Boolean));
  document.getElementById("jump").append(...["birth", "mesa", "flow", "energy"].filter((id) => NOW[id]).map((id) => h("a", {href: "#" + id, style: "margin-right:1rem"}, id)));
  document.getElementById("theme").addEventListener("click", () => { STATE.dark = !STATE.dark; applyTheme(); redrawAll(false); });
  window.addEventListener("beforeprint", () => redrawAll(true));
  applyTheme();
}
lensPage();
