package web

func logsPage() page {
	return page{path: "/logs", title: "Event log", menu: "Logs"}
}
