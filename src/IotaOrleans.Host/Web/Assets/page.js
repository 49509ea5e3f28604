"use strict";

const api = "/api/v1";
const find = id => document.getElementById(id);
const chart = new LossChart(find("chart"), find("readout"));
const drawn = new Map();
let selected = decodeURIComponent(location.hash.slice(1)) || null;
let shown = null, source = null, refreshing = false, stale = false;

async function read(path) {
  const response = await fetch(api + path, { headers: { accept: "application/json" } });
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return response.json();
}

function connection(state, text) {
  find("connection").dataset.state = state;
  if (find("connection-text").textContent !== text) find("connection-text").textContent = text;
}

// Redraws a part of the page only when what it shows has changed, so that a selection or an open payslip stays.
function draw(id, content, build) {
  const key = JSON.stringify(content);
  if (drawn.get(id) === key) return;
  drawn.set(id, key);
  find(id).replaceChildren(...build(content));
}

function text(id, value) {
  draw(id, value, () => [document.createTextNode(value)]);
}

// The list of runs: the one in the address is followed, else the newest.
async function watchRuns() {
  try {
    const runs = await read("/runs");
    const known = runs.some(run => run.run === selected);
    const run = known ? selected : runs.at(-1)?.run ?? null;
    find("empty").hidden = run !== null;
    find("dashboard").hidden = find("phase").hidden = run === null;
    find("runs").hidden = find("runs-label").hidden = runs.length < 2;
    find("run-name").hidden = runs.length > 1;
    draw("runs", [run, runs.map(entry => [entry.run, entry.phase])], () => [...runs].reverse().map(entry => {
      const option = element("option", { value: entry.run }, `${entry.run} (${entry.phase})`);
      option.selected = entry.run === run;
      return option;
    }));
    if (run === null) connection("live", "waiting for a run");
    if (run !== shown) follow(run);
  } catch {
    connection("lost", "disconnected, trying again");
  }
}

function follow(run) {
  shown = run;
  source?.close();
  source = null;
  if (run !== null) refresh();
}

// Events say that something happened; what is shown is always the view, at most twice a second.
async function refresh() {
  stale = true;
  if (refreshing || shown === null || document.hidden) return;
  refreshing = true;
  while (stale && shown !== null) {
    stale = false;
    const run = shown;
    try {
      const view = await read("/runs/" + encodeURIComponent(run));
      if (run !== shown) { stale = true; continue; }
      render(view);
      if (source === null || source.readyState === EventSource.CLOSED) listen(run, view.lastEvent);
      await new Promise(resolve => setTimeout(resolve, 500));
    } catch {
      connection("lost", "disconnected, trying again");
      break;
    }
  }
  refreshing = false;
}

function listen(run, after) {
  source?.close();
  source = new EventSource(`${api}/runs/${encodeURIComponent(run)}/events?after=${after}`);
  source.onopen = () => { connection("live", "live"); refresh(); };
  source.onmessage = refresh;
  source.onerror = () => connection("lost", "disconnected, trying again");
}

function render(view) {
  const training = view.phase === "training";
  document.title = training ? `${format.percent(view.step / view.steps)} · ${view.run}` : `${view.phase} · ${view.run}`;
  text("run-name", view.run);
  text("phase", view.phase);
  find("phase").dataset.phase = view.phase;
  find("failure").hidden = !view.failure;
  text("failure", view.failure ? `The run failed: ${view.failure}` : "");

  text("step", `Step ${format.count(view.step)}`);
  text("steps", view.steps ? `of ${format.count(view.steps)}` : "");
  text("eta", training ? (view.secondsRemaining == null ? "estimating the time left" : `about ${format.duration(view.secondsRemaining)} left`) : "");
  find("progress").setAttribute("aria-valuemax", view.steps);
  find("progress").setAttribute("aria-valuenow", view.step);
  find("progress-bar").style.width = (view.steps ? view.step / view.steps * 100 : 0) + "%";
  text("loss", format.loss(view.loss));
  text("validation-loss", format.loss(view.validationLoss));
  text("speed", view.tokensPerSecond ? format.count(view.tokensPerSecond) : "–");
  text("bubble", `${format.percent(view.bubble)} · ${format.percent(view.scheduledBubble)}`);
  text("tokens", format.short(view.tokens));
  text("parameters", format.short(view.parameters));

  chart.show(view.losses, view.validationLosses);
  draw("pipeline", view.stages, stages => stages.map((stage, i) => stageCard(stage, i === 0, i === stages.length - 1)));
  draw("earnings", view.rewards, earnings);
  text("open-epoch", `epoch ${view.epoch} is open`);
  draw("epochs", view.epochs, epochs);
  text("checkpoint", view.checkpoint ?? "none yet");
  text("updated", `last event at ${format.time(view.updatedAt)}`);
}

