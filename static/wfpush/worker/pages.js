// Messages between the worker and open pages.

export const INBOX = /^\/(n\/[\w-]+)?$/;
const OURS = /^\/($|n\/|devices)/;
const HEARD_WITHIN = 1_500;  // milliseconds in which an active page confirms a message

/** The pages of the inbox, the one in front first. */
export async function openPages() {
  const windows = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const ours = windows.filter(({ url }) => OURS.test(new URL(url).pathname));
  const rank = (page) => (page.focused ? 0 : page.visibilityState === "visible" ? 1 : 2);
  return ours.sort((one, other) => rank(one) - rank(other));
}

export const isInFront = async () => (await openPages()).some(({ focused }) => focused);

/** Tell all pages; true when somebody can see one that shows items. */
export async function tellPages(message) {
  const pages = await openPages();
  for (const page of pages) page.postMessage(message);
  return pages.some(({ url, visibilityState }) => visibilityState === "visible" && INBOX.test(new URL(url).pathname));
}

/** Tell one page; false when it does not say that it heard. */
export function hears(page, message) {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => resolve(true);
    setTimeout(() => resolve(false), HEARD_WITHIN);
    page.postMessage(message, [port2]);
  });
}
