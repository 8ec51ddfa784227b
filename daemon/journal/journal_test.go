package journal

import (
	"bytes"
	"context"
	"encoding/binary"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestRecordAsFields(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(NewHandler(&out, "confd", slog.LevelInfo))
	log = log.With("unit", "quorate-config").WithGroup("peer").With("name", "cb2")
	log.Debug("not logged")
	log.Warn("two\nlines", "lag", 3, ID(ConfigRefused), slog.Group("link", "up", true), "message", "kept apart", "9lives", 1)
	want := "MESSAGE\n" + string(binary.LittleEndian.AppendUint64(nil, 9)) + "two\nlines\n" +
		"PRIORITY=4\nSYSLOG_IDENTIFIER=confd\nUNIT=quorate-config\nPEER_NAME=cb2\nPEER_LAG=3\nMESSAGE_ID=" + string(ConfigRefused) +
		"\nPEER_LINK_UP=true\nPEER_FIELD_MESSAGE=kept apart\nPEER_FIELD_9LIVES=1\n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
}

func TestPriorities(t *testing.T) {
	for level, want := range map[slog.Level]string{slog.LevelDebug: "7", slog.LevelInfo: "6", slog.LevelWarn: "4", slog.LevelError: "3", slog.LevelError + 4: "3"} {
		if got := priority(level); got != want {
			t.Errorf("%v: %s, want %s", level, got, want)
		}
	}
}

// journald is the receiving end of the native protocol.
func journald(t *testing.T) (path string, conn *net.UnixConn) {
	t.Helper()
	dir, err := os.MkdirTemp("", "journal")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	path = filepath.Join(dir, "socket")
	conn, err = net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return path, conn
}

func TestLargeRecordGoesAsAFile(t *testing.T) {
	path, conn := journald(t)
	h, err := dial(path, "xmppd", slog.LevelInfo)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Repeat("x", 4<<20)
	if err := h.Handle(context.Background(), slog.Record{Message: text}); err != nil {
		t.Fatal(err)
	}
	if err := conn.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	oob := make([]byte, 64)
	n, oobn, _, _, err := conn.ReadMsgUnix(make([]byte, 16), oob)
	if err != nil || n != 0 {
		t.Fatalf("datagram of %d bytes, %v", n, err)
	}
	messages, err := syscall.ParseSocketControlMessage(oob[:oobn])
	if err != nil || len(messages) != 1 {
		t.Fatalf("%d control messages, %v", len(messages), err)
	}
	fds, err := syscall.ParseUnixRights(&messages[0])
	if err != nil {
		t.Fatal(err)
	}
	f := os.NewFile(uintptr(fds[0]), "entry")
	defer f.Close()
	body, err := io.ReadAll(io.NewSectionReader(f, 0, 8<<20))
	if err != nil || !strings.HasPrefix(string(body), "MESSAGE="+text+"\n") {
		t.Errorf("%d bytes, %v", len(body), err)
	}
	if _, err := f.WriteAt([]byte("y"), 0); err == nil {
		t.Error("the file is not sealed")
	}
}

func TestJournaldGone(t *testing.T) {
	path, conn := journald(t)
	h, err := dial(path, "xmppd", slog.LevelInfo)
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
	if err := h.Handle(context.Background(), slog.Record{Message: "m"}); err == nil {
		t.Error("a lost record went unnoticed")
	}
	if _, err := dial(path+"x", "xmppd", slog.LevelInfo); err == nil {
		t.Error("connected to nothing")
	}
}

func TestStderrIsTheJournalOnlyWhenNamed(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	info, err := w.Stat()
	if err != nil {
		t.Fatal(err)
	}
	stat := info.Sys().(*syscall.Stat_t)
	own := fmt.Sprintf("%d:%d", stat.Dev, stat.Ino)
	for stream, want := range map[string]bool{own: true, own + "0": false, "": false, "junk": false} {
		if got := connected(stream, w); got != want {
			t.Errorf("%q: %t", stream, got)
		}
	}
}

// Without systemd, records go to the journald that is named, beside the text.
func TestNamedJournald(t *testing.T) {
	path, conn := journald(t)
	t.Setenv("JOURNAL_STREAM", "")
	t.Setenv("QUORATE_JOURNAL", path)
	New("confd", slog.LevelInfo).Info("leader elected", "term", 7)
	if err := conn.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 1024)
	n, err := conn.Read(buf)
	if got := string(buf[:n]); err != nil || !strings.Contains(got, "SYSLOG_IDENTIFIER=confd\nTERM=7\n") {
		t.Errorf("%q, %v", got, err)
	}
}

func TestTextForPeople(t *testing.T) {
	var out bytes.Buffer
	slog.New(Text(&out, slog.LevelInfo)).Info("leader elected", "term", 7, ID(LeaderElected))
	if s := out.String(); !strings.Contains(s, `msg="leader elected" term=7`) || strings.Contains(s, string(LeaderElected)) {
		t.Error(s)
	}
}

// Every MESSAGE_ID of ids.go is well formed, unique, and has a catalog entry.
func TestEveryEventIsInTheCatalog(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "ids.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	declared := make(map[string]string)
	ast.Inspect(file, func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok && fmt.Sprint(spec.Type) == "MessageID" {
			id, _ := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			if !regexp.MustCompile(`^[0-9a-f]{32}$`).MatchString(id) || declared[id] != "" {
				t.Errorf("%s: bad or repeated ID %s", spec.Names[0], id)
			}
			declared[id] = spec.Names[0].Name
		}
		return true
	})
	for _, e := range events {
		if declared[string(e.id)] == "" {
			t.Errorf("catalog entry %q twice or of no event", e.subject)
		}
		delete(declared, string(e.id))
	}
	if len(declared) > 0 {
		t.Errorf("events without a catalog entry: %v", declared)
	}
}

var update = flag.Bool("update", false, "write the catalog instead of comparing it")

//go:generate go test -run TestCatalogIsCurrent -update .
func TestCatalogIsCurrent(t *testing.T) {
	const path = "../../config/quorate.catalog"
	if *update {
		if err := os.WriteFile(path, []byte(Catalog()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != Catalog() {
		t.Errorf("%s is not current; run go generate ./daemon/journal", path)
	}
}

// Every event is emitted by some daemon: the catalog promises nothing else.
func TestEveryEventIsEmitted(t *testing.T) {
	names, err := os.ReadFile("ids.go")
	if err != nil {
		t.Fatal(err)
	}
	var code strings.Builder
	err = filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || filepath.Dir(path) == "../journal" {
			return err
		}
		b, err := os.ReadFile(path)
		code.Write(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`(?m)^\t(\w+) +MessageID = `).FindAllSubmatch(names, -1) {
		if !regexp.MustCompile(`journal\.` + string(m[1]) + `\b`).MatchString(code.String()) {
			t.Errorf("no daemon emits %s", m[1])
		}
	}
}