function stageCard(stage, first, last) {
  const { first: begin, count } = stage.blocks;
  const cells = count <= 12 ? Array.from({ length: count }, (_, i) => begin + i) : [`${begin} to ${begin + count - 1}`];
  return element("li", { class: "stage" },
    element("h3", {}, element("span", {}, `Stage ${stage.stage}`), element("span", {}, format.short(stage.parameters) + " parameters")),
    element("p", { class: "miner" }, stage.miner),
    element("div", { class: "blocks", role: "img", "aria-label": `decoder blocks ${cells.join(", ")}` },
      ...(first ? [element("span", { class: "end" }, "embed")] : []),
      ...cells.map(cell => element("span", {}, cell)),
      ...(last ? [element("span", { class: "end" }, "predict")] : [])),
    element("div", { class: "meter" }, bar(stage.busyShare), element("span", {}, `busy ${format.percent(stage.busyShare)}`)));
}

function earnings(rewards) {
  const total = rewards.reduce((sum, reward) => sum + reward.paid, 0);
  const cell = (value, number) => element("td", number ? { class: "n" } : {}, value);
  if (rewards.length === 0) return [element("tr", {}, element("td", { colspan: 5, class: "none" }, "Nothing yet: miners are paid when an epoch closes."))];
  return rewards.map(reward => {
    const share = total ? reward.paid / total : 0;
    return element("tr", {}, cell(reward.miner), cell(reward.stage, true), element("td", { class: "n work" }, format.count(reward.backwardPasses)), cell(format.count(reward.paid), true),
      element("td", { class: "n" }, bar(share), format.percent(share)));
  });
}

function epochs(settlements) {
  if (settlements.length === 0) return [element("p", { class: "none" }, "None is settled yet.")];
  return [...settlements].reverse().map(epoch => element("details", {},
    element("summary", {},
      element("span", {}, `Epoch ${epoch.epoch}`),
      element("span", {}, `${format.count(epoch.emission - epoch.burned)} paid`),
      element("span", { class: epoch.burned ? "" : "quiet nothing" }, epoch.burned ? `${format.count(epoch.burned)} burned` : "none burned"),
      element("span", { class: "quiet" }, format.time(epoch.closedAt))),
    ...epoch.payslips.map(slip => element("div", { class: "slip" },
      element("b", {}, slip.miner), element("span", {}, format.count(slip.paid)), element("p", {}, slip.reason)))));
}

find("runs").addEventListener("change", event => {
  selected = event.target.value;
  location.hash = encodeURIComponent(selected);
  follow(selected);
});
addEventListener("hashchange", () => { selected = decodeURIComponent(location.hash.slice(1)) || null; watchRuns(); });
document.addEventListener("visibilitychange", () => { if (!document.hidden) { watchRuns(); refresh(); } });

// Also what brings a lost connection back: an EventSource that the server refused does not try again by itself.
(async function keepWatching() {
  for (;;) {
    if (!document.hidden) {
      await watchRuns();
      if (shown !== null && (source === null || source.readyState === EventSource.CLOSED)) refresh();
    }
    await new Promise(resolve => setTimeout(resolve, 3000));
  }
})();
