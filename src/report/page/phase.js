/* Phase diagrams: a theory run whose metrics NAME_T are the values of NAME at
 * T, one of the run's times, over what it sweeps. A metric `boundary` is drawn
 * on them as a line: the time that belongs to each swept value. */
"use strict";
const AT_TIME = /^(.+)_(\d+(?:\.\d+)?(?:e[-+]?\d+)?)$/;

/* name -> [[t, metric], ...], ascending; three times and two swept values at
 * least. */
function phaseMaps(group) {
  const maps = new Map();
  for (const name of group.theory ? Object.keys(group.runs[0].series) : []) {
    const m = AT_TIME.exec(name);
    if (!m || !group.times.some((t) => Math.abs(t - m[2]) <= 1e-5 * m[2])) continue;
    if (!maps.has(m[1])) maps.set(m[1], []);
    maps.get(m[1]).push([Number(m[2]), name]);
  }
  for (const [name, list] of maps) {
    list.sort((a, b) => a[0] - b[0]);
    if (list.length < 3 || pool(group, list[0][1]).x.length < 2) maps.delete(name);
  }
  return maps;
}
/* "1000 beta" counts thousandths of beta. */
function sweptAxis(axis) {
  const m = /^(1(?:0+|e\d+)) (\S+)$/.exec(axis);
  return m ? {unit: Number(m[1]), name: m[2] === "beta" ? "β" : m[2]} : {unit: 1, name: axis};
}

function phaseCard(group, name, list, first) {
  const kind = (group.phases || {})[name] || {title: name, value: name, note: "", boundary: ""};
  const div = plotBox(bareText(kind.title), group.file, `${name} by time and ${group.axis}, ${group.name}`, "phase");
  const axis = sweptAxis(group.axis), swept = pool(group, list[0][1]).x, rows = new Map(swept.map((v, i) => [v, i]));
  const table = (suffix) => {
    const z = swept.map(() => list.map(() => null));
    list.forEach(([, metric], k) => {
      if (!group.runs.some((r) => r.series[metric + suffix])) return;
      const p = pool(group, metric + suffix);
      p.x.forEach((v, i) => { if (rows.has(v)) z[rows.get(v)][k] = p.mean[i]; });
    });
    return z;
  };
  const z = table(""), sd = table("_sd"), all = z.flat().filter((v) => v !== null);
  const share = all.every((v) => v >= 0 && v <= 1);
  const line = group.runs.some((r) => r.series.boundary) ? pool(group, "boundary") : null;
  figure(div, () => {
    const whole = share && STATE.whole, low = whole ? 0 : Math.min(...all), top = whole ? 1 : Math.max(...all), frame = {linecolor: css("--line"), zeroline: false, showgrid: false, automargin: true, ticks: "outside", ticklen: 4, tickcolor: css("--line")};
    const traces = [{type: "heatmap", x: list.map(([t]) => t), y: swept.map((v) => v / axis.unit), z, zmin: low, zmax: top, colorscale: VIRIDIS.map((c, i) => [i / (VIRIDIS.length - 1), c]), name: escapeText(name),
      text: sd.map((row) => row.map((v) => (v === null ? "" : ` ± ${num(v, 2)}`))), hovertemplate: `t %{x:.4g}<br>${escapeText(axis.name)} %{y:.4g}<br>${escapeText(kind.value)} <b>%{z:.3g}</b>%{text}<extra></extra>`,
      colorbar: {thickness: 9, len: .9, outlinewidth: 0, ticklen: 3, nticks: 6, tickcolor: css("--line"), tickfont: {size: 10}, title: {text: escapeText(kind.value), side: "right", font: {size: 11}}}}];
    /* on dark and on light cells */
    if (line) for (const [color, width] of [["#ffffff", 4.4], ["#111111", 1.8]])
      traces.push({type: "scatter", mode: "lines", x: line.mean, y: line.x.map((v) => v / axis.unit), line: {color, width}, hovertemplate: "boundary: t %{x:.4g}<extra></extra>"});
    const span = (v) => { const n = v.length; return [v[0] - (v[1] - v[0]) / 2, v[n - 1] + (v[n - 1] - v[n - 2]) / 2]; };
    return Plotly.react(div, traces, baseLayout({hovermode: "closest",
      xaxis: Object.assign({}, frame, {title: {text: "time t", standoff: 8}, range: span(list.map(([t]) => t))}),
      yaxis: Object.assign({}, frame, {title: {text: escapeText(axis.name), standoff: 6}, range: span(swept.map((v) => v / axis.unit))})}), CONFIG);
  });
  return h("div", {class: "card"}, h("h3", null, ...mathNodes(kind.title)), h("p", {class: "note"},
    `${kind.note ? kind.note + " " : ""}${swept.length} values of ${axis.name} × ${list.length} times${group.runs.length > 1 ? `, mean over ${group.runs.length} seeds` : ""}.${line ? (first ? ` The line: ${kind.boundary}` : " The line: as above.") : ""}`), div);
}
