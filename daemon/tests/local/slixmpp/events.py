"""Two slixmpp clients at two nodes: personal events, avatars, private data, and
the archive of what they write to each other.

Reads a JSON description on standard input, prints what they saw as JSON. Both
streams verify the certificate against the given CA and the node's host name.
"""

import asyncio
import json
import sys

import slixmpp
from slixmpp.exceptions import IqError
from slixmpp.plugins.xep_0048 import stanza as bookmarks_stanza

conf = json.load(sys.stdin)
COUNT, ROUND = conf["count"], conf["round"]
MOOD, AVATAR = "http://jabber.org/protocol/mood", "urn:xmpp:avatar:metadata"


def connect(xmpp, host):
    if hasattr(xmpp, "enable_direct_tls"):  # slixmpp 1.9 and later, Debian 13
        xmpp.enable_direct_tls, xmpp.enable_starttls, xmpp.enable_plaintext = False, True, False
        xmpp.connect(host, 5222)
    else:
        xmpp.connect((host, 5222))


class Person:
    """One client, and what it is told."""

    def __init__(self, name, host, plugins):
        def credentials(required, optional):
            # slixmpp binds SCRAM to tls-unique only, which TLS 1.3 does not define.
            values = {"username": name, "password": conf["password"], "host": conf["domain"], "realm": conf["domain"]}
            return {k: values[k] for k in required | optional if k in values}

        self.xmpp = slixmpp.ClientXMPP("%s@%s/slix" % (name, conf["domain"]), conf["password"], plugin_config={
            "feature_mechanisms": {"use_mech": "SCRAM-SHA-256", "sasl_callback": credentials}})
        self.xmpp.ca_certs = conf["ca"]
        self.bare = "%s@%s" % (name, conf["domain"])
        self.ready, self.changed = asyncio.Event(), asyncio.Event()
        self.events, self.bodies, self.names, self.failures, self.contacts = [], [], [], [], set()
        for p in plugins + ["xep_0030", "xep_0060", "xep_0115", "xep_0163", "xep_0199", "xep_0313", "xep_0441", "xep_0359"]:
            self.xmpp.register_plugin(p)
        on = self.xmpp.add_event_handler
        on("session_start", lambda _: self.ready.set())
        on("user_mood_publish", lambda m: self.told("mood", m))
        on("avatar_metadata_publish", lambda m: self.told("avatar", m))
        on("message", self.message)
        on("presence_subscribed", lambda p: self.met(p["from"].bare))
        for bad in ("failed_auth", "connection_failed", "stream_error", "ssl_invalid_cert"):
            on(bad, lambda data, b=bad: self.failures.append(b + ": " + str(data)))
        connect(self.xmpp, host)

    def told(self, what, m):
        item = m["pubsub_event"]["items"]["item"]
        self.events.append("%s of %s: %s" % (what, m["from"].bare.split("@")[0], item["id"]))
        self.changed.set()

    def met(self, who):
        self.contacts.add(who)
        self.changed.set()

    def message(self, m):
        if m["type"] == "chat" and m["body"]:
            self.bodies.append(m["body"])
            self.names.append(m["stanza_id"]["id"] if m["stanza_id"]["by"] == self.bare else "none")
            self.changed.set()

    async def until(self, what, cond):
        async def wait():
            while not cond():
                self.changed.clear()
                await self.changed.wait()
        try:
            await asyncio.wait_for(wait(), 20)
        except asyncio.TimeoutError:
            self.failures.append("there was never " + what)

    async def archive(self, **query):
        """What the archive has, read in pages of 10, and under which names."""
        bodies, names = [], []
        async for m in self.xmpp["xep_0313"].iterate(jid=self.bare, rsm={"max": 10}, **query):
            bodies.append(m["mam_result"]["forwarded"]["stanza"]["body"])
            names.append(m["mam_result"]["id"])
        return bodies, names


