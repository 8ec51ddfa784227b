package web

func xmppPage() page {
	return page{path: "/configuration/xmpp", title: "XMPP", menu: "Configuration"}
}
