package web

func generalPage() page {
	return page{path: "/configuration/general", title: "General", menu: "Configuration"}
}
