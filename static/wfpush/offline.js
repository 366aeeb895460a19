// The page from what is kept on this device: the list and the items as last known.

import { build, fill, slot } from "./cards.js";
import { count, place, sort, tellUnread } from "./list.js";
import { allStored, person, stored } from "./store.js";

const SHOWN = { open: 200, info: 15, done: 10 };

/** Fill the page that the service worker keeps. Returns when things were as it shows them. */
export async function restoreList() {
  const [{ seq = 0, at }, items] = await Promise.all([person(), allStored("items")]);
  const open = items.filter(({ state }) => state === "open"), info = items.filter(({ state }) => state === "info");
  const done = items.filter(({ state }) => state !== "open" && state !== "info");
  open.slice(0, SHOWN.open).forEach(place);
  sort();
  latest(info, "created_at").slice(0, SHOWN.info).reverse().forEach(place);
  document.getElementById("done").append(...latest(done, "updated_at").slice(0, SHOWN.done).map((item) => build("row", item)));
  document.body.dataset.seq = seq;
  count();
  tellUnread(items.filter((item) => !item.read_at).length);
  return new Date(at ?? Date.now());
}

const latest = (items, when) => [...items].sort((one, other) => Date.parse(other[when]) - Date.parse(one[when]));

/** {article, title} of an item as last known, or null. The markup is templates/inbox/_item_kept.html. */
export async function keptArticle(id) {
  const item = await stored("items", id).catch(() => null);
  if (!item) return null;
  const article = document.getElementById("item-template").content.firstElementChild.cloneNode(true);
  article.dataset.id = id;
  fill(article, item);
  fillFacts(article, item);
  const remark = article.querySelector(".remark");
  remark.hidden = !item.actions.some(({ comment }) => comment === "optional");
  return { article, title: item.title };
}

function fillFacts(article, { case: of, location, customer, documents, url }) {
  slot(article, "case").textContent = of ? of.title || of.id : "";
  slot(article, "case").hidden = !of;
  fact(article, "place", mapOf(location), location?.address || (location && `${location.lat}, ${location.lon}`));
  const dialled = (customer?.phone ?? "").replace(/[^+\d*#,;]/g, "");
  slot(article, "customer").textContent = customer?.name || customer?.ref || "";
  fact(article, "call", /\d/.test(dialled) && `tel:${dialled.replaceAll("#", "%23")}`, customer?.phone);
  slot(article, "customer-row").hidden = !customer?.name && !customer?.ref && !customer?.phone;
  fillDocuments(slot(article, "documents"), documents ?? []);
  fact(article, "engine", url, null);
}

/** A row of the facts: hidden without an address. The row of the customer has more than its link. */
function fact(article, name, address, words) {
  const link = slot(article, name);
  link.hidden = !address;
  if (address) link.href = address;
  const place = link.querySelector("[data-words]");
  if (words) place.textContent = place.dataset.pattern?.replace("{phone}", words) ?? words;
  if (name !== "call") link.closest("dl > div").hidden = !address;
}

/** As notifications/inbox/items.py, map_link. */
function mapOf(location) {
  if (!location) return "";
  const { lat, lon, address = "" } = location;
  const known = typeof lat === "number" && typeof lon === "number" && Math.abs(lat) <= 90 && Math.abs(lon) <= 180;
  const place = known ? `${lat.toFixed(6)},${lon.toFixed(6)}` : address.trim();
  return place && `https://www.google.com/maps/search/?api=1&query=${encodeURIComponent(place)}`;
}

function fillDocuments(list, documents) {
  const row = list.firstElementChild;
  list.closest("dl > div").hidden = documents.length === 0;
  list.replaceChildren(...documents.map(({ title, url }) => {
    const line = row.cloneNode(true), link = line.querySelector("a");
    link.textContent = title || url;
    if (url) link.href = url;
    return line;
  }));
}
