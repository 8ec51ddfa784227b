package web

// line is one entry of the journal as pages show it.
type line struct {
	At    string // RFC 3339
	Unit  string // what wrote it: xmppd, confd …
	Level string // error, warning, info or debug
	Text  string
}

// eventLog is what the log page shows.
type eventLog struct {
	Filter filter
	Units  []string // that can be chosen
	Levels []string // from the worst
	Lines  answer[[]line]
	Query  string // of Filter, for the links to /logs/live?… and /logs/download?…
}

// filter is what the form of the log page asks for: the fields unit, level,
// text and lines of a GET.
type filter struct {
	Unit  string // empty: all
	Level string // at least as bad as this; empty: all
	Text  string
	Lines int
}

func logsPage() page {
	return page{path: "/logs", title: "Event log", menu: "Logs"}
}
