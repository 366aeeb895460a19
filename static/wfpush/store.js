// The database of this device: the person, their kept items, answers to be sent, shown notifications, and a sign-out that the
// server has not heard of. It belongs to one person at a time; forget.js empties it. Shared by page and service worker.

const PATIENCE_WITH_TABS = 3_000;  // milliseconds in which another tab has to let go of an older database

/**
 * What each version added to the one before; a released step never changes. An older page that is still open goes on with
 * the tables that it knows, so steps only add.
 */
const STEPS = [
  (base) => {
    for (const [table, keyPath] of Object.entries({ about: "name", items: "id", answers: "key", shown: "tag", documents: "url" })) {
      base.createObjectStore(table, { keyPath });
    }
  },
  (base) => base.createObjectStore("signouts", { keyPath: "id" }),
];
let database = null, owner, isClosed = false;

function opened() {
  database ??= connected(STEPS.length).catch((fault) => (fault.name === "VersionError" ? connected() : Promise.reject(fault)));
  database.catch(() => (database = null));
  return database;
}

/** The database, upgraded to `version`; without one as it is: a newer page has upgraded it. */
function connected(version) {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open("wfpush", version);
    let isLate = false;
    request.onupgradeneeded = ({ oldVersion }) => {
      for (const step of STEPS.slice(oldVersion)) step(request.result);
    };
    request.onblocked = () => setTimeout(() => {
      isLate = true;
      reject(new Error("Another tab holds an older database of this site."));
    }, PATIENCE_WITH_TABS);
    request.onsuccess = () => {
      const connection = request.result;
      connection.onversionchange = connection.onclose = () => {
        connection.close();
        database = null;
      };
      if (isLate) connection.close();
      else resolve(connection);
    };
    request.onerror = () => reject(request.error);
  });
}

const asked = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

/** One transaction. `work` gets a function from name to table, and may await requests of these tables only. */
async function within(mode, tables, work) {
  const transaction = (await opened()).transaction(tables, mode);
  const over = new Promise((resolve, reject) => {
    transaction.oncomplete = resolve;
    transaction.onerror = transaction.onabort = () => reject(transaction.error);
  });
  over.catch(() => {});  // reported by what is awaited below, or by `work` itself
  const result = await work((table) => transaction.objectStore(table));
  await over;
  return result;
}

export const stored = (table, key) => within("readonly", [table], (of) => asked(of(table).get(key)));
export const allStored = (table) => within("readonly", [table], (of) => asked(of(table).getAll()));

/** Nothing is stored but for the person who is signed in here, on a page only for its own. Returns whether it was. */
export const store = (table, ...rows) =>
  within("readwrite", [table, "about"], async (of) => {
    const isStored = table === "signouts" || isTheirs(await asked(of("about").get("person")));
    if (isStored) for (const row of rows) of(table).put(row);
    return isStored;
  });

const isTheirs = ({ ref } = {}) => !isClosed && ref !== undefined && (owner === undefined || ref === owner);

/** This page is of that person: they are here now, unless somebody else is. */
export function storeFor(ref) {
  owner = ref;
  return within("readwrite", ["about"], async (of) => {
    const before = await asked(of("about").get("person"));
    if (!isClosed && before?.ref === undefined) of("about").put({ ref, name: "person" });
  });
}

/** The person of this page has left: it stores nothing any more. */
export const storeNoMore = () => (isClosed = true);

export const unstore = (table, ...keys) =>
  within("readwrite", [table], (of) => {
    for (const key of keys) of(table).delete(key);
  });

export const emptied = (...tables) =>
  within("readwrite", tables, (of) => {
    for (const table of tables) of(table).clear();
  });

export const LEAVING = "wfpush leaving";  // a channel to all open pages, for the `ref` of a person who has left

/** All that is kept of a person. */
export const everything = ["about", "items", "answers", "shown", "documents"];

/** What is typed into the form of an item, and its files: rows of their own, as files take long to store. */
export const draftName = (id) => `draft ${id}`;
export const draftFilesName = (id) => `draft files ${id}`;
export const dropDraft = (id) => unstore("about", draftName(id), draftFilesName(id)).catch(() => {});

/** The person: {ref, timezone, language, look, csrf, seq, at, shell, push, device, endpoint, sender, checked}. */
export const person = async () => (await stored("about", "person")) ?? {};

/** Only with a `ref` somebody is here: other changes are of the person who is. */
export const tellPerson = (changes) =>
  within("readwrite", ["about"], async (of) => {
    const before = await asked(of("about").get("person"));
    if (changes.ref !== undefined || isTheirs(before)) of("about").put({ ...before, ...changes, name: "person" });
  });
