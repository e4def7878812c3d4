// The results of the storms, side by side: each number with a bar, longest for the largest of its kind.

import { duration, element } from "./dom.js";

const results = new Map();

const ROWS = [
  { label: "answered", value: (r) => r.ok, text: (r) => r.ok, bad: (r) => r.ok < r.requests },
  { label: "took", value: (r) => r.seconds, text: (r) => duration(r.seconds) },
  { label: "half within", value: (r) => r.latency.p50, text: (r) => duration(r.latency.p50) },
  { label: "99 % within", value: (r) => r.latency.p99, text: (r) => duration(r.latency.p99) },
  { label: "peak connections", value: (r) => r.peak, text: (r) => r.peak, bad: (r) => r.peak > 5 },
  { label: "opened in all", value: (r) => r.opened ?? 0, text: (r) => r.opened ?? "–", bad: (r) => r.opened > 5 },
];

export function storm(result) {
  results.set(result.kind, result);
  for (const [kind, shown] of results) show(kind, shown);
}

function show(kind, result) {
  const card = document.querySelector(`[data-kind="${CSS.escape(kind)}"]`);
  card.querySelectorAll("dl, .reasons").forEach((old) => old.remove());
  const list = element("dl");
  for (const { label, value, text, bad } of ROWS) {
    const largest = Math.max(...[...results.values()].map(value)) || 1;
    const line = element("div", "", bad?.(result) ? "bad" : "");
    line.style.setProperty("--share", value(result) / largest);
    line.append(element("dt", label), element("dd", text(result)));
    list.append(line);
  }
  const reasons = element("div", "", "reasons");
  for (const [reason, count] of result.reasons.slice(0, 2)) reasons.append(element("p", `${count} × ${reason}`));
  card.append(list, reasons);
}
