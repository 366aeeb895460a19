// Signing out after a press: answers that wait are sent before, as the service worker deletes what this browser keeps
// (worker/signing_out.js).

import { forget } from "./forget.js";
import { allStored, emptied, everything } from "./store.js";

const PATIENCE = 5_000;  // milliseconds for sending what waits, and for forgetting

export async function leave(form) {
  const registration = await navigator.serviceWorker?.getRegistration(), worker = registration?.active;
  if (worker) await inTime(sent(worker));
  const unsent = (await allStored("answers").catch(() => [])).some(({ ended }) => !ended);
  if (unsent && !window.confirm(form.dataset.signOut)) return;
  if (!worker) await inTime(navigator.locks ? forget(registration) : emptied(...everything));  // pages without https have no locks
  form.submit();
}

/** Have the worker send answers that wait; resolves when it has tried. */
function sent(worker) {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = resolve;
    worker.postMessage({ type: "send" }, [port2]);
  });
}

const inTime = (work) => Promise.race([work, new Promise((resolve) => setTimeout(resolve, PATIENCE))]);
