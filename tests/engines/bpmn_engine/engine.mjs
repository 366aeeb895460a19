// An engine for tests: npm's bpmn-engine runs approval.bpmn, whose user task people answer in wfpush, as
// docs/engines/events.md and docs/engines/answers.md describe. `node engine.mjs PORT FOLDER`: the folder has a file for
// each process, and processes continue from it after a restart. DEVIATION: what this engine does wrong.

import { createHmac, timingSafeEqual } from "node:crypto";
import { EventEmitter } from "node:events";
import { readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import { Engine } from "bpmn-engine";

const [port, folder] = process.argv.slice(2);
const { WFPUSH_URL, WFPUSH_API_KEY, WFPUSH_SIGNING_SECRET, DEVIATION } = process.env;
const source = readFileSync(new URL("approval.bpmn", import.meta.url));
const FINAL = ["approve", "reject"];
const ACTIONS = [...FINAL, "request_info", "acknowledge"];
const TOLERANCE = 300; // seconds
const instances = new Map();

// One process. `record` is stored beside the engine's state. `step` is the user task while it is open.
class Instance {
  step = null;
  sending = Promise.resolve();

  constructor(record) {
    this.record = record;
    instances.set(record.id, this);
  }

  async run(begin) {
    const listener = new EventEmitter();
    listener.on("activity.wait", (step) => step.id === "approve" && this.open(step));
    listener.on("activity.execution.discard", (step) => step.id === "approve" && this.close("task.cancelled"));
    listener.on("activity.end", (step) => this.record.passed.push(step.id));
    const services = {
      report_late: (scope, done) => done(null, this.emit("task.escalated", { task: { id: this.record.task } })),
      order: ({ environment }, done) => done(environment.variables.is_sold_out ? new Error("It is sold out.") : null),
    };
    this.engine = new Engine({ source, extensions: { keepOutput } });
    await begin(this.engine, { listener, services, variables: this.record.variables });
    this.store();
  }

  open(step) {
    this.step = step;
    if (this.record.task === step.executionId) return; // it was open before a restart
    this.record.task = step.executionId;
    this.assign(this.record.variables.assignee);
  }

  assign(assignee) {
    const { id, task, variables: { name, form } } = this.record;
    this.emit("task.assigned", { task: { id: task, name, assignee, form, actions: ACTIONS }, case: { id } });
  }

  close(type, members) {
    this.step = null;
    this.emit(type, { task: { id: this.record.task }, ...members });
  }

  // Returns the status of the reply, and for refusals the sentence that people read.
  take(type, data) {
    if (!["task.responded", "task.reassignment_requested"].includes(type)) return this.note(type, data);
    if (!this.step) return DEVIATION === "counts second answers" ? [200] : [409, "The task has ended."];
    if (type === "task.reassignment_requested") return [200, this.assign(data.to.ref)];
    if (!ACTIONS.includes(data.action)) return [422, `There is no action ${data.action}.`];
    if (!FINAL.includes(data.action)) return this.note(type, data);
    const { action, outcome, comment, variables, responded_by: { ref: by } } = data;
    const { step } = this;
    this.close("task.completed", { result: { action, by } });
    step.signal({ outcome, comment, variables, by });
    return [200];
  }

  note(type, data) {
    this.record.notes.push({ type, data });
    return [200];
  }

  emit(type, data) {
    const id = `${this.record.id}/${(this.record.events += 1)}`;
    const event = { specversion: "1.0", id, source: "/bpmn-engine", type, time: new Date().toISOString(), data };
    this.record.unsent.push(event);
    this.deliver(event);
  }

  // Sends the events of a process in their order.
  deliver(event) {
    this.sending = this.sending.then(async () => {
      await send(event);
      this.record.unsent.shift();
      this.store();
    });
  }

  store() {
    const file = `${folder}/${this.record.id}.json`;
    writeFileSync(`${file}.new`, JSON.stringify({ ...this.record, state: this.engine.execution.getState() }));
    renameSync(`${file}.new`, file);
  }
}

// Lets the conditions of a process read what its steps returned.
function keepOutput(activity, { environment }) {
  activity.on("end", ({ id, content }) => (environment.output[id] = content.output));
}

async function send(event) {
  const key = DEVIATION === "has a wrong key" ? "wfp_of_somebody_else" : WFPUSH_API_KEY;
  const headers = { "Content-Type": "application/cloudevents+json", "X-API-Key": key };
  for (let wait = 100; ; wait = Math.min(2 * wait, 5000)) {
    const request = { method: "POST", headers, body: JSON.stringify(event) };
    const reply = await fetch(`${WFPUSH_URL}/api/v1/events`, request).catch(() => null);
    if (reply?.ok) return;
    if (reply && reply.status < 500 && reply.status !== 429) return console.error(event.id, await reply.text());
    await pause(1000 * reply?.headers.get("Retry-After") || wait);
  }
}

function isSigned(headers, body) {
  if (!(Math.abs(Date.now() / 1000 - parseInt(headers["webhook-timestamp"])) <= TOLERANCE)) return false;
  const key = Buffer.from(WFPUSH_SIGNING_SECRET.replace(/^whsec_/, ""), "base64");
  const prefix = `${headers["webhook-id"]}.${headers["webhook-timestamp"]}.`;
  const expected = Buffer.from(`v1,${createHmac("sha256", key).update(prefix).update(body).digest("base64")}`);
  const signatures = (headers["webhook-signature"] ?? "").split(" ").map((each) => Buffer.from(each));
  return signatures.some((each) => each.length === expected.length && timingSafeEqual(each, expected));
}

function callback(headers, body) {
  if (!isSigned(headers, body) && DEVIATION !== "takes any signature") return [401, "No signature fits."];
  const { id, type, data } = JSON.parse(body);
  if (!data.task_id) return [200]; // a test of the connection, or a type of a later release
  const instance = [...instances.values()].find(({ record }) => record.task === data.task_id);
  if (!instance) return [409, "There is no such task."];
  const { taken } = instance.record;
  if (taken.includes(id) && DEVIATION !== "takes repeats for others") return [200];
  const [status, detail] = instance.take(type, data);
  if (status === 200) taken.push(id);
  instance.store();
  return [status, detail];
}

// PUT /processes/ID starts one, GET reads it, POST /processes/ID/withdrawal ends its task by the boundary event.
async function processes(method, path, body) {
  const [, , id, action] = path.split("/");
  if (method === "PUT") {
    const record = { id, variables: JSON.parse(body), events: 0, taken: [], unsent: [], notes: [], passed: [] };
    await new Instance(record).run((engine, options) => engine.execute(options));
  }
  const { record, engine } = instances.get(id);
  if (action === "withdrawal") engine.execution.signal({ id: "withdrawal" });
  return { ...record, state: engine.execution.state, output: engine.environment.output };
}

for (const file of readdirSync(folder).filter((name) => name.endsWith(".json"))) {
  const { state, ...record } = JSON.parse(readFileSync(`${folder}/${file}`));
  const instance = new Instance(record);
  await instance.run((engine, options) => engine.recover(state, options).resume(options));
  record.unsent.forEach((event) => instance.deliver(event));
}
createServer(async (request, response) => {
  const { method, url, headers } = request;
  const body = Buffer.concat(await request.toArray());
  const [status, detail] = url === "/callback" ? callback(headers, body) : [200];
  const content = url === "/callback" ? { detail } : await processes(method, url, body);
  response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(content));
}).listen(Number(port), "127.0.0.1", () => console.log("bpmn-engine is ready"));
