package labtest

import (
	"bytes"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"quorate.org/daemon/internal/lab"
	"quorate.org/daemon/internal/lab/browser"
)

// portrait is a page of Web Admin that the documents show.
type portrait struct {
	file, path    string
	out           bool // nobody is signed in
	dark          bool
	width, height int
}

var portraits = []portrait{
	{file: "sign-in.png", path: "/signin", out: true, width: 1100, height: 600},
	{file: "status.png", path: "/status", width: 1100, height: 1000},
	{file: "general.png", path: "/configuration/general", width: 1100, height: 900},
	{file: "cluster.png", path: "/configuration/cluster", width: 1100, height: 760},
	{file: "certificates.png", path: "/certificates", width: 1100, height: 900},
	{file: "event-log.png", path: "/logs?unit=xmppd", width: 1100, height: 820},
	{file: "status-dark.png", path: "/status", dark: true, width: 1100, height: 760},
	{file: "status-telephone.png", path: "/status", width: 390, height: 1100},
}

// portraitLimit keeps the documents light, bytes. A page that tells of much that
// happened lately takes more than one of a quiet cluster.
const portraitLimit = 200 << 10

// Pictures writes the pictures of the documents into dir, as the first member
// shows itself to an administrator.
func Pictures(t *testing.T, l *lab.Lab, dir string) {
	t.Helper()
	must(t, os.MkdirAll(dir, 0o755))
	LinkBridges(t, l)
	n := l.Members()[0]
	b := Browser(t, l, browser.Chromium, browser.Options{})
	in := SignIn(t, b, n, "admin")
	out, err := b.Open()
	must(t, err)
	for _, pic := range portraits {
		p := in
		if pic.out {
			p = out
		}
		must(t, p.Viewport(pic.width, pic.height))
		must(t, p.Scheme(pic.dark))
		_, err := p.Goto(n.WebURL() + pic.path)
		must(t, err)
		file := filepath.Join(dir, pic.file)
		must(t, p.Screenshot(file, false))
		if size := pack(t, file); size > portraitLimit {
			t.Errorf("%s has %d KiB, want %d at most", pic.file, size>>10, portraitLimit>>10)
		}
	}
}

// pack writes a picture again as small as it gets without loss and returns its
// size. Chromium writes them fast.
func pack(t *testing.T, file string) int {
	t.Helper()
	data, err := os.ReadFile(file)
	must(t, err)
	picture, err := png.Decode(bytes.NewReader(data))
	must(t, err)
	var b bytes.Buffer
	must(t, (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&b, picture))
	must(t, os.WriteFile(file, b.Bytes(), 0o644))
	return b.Len()
}
