// The page without a connection: the list and the items as kept on this device.

import { build, fill, slot } from "./cards.js";
import { count, isSnoozed, place, sort, tellUnread } from "./list.js";
import { allStored, person, stored } from "./store.js";
import { settings } from "./words.js";

const SHOWN = { open: 200, info: 15, done: 10 };

/** Fill the page that the service worker keeps. Returns the time of its contents. */
export async function restoreList() {
  const [{ seq = 0, at }, items] = await Promise.all([person(), allStored("items")]);
  const open = items.filter((item) => item.state === "open" && !isSnoozed(item)), info = items.filter(({ state }) => state === "info");
  const done = items.filter(({ state }) => state !== "open" && state !== "info");
  open.slice(0, SHOWN.open).forEach(place);
  sort();
  latest(info, "created_at").slice(0, SHOWN.info).reverse().forEach(place);
  document.getElementById("done").append(...latest(done, "updated_at").slice(0, SHOWN.done).map(build));
  document.body.dataset.seq = seq;
  count();
  tellUnread(items.filter((item) => !item.read_at).length);
  return new Date(at ?? Date.now());
}

const latest = (items, when) => [...items].sort((one, other) => Date.parse(other[when]) - Date.parse(one[when]));

/** {article, title} of an item as last known, or null. The markup is templates/inbox/_item_offline.html. */
export async function offlineArticle(id) {
  const item = await stored("items", id).catch(() => null);
  if (!item) return null;
  const article = document.getElementById("item-template").content.firstElementChild.cloneNode(true);
  Object.assign(article.dataset, { id, seq: item.seq, revision: item.revision ?? "" });
  await formOf(article, item);
  fill(article, item);
  fillFacts(article, item);
  const remark = article.querySelector(".remark");
  remark.hidden = !item.actions.some(({ comment }) => comment === "optional");
  return { article, title: item.title };
}

/** The form that goes with the item, while it can be answered. */
async function formOf(article, { form, state }) {
  if (!form || state !== "open") return;
  const forms = await import("./forms.js");
  await forms.build(article, form, forms.formIdOf(article));
}

function fillFacts(article, { case: of, facts = [] }) {
  slot(article, "case").textContent = of ? of.title || of.id : "";
  slot(article, "case").hidden = !of;
  const row = slot(article, "fact");
  row.replaceWith(...facts.map((fact) => factFrom(row, fact)));
}

/** As templates/inbox/_fact.html. */
function factFrom(row, { icon, label, parts }) {
  const fact = row.cloneNode(true);
  fact.querySelector("use").setAttribute("href", `${settings.icons}#${icon}`);
  slot(fact, "label").textContent = label;
  slot(fact, "parts").append(...parts.map((part) => partFrom(part, icon)));
  return fact;
}

/** What is elsewhere opens in a page of its own; a page of a feature (`clock`) is of wfpush itself. */
function partFrom({ text, url, hint }, icon) {
  const line = document.createElement("li"), part = document.createElement(url ? "a" : "span");
  line.append(part);
  Object.assign(part, { dir: "auto", textContent: text });
  if (url) Object.assign(part, { href: url, rel: "noopener noreferrer", target: url.startsWith("http") && icon !== "clock" ? "_blank" : "" });
  if (hint) part.append(made("span", "visually-hidden", ` (${hint})`));
  if (!url || icon !== "document") return line;
  part.dataset.document = "";
  const state = made("span", "document-state");
  state.dataset.slot = "document";
  state.hidden = true;
  line.append(state);
  return line;
}

const made = (tag, className, textContent = "") => Object.assign(document.createElement(tag), { className, textContent });
