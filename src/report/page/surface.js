/* Surfaces: a theory run whose metrics `x` and `y` run over a whole grid of the
 * plane. Every other metric is drawn over it, to be turned. */
"use strict";

/* {x, y, at: "x y" -> row, names}; null where the points are no grid. */
function surfaceGrid(group) {
  if (!group.theory || !["x", "y"].every((k) => group.runs[0].series[k])) return null;
  const px = pool(group, "x"), py = pool(group, "y"), values = (p) => [...new Set(p.mean)].sort((a, b) => a - b);
  const x = values(px), y = values(py), point = new Map();
  if (x.length < 2 || y.length < 2 || px.x.length !== x.length * y.length || py.x.length !== px.x.length) return null;
  px.x.forEach((step, i) => point.set(step, [y.indexOf(py.mean[i]), x.indexOf(px.mean[i])]));
  return {x, y, point, names: Object.keys(group.runs[0].series).filter((n) => n !== "x" && n !== "y" && !spreadOf(group, n))};
}

/* A colour between the stops, by share of the whole. */
function between(stops, share) {
  const at = Math.min(.9999, Math.max(0, share)) * (stops.length - 1), k = Math.floor(at), f = at - k;
  const part = (hex, c) => parseInt(hex.slice(1 + 2 * c, 3 + 2 * c), 16);
  return `rgb(${[0, 1, 2].map((c) => Math.round(part(stops[k], c) * (1 - f) + part(stops[k + 1], c) * f)).join()})`;
}

/* Quadrangles from the farthest to the nearest, in bands of height. */
function paintSurface(g, w, height, grid, z, low, high, view) {
  const BANDS = 18, TALL = .6, see = turned(view), R = Math.min(w / 3.1, height / 2.95), cx = w / 2, cy = .48 * height;
  const at = (i, n) => 2 * i / (n - 1) - 1, up = (v) => TALL * (2 * (v - low) / (high - low || 1) - 1);
  const place = (x, y, v) => { const p = see(x, y, v); return [cx + R * p[0], cy - R * p[1], p[2]]; };
  const stops = RAMP[STATE.dark ? "dark" : "light"].slice(1).reverse(), quads = [];
  const path = (points) => { g.beginPath(); points.forEach((p, i) => (i ? g.lineTo(p[0], p[1]) : g.moveTo(p[0], p[1]))); };
  const points = z.map((row, j) => row.map((v, i) => (v === null ? null : place(at(i, row.length), at(j, z.length), up(v)))));
  for (let j = 0; j + 1 < z.length; j++)
    for (let i = 0; i + 1 < z[j].length; i++) {
      const corner = [points[j][i], points[j][i + 1], points[j + 1][i + 1], points[j + 1][i]];
      if (corner.includes(null)) continue;
      const mean = (z[j][i] + z[j][i + 1] + z[j + 1][i + 1] + z[j + 1][i]) / 4;
      quads.push({corner, depth: corner.reduce((s, p) => s + p[2], 0), band: Math.floor(BANDS * (mean - low) / (high - low || 1))});
    }
  const base = [[-1, -1], [1, -1], [1, 1], [-1, 1]].map(([x, y]) => place(x, y, -TALL));
  g.lineWidth = 1;
  g.strokeStyle = css("--line");
  path([...base, base[0]]);
  g.stroke();
  g.fillStyle = css("--soft");
  g.textAlign = "center";
  g.textBaseline = "middle";
  for (const [x, y, text] of [[0, -1.22, "x"], [1.22, 0, "y"], [-1, -1.14, num(grid.x[0])], [1, -1.14, num(grid.x[grid.x.length - 1])],
    [1.14, -1, num(grid.y[0])], [1.14, 1, num(grid.y[grid.y.length - 1])]]) {
    const p = place(x, y, -TALL);
    g.fillText(text, p[0], p[1]);
  }
  quads.sort((a, b) => a.depth - b.depth);
  for (const q of quads) {
    path(q.corner);
    g.closePath();
    g.fillStyle = g.strokeStyle = between(stops, (q.band + .5) / BANDS);
    g.fill();
    g.lineWidth = .7;
    g.stroke();
  }
}

function surfaceCard(group, grid, name) {
  const p = pool(group, name), z = grid.y.map(() => grid.x.map(() => null)), label = DATA.quantities[name].label;
  p.x.forEach((step, i) => { const at = grid.point.get(step); if (at) z[at[0]][at[1]] = p.mean[i]; });
  const all = z.flat().filter((v) => v !== null), low = Math.min(...all), high = Math.max(...all), view = {yaw: -1.1, pitch: .8};
  const fig = canvasFigure("wide", `${name} over the plane, ${group.name}`, (g, w, height) => paintSurface(g, w, height, grid, z, low, high, view), group.file,
    () => [["quantity", "x", "y", "value"], z.flatMap((row, j) => row.map((v, i) => [name, grid.x[i], grid.y[j], v]))]);
  turnable(fig, view);
  return h("div", {class: "card"}, h("h3", null, ...mathNodes(label)), h("p", {class: "note"},
    `${num(low)} (dark) to ${num(high)}; ${grid.x.length} × ${grid.y.length} points${group.runs.length > 1 ? `, mean over ${group.runs.length} seeds` : ""}. Drag to turn.`), fig.div);
}
