// Search as one types: what is found stands in place of the list, which stays behind it. Without this file the form works as
// a form does.

import { overtake, retell } from "./answers.js";
import { count } from "./list.js";
import { announce, settings } from "./words.js";

const PAUSE = 150;  // milliseconds after the last key
const form = document.getElementById("find"), list = document.getElementById("list"), news = document.getElementById("show-new");
const own = { query: queryOf(form, form.elements.q.defaultValue), list: settings.list, found: "found" in list.dataset };
const shown = { tools: list.querySelector(".tools"), tabs: document.querySelector(".tabs") };
Object.assign(own, shown);
let timer = 0, loading = null, hits = [];

form.elements.q.addEventListener("input", searchSoon);
searchSoon();  // this module is loaded when somebody begins to type

function searchSoon() {
  clearTimeout(timer);
  timer = setTimeout(search, PAUSE);
}

function queryOf(fields, words = fields.elements.q.value) {
  const filled = [...new FormData(fields)].map(([name, value]) => [name, name === "q" ? words : value]).filter(([, value]) => value.trim());
  return new URLSearchParams(filled).toString();
}

async function search() {
  loading?.abort();
  if (hits.some((part) => part.querySelector(".ask, .unsent"))) return null;  // something is being written there
  const query = queryOf(form);
  if (query === own.query) return restore();
  const mine = loading = new AbortController();
  list.setAttribute("aria-busy", "true");
  try {
    const response = await fetch(`/?${query}`, { headers: { Accept: "text/html" }, signal: mine.signal });
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    if (mine === loading) show(page);
  } catch {
    // Without a connection the list stays, and the form says what is wrong when it is sent.
  } finally {
    if (mine === loading) list.removeAttribute("aria-busy");
  }
}

function show(page) {
  const fresh = page.getElementById("list"), { list: address } = JSON.parse(page.getElementById("settings").textContent);
  if (!fresh) return;
  swap(fresh.querySelector(".tools"), page.querySelector(".tabs"));
  clear();
  hits = [...fresh.children].filter((part) => !part.matches(".tools, h2, #answers, .connect, .push"));
  for (const element of hits.flatMap((part) => [part, ...part.querySelectorAll("[id]")])) {
    if (element.id && document.getElementById(element.id)) element.removeAttribute("id");
  }
  for (const part of hits) part.classList.add("hit");
  list.append(...hits);
  for (const { dataset: { id } } of list.querySelectorAll(".hit [data-id]")) {
    overtake({ id, seq: page.body.dataset.seq });  // read before everything else on that page
    retell(id);
  }
  list.classList.add("searching");
  list.dataset.found = "";
  goTo(address);
  announce(list.querySelector(".hit.group-head, .hit.empty")?.textContent.trim() ?? "");
}

function clear() {
  for (const part of hits) part.remove();
  hits = [];
}

/** The page's own list again. */
function restore() {
  loading = null;
  swap(own.tools, own.tabs);
  clear();
  list.classList.remove("searching");
  list.removeAttribute("aria-busy");
  if (!own.found) delete list.dataset.found;
  goTo(own.list);
  count();
}

function swap(tools, tabs) {
  if (tools !== shown.tools) {
    const [fresh, before] = [tools, shown.tools].map((each) => each.querySelector(".filters"));
    if (fresh && before) fresh.open = before.open;
    (tools.querySelector("#show-new") ?? tools.appendChild(document.createElement("i"))).replaceWith(news);
    shown.tools.replaceWith(tools);
  }
  if (tabs !== shown.tabs) shown.tabs.replaceWith(tabs);
  Object.assign(shown, { tools, tabs });
}

/** Links to items lead back to this list, and so does the address. */
function goTo(address) {
  settings.list = address;
  history.replaceState(history.state, "", location.pathname + address);
}