async def main():
    result, people = {}, []
    try:
        benvolio = Person("benvolio", conf["hosts"][0], ["xep_0048", "xep_0049", "xep_0084", "xep_0107", "xep_0223"])
        people.append(benvolio)
        await asyncio.wait_for(benvolio.ready.wait(), 20)
        benvolio.xmpp.send_presence()
        await benvolio.xmpp.get_roster()
        rosaline = Person("rosaline", conf["hosts"][1], ["xep_0084", "xep_0107"])
        people.append(rosaline)
        await asyncio.wait_for(rosaline.ready.wait(), 20)
        await rosaline.xmpp.get_roster()
        rosaline.xmpp.send_presence()
        features = (await benvolio.xmpp["xep_0030"].get_info(jid=benvolio.bare))["disco_info"]
        result["pep"] = ("pubsub", "pep", None, None) in {(i[0], i[1], None, None) for i in features["identities"]}
        if ROUND == 1:
            benvolio.xmpp.send_presence_subscription(pto=rosaline.bare)  # each answers and asks back by itself
            await benvolio.until("a contact", lambda: rosaline.bare in benvolio.contacts)
            await rosaline.until("a contact", lambda: benvolio.bare in rosaline.contacts)
            for p in people:
                await p.xmpp["xep_0441"].set_preferences(default="always", always=[], never=[])
        else:  # what was published before is told again to who has come
            await rosaline.until("the last items", lambda: len(rosaline.events) >= 2)
            result["last"] = sorted(rosaline.events)
            rosaline.events.clear()
        result["prefs"] = (await rosaline.xmpp["xep_0441"].get_preferences())[0]
        image = b"image %d" % ROUND
        avatar = benvolio.xmpp["xep_0084"].generate_id(image)
        await benvolio.xmpp["xep_0084"].publish_avatar(image)
        await benvolio.xmpp["xep_0084"].publish_avatar_metadata({"id": avatar, "type": "image/png", "bytes": len(image)})
        await benvolio.xmpp["xep_0107"].publish_mood("happy", "round %d" % ROUND, id="round%d" % ROUND)
        await rosaline.until("the events", lambda: len(rosaline.events) >= 2)
        await benvolio.until("the own events", lambda: len(benvolio.events) >= 2)
        result["events"], result["avatar"] = rosaline.events, avatar
        item = await rosaline.xmpp["xep_0084"].retrieve_avatar(benvolio.bare, avatar)
        result["image"] = item["pubsub"]["items"]["item"]["avatar_data"]["value"].decode()
        marks = bookmarks_stanza.Bookmarks()
        marks.add_conference("room%d@muc.example" % ROUND, "benvolio")
        await benvolio.xmpp["xep_0060"].publish(None, "storage:bookmarks", id="current", payload=marks.xml, options=whitelist(benvolio.xmpp))
        kept = await benvolio.xmpp["xep_0048"].get_bookmarks(method="xep_0223")
        result["bookmarks"] = [c["jid"] for c in kept["pubsub"]["items"]["item"]["bookmarks"]["conferences"]]
        try:
            await rosaline.xmpp["xep_0060"].get_items(benvolio.bare, "storage:bookmarks")
            result["closed"] = "she may read it"
        except IqError as e:
            result["closed"] = e.iq["error"]["condition"]
        first = len((await benvolio.archive())[0])
        for i in range(COUNT):
            benvolio.xmpp.send_message(mto=rosaline.bare, mbody="%d/%d" % (ROUND, i), mtype="chat")
        await rosaline.until("the messages", lambda: len(rosaline.bodies) >= COUNT)
        result["bodies"] = rosaline.bodies
        result["archive"], names = await rosaline.archive()
        result["sent"] = (await benvolio.archive(with_jid=rosaline.bare))[0]
        result["named"] = names[-COUNT:] == rosaline.names and "none" not in names
        result["before"] = first
        meta = (await rosaline.xmpp["xep_0313"].get_archive_metadata())["mam_metadata"]
        result["ends"] = [meta["start"]["id"], meta["end"]["id"]] == [names[0], names[-1]]
    except (asyncio.TimeoutError, slixmpp.exceptions.XMPPError) as e:
        result.setdefault("failures", []).append("%s: %s" % (type(e).__name__, e))
    result["failures"] = result.get("failures", []) + [f for p in people for f in p.failures]
    print(json.dumps(result))
    for p in people:
        p.xmpp.abort()


def whitelist(xmpp):
    """What XEP-0223 section 3 has a publisher ask for."""
    form = xmpp["xep_0004"].make_form(ftype="submit")
    form.add_field(var="FORM_TYPE", ftype="hidden", value="http://jabber.org/protocol/pubsub#publish-options")
    form.add_field(var="pubsub#persist_items", value="true")
    form.add_field(var="pubsub#access_model", value="whitelist")
    return form


asyncio.get_event_loop().run_until_complete(main())
