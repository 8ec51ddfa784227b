package web

func statusPage() page {
	return page{path: "/status", title: "General", menu: "Status"}
}
