"""Two resources of one account and a contact, by slixmpp: carbons, the archive, and a stream that goes on elsewhere.

Reads a JSON description on standard input and prints what it saw as JSON. When the first resource is to lose its node
it makes the file "ready" in the given folder and goes on when "killed" is there. Certificates are verified.
"""

import asyncio
import json
import os
import sys

import slixmpp

conf = json.load(sys.stdin)
COUNT = conf["count"]
LIMIT = 20
failures = []


def credentials(required, optional):
    # slixmpp binds SCRAM to tls-unique only, which TLS 1.3 does not define (RFC 9266 section 3).
    return {k: v for k, v in {"username": None, "password": conf["password"], "host": conf["domain"],
                              "realm": conf["domain"]}.items() if k in required | optional}


class Client(slixmpp.ClientXMPP):
    """A client that remembers the bodies it gets, and those of carbons."""

    def __init__(self, user, resource, sm=False):
        def who(required, optional):
            return {**credentials(required, optional), "username": user}
        super().__init__("%s@%s/%s" % (user, conf["domain"], resource), conf["password"],
                         plugin_config={"feature_mechanisms": {"use_mech": "SCRAM-SHA-256", "sasl_callback": who}})
        self.ca_certs = conf["ca"]
        self.bodies, self.received, self.sent = [], [], []
        self.started, self.lost, self.resumed = asyncio.Event(), asyncio.Event(), asyncio.Event()
        for plugin in ["xep_0199", "xep_0280", "xep_0313", "xep_0441"] + (["xep_0198"] if sm else []):
            self.register_plugin(plugin)
        self.add_event_handler("session_start", lambda _: self.started.set())
        self.add_event_handler("session_resumed", lambda _: self.resumed.set())
        self.add_event_handler("disconnected", lambda _: self.lost.set())
        self.add_event_handler("message", self.message)
        self.add_event_handler("carbon_received", lambda m: self.received.append(m["carbon_received"]["body"]))
        self.add_event_handler("carbon_sent", lambda m: self.sent.append(m["carbon_sent"]["body"]))
        for bad in ("failed_auth", "stream_error", "ssl_invalid_cert", "sm_failed"):
            self.add_event_handler(bad, lambda data, b=bad: failures.append("%s: %s %s" % (self.boundjid, b, data)))

    def message(self, m):
        if m["body"] and m["type"] != "error":
            self.bodies.append(m["body"])

    def go(self, host):
        if hasattr(self, "enable_direct_tls"):  # slixmpp 1.9 and later, Debian 13
            self.enable_direct_tls, self.enable_starttls, self.enable_plaintext = False, True, False
            self.connect(host, 5222)
        else:
            self.connect((host, 5222))


async def until(what, ok):
    for _ in range(LIMIT * 50):
        if ok():
            return
        await asyncio.sleep(0.02)
    raise TimeoutError(what)


async def carbons(one, two, bob):
    await one["xep_0280"].enable()
    await one["xep_0441"].set_preferences(default="always")
    bob.send_message(mto=two.boundjid.full, mbody="to two", mtype="chat")
    await until("a carbon of what two got", lambda: one.received and two.bodies)
    two.send_message(mto=bob.boundjid.full, mbody="from two", mtype="chat")
    await until("a carbon of what two sent", lambda: one.sent and bob.bodies)


async def archive(one):
    bodies = []
    async for m in one["xep_0313"].iterate(jid=one.boundjid.bare):
        bodies.append(m["mam_result"]["forwarded"]["stanza"]["body"])
    return bodies


async def resume(one, bob):
    """The node of one is killed; what is written meanwhile comes once, and one's own messages go on."""
    one.bodies.clear()
    bob.bodies.clear()
    one.lost.clear()
    open(os.path.join(conf["folder"], "ready"), "w").close()
    await until("the node to be killed", lambda: os.path.exists(os.path.join(conf["folder"], "killed")))
    await asyncio.wait_for(one.lost.wait(), LIMIT)
    for i in range(COUNT):
        bob.send_message(mto=one.boundjid.full, mbody="%d" % i, mtype="chat")
    one.go(conf["other_host"])
    await asyncio.wait_for(one.resumed.wait(), LIMIT)
    one.send_message(mto=bob.boundjid.full, mbody="resumed", mtype="chat")
    await until("what was written meanwhile", lambda: len(one.bodies) >= COUNT)
    await until("what is written then", lambda: "resumed" in bob.bodies)
    await one["xep_0199"].ping(conf["domain"], timeout=LIMIT)  # what would come twice has come


async def main():
    one, two, bob = Client(conf["user"], "one", sm=True), Client(conf["user"], "two"), Client(conf["contact"], "x")
    result = {}
    try:
        for client, host in ((one, conf["host"]), (two, conf["other_host"]), (bob, conf["other_host"])):
            client.go(host)
            await asyncio.wait_for(client.started.wait(), LIMIT)
            client.send_presence()
            await client["xep_0199"].ping(conf["domain"], timeout=LIMIT)
        await carbons(one, two, bob)
        result["archive"] = await archive(one)
        await resume(one, bob)
    except (asyncio.TimeoutError, TimeoutError, slixmpp.exceptions.XMPPError) as e:
        failures.append("%s: %s" % (type(e).__name__, e))
    result.update(received=one.received, sent=one.sent, bodies=one.bodies, failures=failures)
    print(json.dumps(result))
    for client in (one, two, bob):
        client.abort()


asyncio.get_event_loop().run_until_complete(main())
