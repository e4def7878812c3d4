// Real requests to the function's API, as any visitor's browser would send them.

import { clock, duration, element, tile } from "./dom.js";

async function get(path) {
  const began = performance.now();
  const reply = await fetch(path, { cache: "no-store" });
  const answer = await reply.json();
  return { status: reply.status, answer, seconds: (performance.now() - began) / 1000 };
}

// One request a second, so that pool and server have something to agree on.
export async function beat() {
  const began = performance.now();
  const pending = setInterval(() => {
    const seconds = (performance.now() - began) / 1000;
    if (seconds > 0.3) tile("request", "pending", `waiting ${seconds.toFixed(1)} s`, "no answer yet");
  }, 100);
  try {
    const { status, answer, seconds } = await get("/api/time");
    const time = answer.time && `${answer.time.slice(11, 19)} UTC by the database`;
    tile("request", status === 200 ? "good" : "bad", `${status} in ${duration(seconds)}`, answer.error ?? time);
  } catch {
    tile("request", "bad", "no answer", "the demo is not running");
  } finally {
    clearInterval(pending);
    setTimeout(beat, 1000);
  }
}

export async function showUsers() {
  const state = document.getElementById("users-state");
  try {
    const { status, answer, seconds } = await get("/api/users");
    state.classList.toggle("failed", status !== 200);
    if (status !== 200) {
      state.textContent = `GET /api/users: ${status} in ${duration(seconds)}, ${answer.error}. Below, what it said before.`;
      return;
    }
    state.textContent = `GET /api/users: ${answer.users.length} in ${duration(seconds)}, at ${clock(Date.now())}`;
    document.getElementById("users").replaceChildren(...answer.users.map(row));
  } catch {
    state.classList.add("failed");
    state.textContent = "GET /api/users: no answer";
  }
}

function row({ id, name, email }) {
  const made = element("tr");
  made.append(element("td", id), element("td", name), element("td", email));
  return made;
}
