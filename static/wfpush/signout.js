// Before signing out, delete what this browser keeps: somebody else may use it next.

import { forget } from "./forget.js";
import { allStored } from "./store.js";

const PATIENCE = 5_000;  // milliseconds for sending what waits, and again for forgetting

document.addEventListener("submit", (event) => event.target.matches("form[data-sign-out]") && leave(event));

async function leave(event) {
  if (!navigator.serviceWorker) return;
  const form = event.target;
  event.preventDefault();
  const registration = await navigator.serviceWorker.getRegistration();
  await inTime(sent(registration?.active));
  const unsent = (await allStored("answers").catch(() => [])).some(({ ended }) => !ended);
  if (unsent && !window.confirm(form.dataset.signOut)) return;
  await inTime(forget(registration));
  form.submit();
}

/** Have the worker send answers that wait; resolves when it has tried. */
function sent(worker) {
  return new Promise((resolve) => {
    if (!worker) return resolve();
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = resolve;
    worker.postMessage({ type: "send" }, [port2]);
  });
}

const inTime = (work) => Promise.race([work, new Promise((resolve) => setTimeout(resolve, PATIENCE))]);
