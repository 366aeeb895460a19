// Turns the light of the page that waits for an engine's first event: asks until something came, and slowly after that.
import { draw } from "./fragments.js";

const WAITING = 1500, GREEN = 10000;  // milliseconds
const light = document.querySelector("[data-light]");
const failed = document.querySelector("[data-light-failed]");

async function look() {
  let pause = WAITING;
  try {
    const answer = await fetch(light.dataset.light, {redirect: "error", headers: {Accept: "application/json"}});
    if (!answer.ok) throw new Error(String(answer.status));
    const {green, html} = await answer.json();
    draw(light, html);
    light.dataset.green = String(green);
    failed.hidden = true;
    if (green) pause = GREEN;
  } catch {
    failed.hidden = false;
  }
  setTimeout(next, pause);
}

function next() {
  if (document.visibilityState === "visible") look();
  else document.addEventListener("visibilitychange", next, {once: true});
}

if (light) {
  document.querySelector("[data-light-again]").hidden = true;
  look();
}
