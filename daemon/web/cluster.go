package web

func clusterPage() page {
	return page{path: "/configuration/cluster", title: "Cluster", menu: "Configuration"}
}
