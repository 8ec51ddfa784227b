"""A slixmpp component and a slixmpp client that talk through two nodes.

Reads a JSON description on standard input, prints what arrived as JSON. Both
streams verify the certificate against the given CA and the node's host name.
"""

import asyncio
import json
import sys

import slixmpp
from slixmpp.componentxmpp import ComponentXMPP

conf = json.load(sys.stdin)
COUNT = conf["count"]


def credentials(required, optional):
    # slixmpp binds SCRAM to tls-unique only, which TLS 1.3 does not define
    # (RFC 9266 section 3), so no channel binding is offered to it.
    values = {"username": conf["client_user"], "password": conf["client_password"],
              "host": conf["domain"], "realm": conf["domain"]}
    return {k: values[k] for k in required | optional if k in values}


def connect(xmpp, host, port, direct_tls):
    if hasattr(xmpp, "enable_direct_tls"):  # slixmpp 1.9 and later, Debian 13
        xmpp.enable_direct_tls, xmpp.enable_starttls, xmpp.enable_plaintext = direct_tls, not direct_tls, False
        if direct_tls:
            xmpp.tls_services = {"direct"}  # a component has none by itself
        xmpp.connect(host, port)
    elif direct_tls:
        xmpp.connect(host, port, use_ssl=True)
    else:
        xmpp.connect((host, port))


class Collector:
    """Bodies of the messages one stream got, in order."""

    def __init__(self, want):
        self.bodies, self.want, self.full = [], want, asyncio.Event()

    def message(self, msg):
        self.bodies.append(msg["body"] if msg["type"] != "error" else "error: " + str(msg))
        if len(self.bodies) >= self.want:
            self.full.set()


async def main():
    component = ComponentXMPP(conf["component"], conf["secret"], conf["component_host"], 5223)
    client = slixmpp.ClientXMPP(conf["client"], conf["client_password"], plugin_config={
        "feature_mechanisms": {"use_mech": "SCRAM-SHA-256", "sasl_callback": credentials}})
    ready = [asyncio.Event(), asyncio.Event()]
    got_component, got_client = Collector(2 * COUNT), Collector(2 * COUNT)
    failures = []
    for xmpp, event, collector in ((component, ready[0], got_component), (client, ready[1], got_client)):
        xmpp.ca_certs = conf["ca"]
        xmpp.register_plugin("xep_0199")
        xmpp.add_event_handler("session_start", lambda _, e=event: e.set())
        xmpp.add_event_handler("message", collector.message)
        xmpp.add_event_handler("message_error", collector.message)
        for bad in ("failed_auth", "connection_failed", "stream_error", "ssl_invalid_cert"):
            xmpp.add_event_handler(bad, lambda data, b=bad: failures.append(b + ": " + str(data)))
    connect(component, conf["component_host"], 5223, True)
    connect(client, conf["client_host"], 5222, False)
    result = {}
    try:
        await asyncio.wait_for(asyncio.gather(*(e.wait() for e in ready)), 20)
        client.send_presence()
        bare, full = client.boundjid.bare, client.boundjid.full
        # A ping travels behind the presence, so the bare address is routable after it.
        await client["xep_0199"].ping(conf["domain"], timeout=10)
        for i in range(COUNT):
            component.send_message(mto=full, mbody="full %d" % i, mfrom=conf["component"], mtype="chat")
            component.send_message(mto=bare, mbody="bare %d" % i, mfrom=conf["component"], mtype="chat")
            client.send_message(mto=conf["component"], mbody="bare %d" % i, mtype="chat")
            client.send_message(mto="user@%s/res" % conf["component"], mbody="full %d" % i, mtype="chat")
        await asyncio.wait_for(asyncio.gather(got_component.full.wait(), got_client.full.wait()), 20)
        result["ping"] = await component["xep_0199"].ping(full, ifrom=conf["component"], timeout=10)
    except (asyncio.TimeoutError, slixmpp.exceptions.XMPPError) as e:
        failures.append("%s: %s" % (type(e).__name__, e))
    result.update(component=got_component.bodies, client=got_client.bodies, failures=failures)
    print(json.dumps(result))
    client.abort()
    component.abort()


asyncio.get_event_loop().run_until_complete(main())
