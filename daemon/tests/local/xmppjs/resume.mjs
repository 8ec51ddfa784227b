// A client of xmpp.js whose node is killed, and that takes up its session at another (XEP-0198, inline in SASL2). Reads
// a description on standard input; the file "ready" in its folder tells the address it is bound as. Prints what happened
// as JSON. NODE_EXTRA_CA_CERTS has the CA.
import { client, xml } from "@xmpp/client";
import { readFileSync, renameSync, writeFileSync } from "node:fs";

const conf = JSON.parse(readFileSync(0, "utf8"));
const told = { jid: "", resumed: "", bodies: [], failures: [] };
const entity = client({
  service: `xmpp://${conf.host}:5222`, domain: conf.domain, resource: "xmppjs", username: conf.user, password: conf.password,
});
entity.reconnect.delay = 100;

const all = new Promise((resolve) => {
  entity.on("stanza", (s) => {
    if (s.is("message") && s.getChildText("body")) told.bodies.push(s.getChildText("body"));
    if (told.bodies.length >= conf.count) resolve();
  });
});
const resumed = new Promise((resolve) => entity.streamManagement.on("resumed", resolve));
entity.on("disconnect", () => (entity.options.service = `xmpp://${conf.other}:5222`));
entity.on("error", (e) => told.failures.push(String(e)));
const limit = (promise, what) =>
  Promise.race([promise, new Promise((_, no) => setTimeout(() => no(new Error(`${what} took too long`)), 60000))]);

let failure = "";
try {
  told.jid = String(await limit(entity.start(), "signing in"));
  await entity.send(xml("presence"));
  await limit(entity.iqCaller.get(xml("ping", "urn:xmpp:ping"), conf.domain), "a ping");
  writeFileSync(`${conf.folder}/ready.new`, told.jid);
  renameSync(`${conf.folder}/ready.new`, `${conf.folder}/ready`);
  await limit(resumed, "the resumption");
  told.resumed = String(entity.jid);
  await limit(all, "the messages");
  await limit(entity.iqCaller.get(xml("ping", "urn:xmpp:ping"), conf.domain), "a ping");
} catch (e) {
  failure = String(e);
}
console.log(JSON.stringify({ ...told, failure }));
process.exit(0);
