// What the service worker says, in the language of the message. WORDS, language → sentences, comes with the script: they are
// those of notifications/wording/sentences.py.

import { outcomesOf } from "../outcomes.js";
import { sentencesOf } from "../sentences.js";
import { timesOf } from "../times.js";

/**
 * {say, sayOf, language}: of a language, `de_AT` too, or of English where it has no sentences of its own. `customer`: who reads it
 * is one, and has some sentences of their own (CUSTOMER_WORDS).
 */
export function speaking(asked, customer = false) {
  const name = (asked || "en").replaceAll("_", "-").toLowerCase();
  const language = [name, name.split("-")[0]].find((each) => each in WORDS) ?? "en";
  return { ...sentencesOf(customer ? { ...WORDS[language], ...CUSTOMER_WORDS[language] } : WORDS[language]), language };
}

/** What is said where a notification's token, or the device itself, counts no more. */
const ENDED = { device: "device_removed", withdrawn: "withdrawn", token: "open_to_answer" };
/** What is said of the API's codes. */
const REFUSED = {
  already_handled: "already_handled", changed: "changed", withdrawn: "withdrawn", expired: "expired", not_allowed: "not_allowed",
  comment_required: "open_to_comment", signature_required: "open_to_sign",
};

/** What became of an answer, by what the server replied to it: the words that a page has for the same. */
export function outcomeWords(answer, { status, body }, timezone) {
  const { say, sayOf, language } = speaking(answer.lang, answer.customer);
  const wordsFor = (outcome, ref) => {
    const { outcomeOf } = outcomesOf({ say, sayOf, ...timesOf({ say, language, timezone, variety: answer.lang || "" }), now: () => new Date(), ref });
    return outcomeOf({ state: "answered", actions: [answer], outcome }).text;
  };
  if (status === 200 || status === 201) return wordsFor(body, body.by?.ref);
  if (body.code === "already_answered") return wordsFor({ action: body.action, by: body.answered_by, at: body.answered_at }, answer.ref);
  if (body.ended in ENDED) return say(ENDED[body.ended]);
  return say(REFUSED[body.code] ?? "open_to_answer");
}
