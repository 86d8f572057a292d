/* What a figure shows, to take away: numbers as CSV, the picture as SVG or PNG.
 * Files are called after figure and setting. */
"use strict";

/* Letters that every system takes. */
function fileName(...parts) {
  const plain = parts.map((p) => String(p).replace(/[^A-Za-z0-9_]+/g, "-").replace(/^-+|-+$/g, "")).filter(Boolean);
  return (plain.join("-") || "figure").slice(0, 120);
}
function nameOf(div) {
  return div.dataset.figure ? fileName(div.dataset.setting, div.dataset.figure) : fileName(div.getAttribute("aria-label") || (div.firstElementChild && div.firstElementChild.getAttribute("aria-label")) || "");
}
function csvCell(v) {
  if (v === null || v === undefined || (typeof v === "number" && !Number.isFinite(v))) return "";
  const s = String(typeof v === "number" ? Number(v.toPrecision(9)) : v);
  return /[",\r\n]/.test(s) ? `"${s.replace(/"/g, '""')}"` : s;
}
function csvText(head, rows) {
  return [head, ...rows].map((r) => r.map(csvCell).join(",")).join("\n") + "\n";
}
function bareText(s) {
  return String(s ?? "").replace(/<[^>]*>/g, "").replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&amp;/g, "&");
}
/* [head, rows] of whatever the plotting library was given. */
function plottedTable(div) {
  const rows = [], maps = (div.data || []).filter((t) => t.type === "heatmap");
  for (const t of maps)
    t.z.forEach((row, r) => row.forEach((v, c) => rows.push([bareText(t.name), t.x ? t.x[c] : c, t.y ? t.y[r] : r, v])));
  if (maps.length) return [["quantity", "x", "y", "value"], rows];
  for (const t of div.data || [])
    if (t.name && t.x && t.visible !== "legendonly")
      [...t.x].forEach((x, i) => rows.push([bareText(t.name), x, t.y[i]]));
  return [["quantity", "x", "y"], rows];
}
function tableText(f) {
  const [head, rows] = f.table ? f.table() : plottedTable(f.div);
  const figureName = f.div.dataset.figure || f.div.getAttribute("aria-label"), setting = f.div.dataset.setting || "";
  return csvText(["figure", "setting", ...head], rows.map((r) => [figureName, setting, ...r]));
}

function save(name, blob) {
  const a = h("a", {href: URL.createObjectURL(blob), download: name, hidden: true});
  document.body.append(a);
  a.click();
  a.remove();
  setTimeout(() => URL.revokeObjectURL(a.href), 10000);
}
/* As on the page, on its ground, with a legend inside. */
async function pictureOf(div, format) {
  const size = {width: Math.max(480, div.clientWidth), height: Math.max(320, div.clientHeight) + 40};
  const data = div.data.map((t) => Object.assign({}, t, {showlegend: Boolean(t.name) && t.type !== "heatmap" && t.showlegend !== false}));
  const layout = Object.assign({}, div.layout, {autosize: false, paper_bgcolor: css("--card"), plot_bgcolor: css("--card"), showlegend: data.filter((t) => t.showlegend).length > 1,
    legend: {orientation: "h", y: -.2, yanchor: "top", font: {size: 11}}});
  const url = await Plotly.toImage({data, layout, config: CONFIG}, Object.assign({format, scale: format === "png" ? 2 : 1}, size));
  if (format === "svg") return new Blob([decodeURIComponent(url.slice(url.indexOf(",") + 1))], {type: "image/svg+xml"});
  return (await fetch(url)).blob();
}
async function take(f, format) {
  const {div} = f, name = `${nameOf(div)}.${format}`, canvas = div.querySelector(":scope > canvas");
  if (f.stale) drawFigure(f);
  if (format === "csv") save(name, new Blob([tableText(f)], {type: "text/csv"}));
  else if (canvas) canvas.toBlob((blob) => save(name, blob));
  else save(name, await pictureOf(div, format));
}
/* Three buttons behind an arrow; a canvas has its picture, and numbers where
 * its figure says which. */
function takeMenu(f) {
  const canvas = f.div.querySelector(":scope > canvas");
  const formats = canvas ? (f.table ? ["csv", "png"] : ["png"]) : ["csv", "svg", "png"];
  return h("details", {class: "take"}, h("summary", {title: "Take the data or the picture", "aria-label": "Data and picture"}, "⤓"),
    h("div", null, formats.map((format) => h("button", {type: "button", onclick: () => { take(f, format); }}, format.toUpperCase()))));
}
document.addEventListener("click", (e) => {
  for (const d of document.querySelectorAll("details.take[open]")) if (!d.contains(e.target)) d.open = false;
});
