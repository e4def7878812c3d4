// The live page: one stream of events in, a few elements and two plots out.
// Whatever comes from the database or the server is set as text, never as markup.

import { Plot } from "./plot.js";
import { beat, showUsers } from "./requests.js";
import { storm } from "./storms.js";
import { clock, duration, element, tile } from "./dom.js";

const KEEP = 620;
const byId = (id) => document.getElementById(id);

let samples = [];
let facts = {}; // what holds for a while: see Feed.facts
let skew = 0; // the server's clock less ours
let disagreeSince = null;

const gauge = (name) => (sample) => sample.pool && sample.pool[name];
const bands = [
  { color: "frozen", label: "frozen", on: (s) => s.function === "frozen" },
  { color: "away", label: "database away", on: (s) => s.server === null },
];
const plots = [
  new Plot(byId("plot-connections"), {
    areas: ["used", "idle", "suspect", "opening"].map((name) => ({ color: name, value: gauge(name) })),
    lines: [
      { color: "bad", value: (s) => s.mistakes || null, brief: true },
      { color: "server", value: (s) => s.server },
    ],
    limit: gauge("max_size"),
    bands,
    least: 5,
  }),
  new Plot(byId("plot-waiting"), {
    areas: [{ color: "waiting", value: gauge("waiting") }],
    bands: bands.map((band) => ({ ...band, label: "" })),
    least: 4,
  }),
];

function draw() {
  const now = Date.now() + skew;
  for (const plot of plots) plot.draw(samples, now);
}

// -- what the stream tells ------------------------------------------------------------------------

function showSample(sample) {
  samples.push(sample);
  if (samples.length > KEEP) samples = samples.slice(-KEEP);
  skew = sample.at - Date.now();
  for (const cell of document.querySelectorAll("[data-gauge]")) {
    const name = cell.dataset.gauge;
    cell.textContent = (name in sample ? sample[name] : gauge(name)(sample)) ?? "–";
  }
  for (const cell of document.querySelectorAll("[data-wait]")) {
    const name = cell.dataset.wait;
    cell.textContent = name === "n" ? sample.waits.n : sample.waits.n ? duration(sample.waits[name]) : "–";
  }
  showFunction(sample);
  showDatabase(sample);
  showCounts(sample);
}

function showFunction(sample) {
  const states = {
    running: ["good", "running", "and its pool answers for itself"],
    frozen: ["cold", "frozen", "by SIGSTOP; this page is not"],
    silent: ["bad", "silent", "no answer; started again if it died"],
  };
  tile("function", ...states[sample.function]);
}

function showDatabase(sample) {
  if (sample.server === null) tile("database", "bad", "away", "the server does not answer");
  else tile("database", "good", "up", facts.database);
}

// The pool knows each connection that the server has. What it has not looked at since a freeze or a
// kill ("to be checked") may be gone at the server; it finds out before it lends one.
function showCounts({ pool, server, at }) {
  if (!pool || server === null) {
    disagreeSince = null;
    const who = pool ? "server" : "pool";
    tile("counts", "pending", `${pool ? pool.total : "?"} and ${server ?? "?"}`, `the ${who} cannot be asked now`);
    return;
  }
  const certain = pool.total - pool.suspect - pool.opening;
  if (server >= certain && server <= pool.total) {
    disagreeSince = null;
    const rest = pool.total - server;
    const detail = rest ? `${rest} of the pool's are opening or to be checked` : "the pool's count and the server's own";
    tile("counts", "good", `${pool.total} and ${server}: agree`, detail);
    return;
  }
  disagreeSince ??= at;
  const settling = at - disagreeSince < 1500;
  tile("counts", settling ? "pending" : "bad", `${pool.total} and ${server}`, settling ? "settling" : "they differ");
}

function showFacts(news) {
  const ended = facts.running && !news.running;
  facts = news;
  const database = byId("database"); // stop and start are one button
  database.dataset.act = facts.stopped ? "database/start" : "database/stop";
  database.textContent = facts.stopped ? "Start the database" : "Stop the database";
  for (const button of document.querySelectorAll("[data-act]")) {
    button.disabled = facts.running !== null || (button === database && !facts.stoppable);
    button.classList.toggle("running", facts.running === button.dataset.act);
  }
  byId("where").textContent = `${facts.database} at ${facts.where}.`;
  if (!facts.stoppable) {
    byId("hint-database").textContent = "Not with --database-url: that server is not the demo's to stop.";
  }
  if (ended) showUsers();
}

function showNote(note) {
  say(note.text);
  const time = element("time", clock(note.at));
  time.dateTime = new Date(note.at).toISOString();
  const item = element("li");
  item.append(time, note.text);
  byId("notes").prepend(item);
}

// The newest words stay in view for a while; they are in the log for good.
function say(text) {
  byId("status").textContent = text;
  const bar = byId("status").parentElement;
  bar.classList.add("fresh");
  clearTimeout(say.timer);
  say.timer = setTimeout(() => facts.running || bar.classList.remove("fresh"), 12_000);
}

// -- buttons --------------------------------------------------------------------------------------

async function act(button) {
  const name = button.dataset.act;
  say(`${button.textContent} …`);
  try {
    const reply = await fetch(`/act/${name}`, { method: "POST", headers: { "X-Thawpool-Demo": "1" } });
    const answer = await reply.json();
    if (answer.error) say(answer.error);
  } catch {
    say("The demo does not answer: is it still running in its terminal?");
  }
}

for (const button of document.querySelectorAll("[data-act]")) {
  button.addEventListener("click", () => act(button));
}

// -- the stream -----------------------------------------------------------------------------------

const stream = new EventSource("/events");
const on = (event, show) => stream.addEventListener(event, (message) => show(JSON.parse(message.data)));

on("start", (start) => {
  samples = start.samples;
  byId("notes").replaceChildren();
  start.notes.forEach(showNote);
  start.storms.forEach(storm);
  showFacts(start.facts);
});
on("facts", showFacts);
on("sample", showSample);
on("note", showNote);
on("storm", storm);
stream.addEventListener("error", () => {
  tile("function", "bad", "unknown", "the demo was stopped, or is out of reach");
  tile("database", "bad", "unknown", "this page tries again by itself");
});

if (matchMedia("(prefers-reduced-motion: reduce)").matches) {
  setInterval(draw, 1000);
} else {
  const frame = () => {
    draw();
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
}
beat();
showUsers();
