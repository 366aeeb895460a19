// An OpenID provider for tests: `node server.mjs PORT DOMAIN FOLDER CLIENT_ADDRESS…`. Whoever types a name is that
// person, with an e-mail address of the domain. The folder has groups.json, by name and read at each sign-in.

import { readFileSync } from "node:fs";
import { Provider } from "oidc-provider";

const [port, domain, folder, ...clients] = process.argv.slice(2);
const issuer = `http://127.0.0.1:${port}`;
const provider = new Provider(issuer, {
  clients: [{
    client_id: "wfpush",
    client_secret: "a secret of the client",
    redirect_uris: clients.map((client) => `${client}/return`),
    token_endpoint_auth_method: "client_secret_post",
    backchannel_logout_uri: `${clients[0]}/back-channel-logout`,
    backchannel_logout_session_required: true,
  }],
  claims: { openid: ["sub", "groups"], email: ["email", "email_verified"], profile: ["name"] },
  conformIdTokenClaims: false,
  cookies: { keys: ["for tests"] },
  fetch: (url, { dispatcher, ...options }) => fetch(url, options),  // the dispatcher refuses loopback
  features: { backchannelLogout: { enabled: true } },
  findAccount: (context, name) => ({
    accountId: name,
    claims: () => ({
      sub: name,
      email: `${name}@${domain}`,
      email_verified: true,
      name,
      groups: JSON.parse(readFileSync(`${folder}/groups.json`))[name] ?? [],
    }),
  }),
});
provider.listen(Number(port), "127.0.0.1", () => console.log(`${issuer} is ready`));
