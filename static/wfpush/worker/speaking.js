// What the worker says, in the language of the message. WORDS, language → sentences, comes with the script: they are those of
// notifications/wording/sentences.py.

/** How to speak a language, `de_AT` too, or English where it has no words of its own. */
export function speaking(language) {
  const asked = (language || "en").replaceAll("_", "-").toLowerCase();
  const known = [asked, asked.split("-")[0]].find((name) => name in WORDS) ?? "en", texts = WORDS[known];
  const say = (key, values = {}) => texts[key].replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
  const sayOf = (family, action, values) => say(`${family}_${action}` in texts ? `${family}_${action}` : `${family}_other`, values);
  return { say, sayOf, knows: (key) => key in texts, locale: known === "en" ? "en-GB" : known };
}

/** What is said where a notification's token, or the device itself, counts no more. */
const ENDED = { device: "device_removed", withdrawn: "withdrawn", token: "open_to_answer" };

/** What became of an answer, as outcomes.js says it on the page. */
export function outcomeWords({ title, lang }, { status, body }, timezone) {
  const { say, sayOf, knows } = speaking(lang);
  if (status === 200 || status === 201) {
    const engine = `engine_${body.engine}` === "engine_refused" ? "engine_refused_silently" : `engine_${body.engine}`;
    const connect = body.engine === "waiting" && body.connect;
    const then = connect ? say("engine_connect", { engine: connect }) : knows(engine) ? say(engine) : "";
    return `${sayOf("done", body.action, { title })} ${then}`.trim();
  }
  if (body.code === "already_answered") return byOthers(body, lang, timezone);
  if (body.ended in ENDED) return say(ENDED[body.ended]);
  const known = { already_handled: "already_handled", withdrawn: "withdrawn", expired: "expired",
                  not_allowed: "not_allowed", comment_required: "open_to_comment" };
  return say(known[body.code] ?? "open_to_answer");
}

function byOthers({ action, answered_by: by, answered_at: at }, lang, timezone) {
  const { say, sayOf } = speaking(lang);
  if (!by?.name || !at) return say("already_handled");
  const title = action.replace(/[_-]/g, " ").replace(/^./, (first) => first.toUpperCase());
  return sayOf("already", action, { name: by.name, title, when: momentOf(new Date(at), lang, timezone) });
}

/** `at 14:02`, `on 24 November at 14:02`. */
function momentOf(at, lang, timeZone) {
  const { say, locale } = speaking(lang);
  const format = (options) => new Intl.DateTimeFormat(locale, { timeZone, ...options });
  const day = format({ day: "numeric", month: "long" }), today = day.format(new Date());
  const time = format({ hour: "2-digit", minute: "2-digit", hourCycle: "h23" }).format(at);
  return day.format(at) === today ? say("at_time", { time }) : say("at_date", { date: day.format(at), time });
}
