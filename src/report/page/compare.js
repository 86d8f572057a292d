/* Side by side: the same figure of every setting, axes shared. */
"use strict";

function comparable(groups) {
  return DATA.panels.filter((p) => groups.filter((g) => g.panels.has(p.id)).length > 1 && !p.fold);
}
function sideBySide(groups, panels) {
  const grid = h("div", {class: "grid small"}), box = h("div");
  const choice = h("div", {class: "seg", role: "group", "aria-label": "Quantity"});
  const wanted = ["acc", "recall"].map((id) => panels.find((p) => p.id === id)).find(Boolean) || panels[0];
  let drawn = [];
  const show = (id) => {
    const panel = panels.find((p) => p.id === id), members = groups.filter((g) => g.panels.has(id));
    const names = [...new Set(members.flatMap((g) => parted(g.panels.get(id))[0][1]))];
    names.sort((a, b) => DATA.quantities[a].order - DATA.quantities[b].order);
    const hidden = offAtFirst(names), end = Math.max(0, ...members.flatMap((g) => names.map((n) => pool(g, n).x.at(-1) ?? 0)));
    dropFigures(drawn);
    const opts = {small: true, xRange: [0, end]}, chips = legend(names, hidden, () => drawn.forEach(again));
    const all = (g) => curveTraces(g, names.filter((n) => g.panels.get(id).includes(n)), hidden, opts);
    drawn = [];
    grid.replaceChildren(...members.map((g) => {
      const div = plotBox(panel.title, g.file, `${panel.title}, ${g.name}`);
      drawn.push(figure(div, () => {
        chips.recolour();
        opts.yRange = yRange(panel, members.flatMap(all));
        return Plotly.react(div, all(g), curveLayout(panel, opts), Object.assign({}, CONFIG, {displayModeBar: false}));
      }, false, () => curveTable([[null, g]], names)));
      return h("div", {class: "card"}, h("h3", null, h("a", {href: "#" + g.anchor}, g.name)), div);
    }));
    box.replaceChildren(chips);
  };
  segment(choice, panels.map((p) => [p.id, p.title]), wanted.id, show);
  show(wanted.id);
  return [choice, box, grid];
}
function compareSection(groups) {
  const host = document.getElementById("compare"), panels = comparable(groups);
  if (groups.length < 2 || !panels.length) return;
  host.hidden = false;
  const head = [h("h2", null, "Side by side"), h("span", {class: "meta"}, `${groups.length} settings, shared axes`)];
  const inside = () => [h("div", {class: "grid"}, ladderCards(groups)), sideBySide(groups, panels)];
  if (groups.length > FEW || DATA.claims.length > FEW_CLAIMS) host.append(lazyFold({class: "part"}, head, inside));
  else host.append(h("div", {class: "head"}, head), ...inside().flat());
}
