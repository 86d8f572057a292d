/* All runs: those that run as cards, the others in a table. */
"use strict";
const ROWS = 100; /* of the table at first */

function runAddress(run) {
  return "#/run/" + encodeURIComponent(run.id);
}

/* A running run: what it is, how it gets on. */
function nowCard(run) {
  const box = h("a", {class: "card", href: runAddress(run)});
  const bar = gauge(run);
  box.show = (r) => {
    bar.show(r);
    box.replaceChildren(
      h("div", {class: "top"}, h("h3", null, r.name), h("span", null, `seed ${r.seed}`)),
      h("div", {class: "value"}, h("b", null, r.value === null ? "–" : num(r.value, 4)), h("span", null, r.metric || "nothing measured yet")),
      sparkline(r.spark), bar,
      h("div", {class: "pace"}, h("span", null, h("b", null, r.steps > 0 ? `${Math.floor(100 * r.step / r.steps)} %` : "–"), ` of ${whole(r.steps)} ${unitOf(r)}`),
        h("span", null, paceText(r)), h("span", null, Number.isFinite(r.eta) && r.eta !== null ? `${left(r.eta)} left` : "")));
  };
  box.show(run);
  return box;
}

function runRow(r) {
  return h("tr", null,
    h("td", null, h("a", {href: runAddress(r)}, r.name || r.id)),
    h("td", {class: "id"}, r.id.split("/").pop()),
    h("td", null, stateChip(r.status)),
    h("td", null, String(r.seed)),
    h("td", null, r.steps > 0 ? (r.status === "finished" ? whole(r.steps) : `${whole(r.step)} of ${whole(r.steps)}`) : "–"),
    h("td", null, r.status !== "running" && r.seconds > 0 ? seconds(r.seconds) : "–"),
    h("td", null, when(r.start)));
}

function listView(main, name) {
  const head = h("header", {class: "run-head"}), now = h("div", {class: "now"}), nowBox = h("div", null, h("h2", {class: "sub-head"}, "Running"), now);
  const body = h("tbody"), more = h("button", {type: "button", class: "more-rows", onclick: () => { most *= 4; fill(); }});
  const count = h("span", {class: "count"});
  const table = h("div", {class: "wrap"}, h("table", {class: "runs"},
    h("thead", null, h("tr", null, ["Name", "Id", "State", "Seed", "Steps", "Took", "Started"].map((t) => h("th", {scope: "col"}, t)))), body), more);
  const filter = h("div", {class: "filter"}, h("input", {type: "search", placeholder: "Find a run", "aria-label": "Find a run", oninput: (e) => { text = e.target.value.toLowerCase(); fill(); }}), count);
  const rest = h("div", null, h("h2", {class: "sub-head"}, "All runs"), filter, table);
  const sweepBox = h("div", {hidden: true});
  let told = null, most = ROWS, text = "", list = -1, live = -1, sweeps = -1, cards = new Map();
  main.append(head, nowBox, sweepBox, rest);
  document.title = name ? `${name} · engram` : "engram watch";
  crumb(...(name ? [h("a", {href: "#/"}, "all runs"), ` / ${name}`] : []));

  const ours = (runs) => runs.filter((r) => !name || r.name === name);
  const fill = () => {
    const all = ours(told.runs), found = all.filter((r) => !text || `${r.name} ${r.id} ${r.status} ${r.kind}`.toLowerCase().includes(text));
    body.replaceChildren(...found.slice(0, most).map(runRow));
    more.hidden = found.length <= most;
    more.textContent = `${found.length - most} more`;
    count.textContent = text ? `${found.length} of ${all.length} shown` : told.count > told.runs.length ? `the newest ${told.runs.length} of ${told.count}` : "";
    rest.hidden = !all.length;
  };
  const cardsOf = (runs) => {
    const seen = new Set();
    for (const r of runs) {
      seen.add(r.id);
      if (cards.has(r.id)) cards.get(r.id).show(r);
      else { cards.set(r.id, nowCard(r)); now.append(cards.get(r.id)); }
    }
    for (const [id, card] of cards) if (!seen.has(id)) { card.remove(); cards.delete(id); }
    nowBox.hidden = !runs.length;
  };
  const header = () => {
    const all = ours(told.runs), running = all.filter((r) => r.status === "running").length;
    head.replaceChildren(h("h1", null, name || "Runs"),
      h("p", {class: "lede"}, told.count ? `${name ? all.length : told.count} run${(name ? all.length : told.count) === 1 ? "" : "s"} in ${told.root}${running ? `, ${running} of them running` : ""}` : `There are no runs in ${told.root} yet; this page shows them as they begin.`),
      warning([told.problem].filter(Boolean), "The runs cannot be listed:") || "");
  };
  const update = calmly(async () => {
    const news = update.news;
    if (news.list !== list || !told) {
      const answer = await ask("api/runs");
      if (!answer) return;
      told = answer;
      list = news.list;
      header();
      fill();
    }
    if (news.sweeps !== sweeps && !name) {
      const answer = await ask("api/sweeps");
      if (answer) {
        sweeps = news.sweeps;
        sweepBox.hidden = !answer.sweeps.length;
        sweepBox.replaceChildren(h("h2", {class: "sub-head"}, "Sweeps"), h("div", {class: "names"}, answer.sweeps.map((s) => h("a", {href: "#/sweep/" + encodeURIComponent(s)}, s))));
      }
    }
    if (news.live !== live) {
      const answer = await ask("api/live");
      if (!answer) return;
      live = news.live;
      const by = new Map(answer.runs.map((r) => [r.id, r]));
      told.runs = told.runs.map((r) => by.get(r.id) || r);
      cardsOf(ours(answer.runs));
      if (answer.runs.length) fill();
    }
  });
  return {news: (n) => { update.news = n; update(); }, leave: () => {}};
}
