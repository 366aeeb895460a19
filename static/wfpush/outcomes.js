// What became of an item, in a sentence: the same words as notifications/items/outcomes.py. Pages and the service worker share
// them. tests/vectors/inbox_words.json holds all of them to each other.

const LONG_WAIT = 60_000;  // milliseconds

/**
 * {outcomeOf, isMine} for a reader. `say`, `sayOf`: of `sentencesOf`; `stamp`, `when`: of `timesOf`; `now`: gives the moment
 * of reading; `ref`: the reader's.
 */
export function outcomesOf({ say, sayOf, stamp, when, now, ref }) {
  const isMine = (outcome) => Boolean(outcome?.by) && outcome.by.ref === ref;

  /** {text, mood, undo}: an empty text while nothing has become of it; `undo`: milliseconds for which it may be taken back. */
  function outcomeOf(item) {
    return { text: textOf(item), mood: moodOf(item), undo: undoOf(item) };
  }

  function textOf(item) {
    const outcome = item.outcome ?? {};
    if (item.state === "expired") return say("expired");
    if (item.state === "withdrawn" && !outcome.by) return item.ended || say("withdrawn");
    if (!outcome.action || isPast(item)) return "";
    if (outcome.engine === "refused") return refusal(outcome);
    if (outcome.engine === "changed") return givenBack(outcome);
    const title = titleOf(item);
    if (isMine(outcome)) return `${done(outcome, title)} ${engineWords(outcome)}`.trim();
    if (outcome.to && item.state === "open") return asked(outcome);
    return byOthers(outcome, title, item.state === "open");
  }

  function moodOf(item) {
    const outcome = item.outcome ?? {};
    if (isPast(item)) return "";
    if (["refused", "failed", "changed"].includes(outcome.engine)) return "bad";
    const there = ["delivered", "kept", "handled"].includes(outcome.engine) || outcome.action === "reply";
    return there && isMine(outcome) ? "good" : "";
  }

  /** What the reader has done; of a question or a reply, to whom it went, and whether the clock stands still. */
  function done(outcome, title) {
    const to = outcome.to?.name, away = outcome.away?.name;
    if (outcome.late) return say("done_reply_late");
    if (!to) return sayOf("done", outcome.action, { title });
    const sentence = away ? say("sent_for", { name: to, away }) : say("sent_to", { name: to });
    return outcome.paused ? `${sentence} ${say("clock_paused")}` : sentence;
  }

  function asked({ by, to, at }) {
    return say(to.ref === ref ? "others_asked_you" : "others_asked", { name: by.name, to: to.name, when: when(new Date(at), now()) });
  }

  function undoOf({ outcome }) {
    return outcome?.undo_until && isMine(outcome) ? Math.max(new Date(outcome.undo_until) - now(), 0) : 0;
  }

  function engineWords(outcome) {
    const at = new Date(outcome.at);
    const system = systemOf(outcome);
    if (outcome.engine === "waiting" && new Date(outcome.undo_until) > now()) return say("engine_held", { system });
    if (outcome.engine === "waiting" && outcome.connect) return say("engine_connect", { engine: outcome.connect });
    if (outcome.engine === "waiting" && now() - at >= LONG_WAIT) return say("engine_waiting_since", { system, when: stamp(at, now()) });
    return outcome.engine ? say(`engine_${outcome.engine}`, { system }) : "";
  }

  /** The name of the engine, with which each sentence about it begins. */
  const systemOf = ({ system }) => system || say("the_system");

  function refusal(outcome) {
    const detail = (outcome.detail ?? "").trim(), system = systemOf(outcome);
    if (!detail) return say("engine_refused_silently", { system });
    return say("engine_refused", { system, detail: /[.!?…]$/.test(detail) ? detail : `${detail}.` });
  }

  function givenBack(outcome) {
    const at = new Date(outcome.at);
    if (isMine(outcome) || Number.isNaN(at.valueOf())) return say("given_back");
    return say("given_back_others", { name: outcome.by?.name ?? "", when: when(at, now()) });
  }

  function byOthers(outcome, title, stillOpen) {
    const name = outcome.by?.name, at = new Date(outcome.at);
    if (!name || !outcome.at || Number.isNaN(at.valueOf())) return say("already_handled");
    return sayOf(stillOpen ? "others" : "already", outcome.action, { name, title, when: when(at, now()) });
  }

  return { outcomeOf, isMine };
}

/** What an answer was called: its label where it is known, else the action's name made readable. */
function titleOf(item) {
  const { action: name, title } = item.outcome;
  const known = item.actions?.find((action) => action.action === name);
  const words = name.replace(/[_-]/g, " ");
  return title ?? known?.title ?? words.charAt(0).toUpperCase() + words.slice(1);
}

/** Whether the outcome is a question that has been answered since. */
function isPast(item) {
  const asked = item.outcome?.action === "request_info" && item.outcome.engine !== "refused";
  return Boolean(asked && item.task && ["open", "acknowledged"].includes(item.task.state));
}
