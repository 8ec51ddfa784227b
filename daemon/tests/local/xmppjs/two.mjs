// Two clients of xmpp.js that sign in through two nodes, one by STARTTLS and one by direct TLS, and write to each
// other. Reads a description on standard input, prints what happened as JSON. NODE_EXTRA_CA_CERTS has the CA.
import { client, xml } from "@xmpp/client";
import { readFileSync } from "node:fs";

const conf = JSON.parse(readFileSync(0, "utf8"));
const failures = [];

function start(who, service) {
  const entity = client({ service, domain: conf.domain, resource: "xmppjs", username: who, password: conf.password });
  const my = { entity, bodies: [], sent: [] };
  entity.reconnect.stop();
  my.full = new Promise((resolve) => {
    entity.on("stanza", (s) => {
      if (s.is("message") && s.getChildText("body")) my.bodies.push(s.getChildText("body"));
      if (my.bodies.length >= conf.count) resolve();
    });
  });
  entity.on("send", (e) => my.sent.push(e.name));
  entity.on("error", (e) => failures.push(`${who}: ${e}`));
  return my;
}

const limit = (promise, what) =>
  Promise.race([promise, new Promise((_, no) => setTimeout(() => no(new Error(`${what} took too long`)), 20000))]);

const a = start(conf.a, `xmpp://${conf.a_host}:5222`);
const b = start(conf.b, `xmpps://${conf.b_host}:5223`);
try {
  for (const my of [a, b]) {
    my.jid = String(await limit(my.entity.start(), "signing in"));
    await my.entity.send(xml("presence"));
    await limit(my.entity.iqCaller.get(xml("ping", "urn:xmpp:ping"), conf.domain), "a ping");
  }
  for (let i = 0; i < conf.count; i++) {
    await a.entity.send(xml("message", { type: "chat", to: b.jid }, xml("body", {}, `${i}`)));
    await b.entity.send(xml("message", { type: "chat", to: a.jid }, xml("body", {}, `${i}`)));
  }
  await limit(Promise.all([a.full, b.full]), "the messages");
} catch (e) {
  failures.push(String(e));
}
const told = (my) => ({ jid: my.jid, bodies: my.bodies, sent: [...new Set(my.sent)] });
console.log(JSON.stringify({ a: told(a), b: told(b), failures }));
process.exit(0);
