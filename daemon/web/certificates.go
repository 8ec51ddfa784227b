package web

func certificatesPage() page {
	return page{path: "/certificates", title: "Certificates", menu: "Certificates"}
}
