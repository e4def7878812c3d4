// Small helpers for the page.

export function element(name, text = "", className = "") {
  const made = document.createElement(name);
  made.textContent = text;
  made.className = className;
  return made;
}

export function tile(name, state, title, detail) {
  const found = document.getElementById(`tile-${name}`);
  found.className = `tile ${state}`;
  found.querySelector("strong").textContent = title;
  found.querySelector("span").textContent = detail;
}

export function duration(seconds) {
  if (seconds < 0.0995) return `${(seconds * 1000).toFixed(1)} ms`;
  return seconds < 0.9995 ? `${(seconds * 1000).toFixed(0)} ms` : `${seconds.toFixed(2)} s`;
}

export function clock(at) {
  return new Date(at).toLocaleTimeString([], { hourCycle: "h23" });
}
