// `node web_push.cjs ORDER`, with web-push in NODE_PATH: many messages at once; prints what it took.
const fs = require("node:fs");
const http = require("node:http");
const https = require("node:https");

const order = JSON.parse(fs.readFileSync(process.argv[2], "utf8"));
if (order.subscriptions[0].endpoint.startsWith("http:")) {
  https.request = http.request; // web-push itself speaks only TLS
}
const webPush = require("web-push");

const data = "x".repeat(order.size);
const options = {
  TTL: 86400,
  vapidDetails: { subject: order.contact, publicKey: order.vapid_public, privateKey: order.vapid_private },
};

async function sendAll(count) {
  let next = 0;
  async function some() {
    while (next < count) {
      await webPush.sendNotification(order.subscriptions[next++ % order.subscriptions.length], data, options);
    }
  }
  await Promise.all(Array.from({ length: order.concurrency }, some));
}

async function main() {
  await sendAll(order.warm_up);
  const began = performance.now();
  const used = process.cpuUsage();
  await sendAll(order.count);
  const spent = process.cpuUsage(used);
  console.log(JSON.stringify({
    seconds: (performance.now() - began) / 1000,
    processor: (spent.user + spent.system) / 1e6,
  }));
}

main().then(() => process.exit(0), (fault) => {
  console.error(fault);
  process.exit(1);
});
