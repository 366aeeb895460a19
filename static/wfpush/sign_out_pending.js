// The page of somebody who has signed out with no connection (worker/signing_out.js): it goes on once the server has been told.

const PAUSE = 10_000;  // milliseconds between tries

/** The service worker lets nothing through before. */
async function goOn() {
  const reply = await fetch("/sign-in").catch(() => null);
  if (reply?.ok) location.replace("/sign-in");
}

setInterval(goOn, PAUSE);
window.addEventListener("online", goOn);
