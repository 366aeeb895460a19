// Keeps an open page true: asks whether it has changed and swaps the changed parts in, without moving what is in use.
const EVERY = 1500;
let tag = null;

function inUse() {
  const field = document.activeElement;
  const typing = field instanceof HTMLElement && field.matches("main input, main select, main textarea");
  const written = [...document.querySelectorAll("main textarea")].some((area) => area.value !== area.defaultValue);
  return typing || written;
}

function steps(root) {
  return [...root.querySelectorAll("main [data-step]")].map((step) => step.dataset.step).join(" ");
}

function keepOpen(fresh) {
  for (const open of document.querySelectorAll("main details[open][id]")) {
    fresh.getElementById(open.id)?.setAttribute("open", "");
  }
}

function showCurrent(smooth) {
  const canvas = document.querySelector(".canvas");
  const node = canvas?.querySelector(".node.current");
  if (!node) return;
  const box = node.getBoundingClientRect();
  const frame = canvas.getBoundingClientRect();
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const left = canvas.scrollLeft + box.left - frame.left - (frame.width - box.width) / 2;
  const top = canvas.scrollTop + box.top - frame.top - (frame.height - box.height) / 2;
  canvas.scrollTo({ left, top, behavior: smooth && !calm ? "smooth" : "instant" });
}

function swap(fresh) {
  const before = steps(document);
  const focused = document.activeElement?.id;
  const { scrollLeft = 0, scrollTop = 0 } = document.querySelector(".canvas") ?? {};
  keepOpen(fresh);
  for (const selector of ["#status", "main"]) {
    document.querySelector(selector)?.replaceWith(fresh.querySelector(selector));
  }
  document.querySelector(".canvas")?.scrollTo({ left: scrollLeft, top: scrollTop, behavior: "instant" });
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
  if (steps(document) === before) return;
  showCurrent(true);
  const now = document.querySelector("#now h3, #now .finished, #running .step");
  document.getElementById("announce").textContent = now ? `Now: ${now.textContent}` : "";
}

async function look() {
  if (document.hidden || inUse() || document.querySelector(".notice")) return;
  const headers = tag ? { "If-None-Match": tag } : {};
  const response = await fetch(location.pathname, { headers, cache: "no-store" });
  if (response.status !== 200) return;
  const first = tag === null;
  tag = response.headers.get("ETag");
  const text = await response.text();
  if (inUse()) {
    tag = null;
    return;
  }
  const fresh = new DOMParser().parseFromString(text, "text/html");
  if (!first || fresh.querySelector("main").outerHTML !== document.querySelector("main").outerHTML) swap(fresh);
}

async function watch() {
  try {
    await look();
  } catch {
    const status = document.getElementById("status");
    status.textContent = "This page has lost the demo engine. It looks again by itself.";
    status.className = "status waiting";
    tag = null;
  }
  setTimeout(watch, EVERY);
}

showCurrent(false);
setTimeout(watch, EVERY);
