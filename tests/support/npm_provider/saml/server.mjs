// A SAML identity provider for tests: `node server.mjs PORT DOMAIN FOLDER CLIENT_ADDRESS…`. Whoever types a name is that
// person, with an e-mail address of the domain. The folder has groups.json, by name and read at each sign-in, key.pem and
// cert.pem. Signing out there sends a signed request to the client.

import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { inflateRawSync } from "node:zlib";
import express from "express";
import samlp from "samlp";

const [port, domain, folder, ...clients] = process.argv.slice(2);
const issuer = `http://127.0.0.1:${port}`;
const [cert, key] = ["cert.pem", "key.pem"].map((name) => readFileSync(`${folder}/${name}`, "utf8"));
const common = { issuer, cert, key, signatureAlgorithm: "rsa-sha256", digestAlgorithm: "sha256" };
const format = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent";
const participants = new Map();  // by name
const app = express();

const nameIn = (request) => (request.headers.cookie ?? "").match(/\bsaml_name=(\w+)/)?.[1] ?? "";
const escaped = (text) => text.replace(/&/g, "&amp;").replace(/"/g, "&quot;");

function profileOf(name) {
  return {
    getClaims: () => ({
      email: `${name}@${domain}`,
      displayName: name,
      groups: JSON.parse(readFileSync(`${folder}/groups.json`))[name] ?? [],
    }),
    getNameIdentifier: () => ({ nameIdentifier: name, nameIdentifierFormat: format }),
  };
}

app.get("/sso", (request, response, next) => {
  const name = nameIn(request);
  if (!name) {
    return response.send(`<form action="/enter"><input type="hidden" name="back" value="${escaped(request.originalUrl)}">
      <label>Name <input name="name"></label><button>Sign in</button></form>`);
  }
  const asked = inflateRawSync(Buffer.from(request.query.SAMLRequest, "base64")).toString();
  const client = clients.find((address) => asked.includes(`${address}/metadata<`));
  const [sessionIndex, answers] = [randomUUID(), `${client}/acs`];
  participants.set(name, {
    serviceProviderId: `${client}/metadata`, serviceProviderLogoutURL: `${client}/slo`, nameId: name, nameIdFormat: format, sessionIndex,
  });
  samlp.auth({
    ...common,
    sessionIndex,
    destination: answers,
    recipient: answers,
    getUserFromRequest: () => name,
    profileMapper: profileOf,
    getPostURL: (audience, xml, from, done) => done(null, answers),
  })(request, response, next);
});

app.get("/enter", (request, response) => {
  response.cookie("saml_name", request.query.name).redirect(request.query.back);
});

app.get("/logout", (request, response, next) => {
  const sessions = [participants.get(nameIn(request))].filter(Boolean);
  request.body = {};
  response.clearCookie("saml_name");
  samlp.logout({
    ...common,
    deflate: true,
    protocolBinding: "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect",
    sessionParticipants: {
      hasElements: () => sessions.length > 0,
      getFirst: (done) => done(null, sessions[0]),
    },
    store: { save: (from, state, done) => done(null, randomUUID()) },
  })(request, response, next);
});

app.get("/metadata", samlp.metadata({ ...common, redirectEndpointPath: "/sso", postEndpointPath: "/sso" }));
app.listen(Number(port), "127.0.0.1", () => console.log(`${issuer} is ready`));
