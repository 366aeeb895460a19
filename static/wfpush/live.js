// The live connection to `WS /ws/inbox`: resumes, detects gaps, reconnects by itself and reports its state.

// Milliseconds between tries, doubling, with full jitter: a server that restarts finds its pages again within SOON, and
// one that stays away is asked less and less.
const FIRST_PAUSE = 500, SOON = 2_000, LONGEST_PAUSE = 30_000, TRIES_SOON = 20;
const ALIVE = "/healthz", AWAY = [502, 503, 504];
const PATIENCE = 8_000;  // milliseconds for an answer to `resume` before the connection counts as dead
const SIGNED_OUT = 4401, REFUSED = 4403, RESTART = 1012;

/**
 * Keep connected. `handlers`: onItem(item, unread), onSynced(unread), onReset(), onRemoved(), onState(name) with one of
 * connecting, live, lost, offline, signed-out, refused.
 */
export function connect(seq, handlers) {
  let socket = null, tries = 0, retry = 0, watchdog = 0, over = false, resuming = false, last = seq, asking = null;

  const isOpen = () => socket && socket.readyState <= WebSocket.OPEN;

  function open() {
    clearTimeout(retry);
    if (over || isOpen()) return null;
    if (!navigator.onLine) return handlers.onState("offline");
    return tries > 1 ? askFirst() : dial();
  }

  /** Whether there is a server again. Firefox has each socket that fails wait longer than the one before, up to a minute. */
  async function askFirst() {
    const mine = asking = fetch(ALIVE, { cache: "no-store", signal: AbortSignal.timeout(PATIENCE) });
    const isThere = await mine.then(({ status }) => !AWAY.includes(status), () => false);
    if (mine !== asking || over || isOpen()) return;
    if (isThere) dial();
    else closed(0);
  }

  function dial() {
    const mine = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws/inbox`);
    socket = mine;
    mine.addEventListener("open", () => resume());
    mine.addEventListener("message", (event) => mine === socket && heard(event.data));
    mine.addEventListener("close", (event) => mine === socket && closed(event.code));
    expectAnswer();
  }

  function resume() {
    resuming = true;
    socket.send(JSON.stringify({ type: "resume", after: last }));
    expectAnswer();
  }

  function expectAnswer() {
    clearTimeout(watchdog);
    watchdog = setTimeout(() => drop(), PATIENCE);
  }

  /** Drop the socket without waiting for its closing handshake, which never ends on a dead connection. */
  function drop() {
    const dead = socket;
    socket = null;
    dead?.close();
    closed(0);
  }

  /** What one frame makes go wrong on this page is no reason to lose the next: the list is loaded again instead. */
  function heard(data) {
    try {
      read(JSON.parse(data) ?? {});
    } catch (fault) {
      console.error(fault);
      handlers.onReset();
    }
  }

  function read(frame) {
    if (frame.type === "notification") {
      if (frame.prev !== last) return resuming || resume();  // while resuming: sent before the server had the request
      last = frame.seq;
      handlers.onItem(frame.notification, frame.unread);
    } else if (frame.type === "synced") {
      clearTimeout(watchdog);
      resuming = false;
      tries = 0;
      last = frame.seq;
      handlers.onState("live");
      handlers.onSynced(frame.unread);
    } else if (frame.type === "reset") {
      handlers.onReset();
    } else if (frame.type === "removed") {
      handlers.onRemoved();
    }
  }

  function closed(code) {
    clearTimeout(watchdog);
    clearTimeout(retry);
    socket = asking = null;
    if (code === SIGNED_OUT || code === REFUSED) {
      over = true;
      return handlers.onState(code === SIGNED_OUT ? "signed-out" : "refused");
    }
    handlers.onState(navigator.onLine ? "lost" : "offline");
    const most = tries < TRIES_SOON ? Math.min(FIRST_PAUSE * 2 ** tries, SOON) : Math.min(SOON * 2 ** (tries - TRIES_SOON), LONGEST_PAUSE);
    tries += 1;
    retry = setTimeout(open, FIRST_PAUSE / 5 + Math.random() * (code === RESTART ? SOON : most));
  }

  /** Check whether the connection still works: after sleep, a tunnel, or when the page comes from the browser's cache. */
  function check() {
    if (socket?.readyState === WebSocket.OPEN) resume();
    else open();
  }

  function stop() {
    over = true;
    clearTimeout(watchdog);
    clearTimeout(retry);
    socket?.close();
    socket = asking = null;
  }

  window.addEventListener("online", () => (tries = 0) || check());
  window.addEventListener("offline", () => over || drop());
  window.addEventListener("pageshow", (event) => event.persisted && check());
  document.addEventListener("visibilitychange", () => document.hidden || check());
  handlers.onState("connecting");
  open();
  return { seen: () => last, stop };
}
