// What has changed under the reader's eyes: shown where it stands, and the next press only says so.

import { hostsOf, showChanges, showOutcome } from "./cards.js";
import { changeLine } from "./sentences.js";
import { announce, say } from "./words.js";

export const isRevised = ({ dataset }, { revision }) => Boolean(dataset.revision && revision && dataset.revision !== revision);

/** The next press only says that it has changed. Returns the revision that the reader saw. */
export function hold(host) {
  host.dataset.changed ||= host.dataset.revision;
  return host.dataset.changed;
}

/** Say what has changed, where the item is shown and to screen readers. */
export async function tellChanges({ id, title }, shown) {
  const { changes = [] } = (await sinceShown(id, shown)) ?? {};
  for (const host of hostsOf(id)) if (host.dataset.changed) showChanges(host, changes);
  announce(`${title}: ${changes.length ? say("changed_meanwhile", { changes: changeLine(changes) }) : say("changed_somehow")}`);
}

/** Whether an item has changed since its reader last looked: then a press asks to look again, and answers nothing. */
export function isHeld(host, title) {
  if (!host.dataset.changed) return false;
  const text = say("press_again", { title });
  for (const each of hostsOf(host.dataset.id)) {
    delete each.dataset.changed;
    showOutcome(each, { text, mood: "bad" });
  }
  announce(text);
  return true;
}

/** The reader sees the item as it is: a press answers. */
export function seen(id) {
  for (const host of hostsOf(id)) delete host.dataset.changed;
}

/** The item as it is, with what has changed since that revision; null without a connection. */
export async function sinceShown(id, revision) {
  const response = await fetch(`/api/v1/notifications/${id}?shown=${encodeURIComponent(revision)}`).catch(() => null);
  return response?.ok ? response.json().catch(() => null) : null;
}
