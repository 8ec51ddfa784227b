package exchange_test

import (
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pkg/sftp"

	"quorate.org/daemon/shell/exchange"
)

const pemKey = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"

// folder makes an exchange folder beside a file that must never be reached.
func folder(t *testing.T) (dir string) {
	t.Helper()
	top := t.TempDir()
	dir = filepath.Join(top, "exchange")
	for _, err := range []error{
		os.Mkdir(dir, 0o755),
		os.WriteFile(filepath.Join(top, "secret"), []byte("secret"), 0o644),
		os.WriteFile(filepath.Join(dir, "xmpp.csr"), []byte("request"), 0o644),
		os.WriteFile(filepath.Join(dir, "own.key"), []byte(pemKey), 0o644),
		os.WriteFile(filepath.Join(dir, "hidden.pem"), []byte("x\n"+pemKey), 0o644),
		os.Symlink("../secret", filepath.Join(dir, "relative")),
		os.Symlink("/etc/passwd", filepath.Join(dir, "absolute")),
		os.Symlink("..", filepath.Join(dir, "up")),
		os.Symlink("xmpp.csr", filepath.Join(dir, "within")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// connect serves dir over a pipe and returns a client of it.
func connect(t *testing.T, dir string) *sftp.Client {
	t.Helper()
	near, far := net.Pipe()
	served := make(chan error, 1)
	go func() { served <- exchange.Serve(far, dir) }()
	client, err := sftp.NewClientPipe(near, near)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		client.Close()
		near.Close()
		if err := <-served; err != nil {
			t.Errorf("the server ended with %v", err)
		}
	})
	return client
}

func TestDownload(t *testing.T) {
	c := connect(t, folder(t))
	for _, name := range []string{"xmpp.csr", "/xmpp.csr", "/../../xmpp.csr", "within"} {
		f, err := c.Open(name)
		if err != nil {
			t.Fatalf("get %s: %v", name, err)
		}
		data, err := io.ReadAll(f)
		if err != nil || string(data) != "request" {
			t.Errorf("get %s gives %q, %v", name, data, err)
		}
		f.Close()
	}
}

func TestM212EscapesAreNotThere(t *testing.T) {
	dir := folder(t)
	c := connect(t, dir)
	for _, name := range []string{"/etc/passwd", "../secret", "../../../../etc/passwd", "relative", "absolute", "up/secret", "nowhere"} {
		if f, err := c.Open(name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("get %s: %v, want no such file", name, err)
			if err == nil {
				f.Close()
			}
		}
		if _, err := c.Stat(name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("stat %s: %v, want no such file", name, err)
		}
	}
	for _, name := range []string{"relative", "up/new", "/etc/new", "absolute"} {
		if f, err := c.Create(name); err == nil {
			t.Errorf("put %s was accepted", name)
			f.Close()
		}
	}
	if _, err := c.ReadDir("up"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("ls up: %v, want no such file", err)
	}
	if _, err := c.ReadLink("absolute"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("readlink tells where a link leads: %v", err)
	}
	if err := c.Rename("xmpp.csr", "up/xmpp.csr"); err == nil {
		t.Error("a file was renamed out of the folder")
	}
	if data, err := os.ReadFile(filepath.Join(dir, "../secret")); err != nil || string(data) != "secret" {
		t.Errorf("the file outside is now %q, %v", data, err)
	}
}

func TestM212KeysStayHere(t *testing.T) {
	dir := folder(t)
	c := connect(t, dir)
	for _, name := range []string{"new.key", "NEW.KEY", "new.key.filepart"} {
		put(t, c, name, "key")
		if _, err := c.Open(name); !errors.Is(err, fs.ErrPermission) {
			t.Errorf("get %s: %v, want permission denied", name, err)
		}
	}
	for _, name := range []string{"own.key", "hidden.pem"} {
		if _, err := c.Open(name); !errors.Is(err, fs.ErrPermission) {
			t.Errorf("get %s: %v, want permission denied", name, err)
		}
	}
	for _, rename := range []func(string, string) error{c.Rename, c.PosixRename} {
		if err := rename("new.key", "new.txt"); !errors.Is(err, fs.ErrPermission) {
			t.Errorf("rename new.key new.txt: %v, want permission denied", err)
		}
	}
	if err := c.Link("new.key", "new.txt"); err == nil {
		t.Error("a key was linked under another name")
	}
	if err := c.Symlink("new.key", "new.txt"); err == nil {
		t.Error("a key was linked under another name")
	}
	if err := c.PosixRename("new.key.filepart", "new.key"); err != nil {
		t.Errorf("finishing the upload of a key: %v", err)
	}
}

func put(t *testing.T, c *sftp.Client, name, text string) {
	t.Helper()
	f, err := c.Create(name)
	if err != nil {
		t.Fatalf("put %s: %v", name, err)
	}
	if _, err := io.WriteString(f, text); err != nil {
		t.Fatalf("put %s: %v", name, err)
	}
	if err := f.Close(); err != nil {
		t.Fatalf("put %s: %v", name, err)
	}
}

func TestM212UploadThroughFilepart(t *testing.T) {
	dir := folder(t)
	c := connect(t, dir)
	put(t, c, "xmpp.cer.filepart", "certificate")
	if err := c.Rename("xmpp.cer.filepart", "xmpp.cer"); err != nil {
		t.Fatal(err)
	}
	put(t, c, "xmpp.cer.filepart", "renewed")
	if err := c.Rename("xmpp.cer.filepart", "xmpp.cer"); err == nil {
		t.Error("rename replaced a file; SFTP version 3 says it must not")
	}
	if err := c.PosixRename("xmpp.cer.filepart", "xmpp.cer"); err != nil {
		t.Fatal(err)
	}
	if data, err := os.ReadFile(filepath.Join(dir, "xmpp.cer")); err != nil || string(data) != "renewed" {
		t.Errorf("the file is %q, %v", data, err)
	}
}

func TestM212InterruptedUploadIsResumed(t *testing.T) {
	dir := folder(t)
	near, far := net.Pipe()
	served := make(chan error, 1)
	go func() { served <- exchange.Serve(far, dir) }()
	c, err := sftp.NewClientPipe(near, near)
	if err != nil {
		t.Fatal(err)
	}
	f, err := c.Create("big.cer")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(f, "first half "); err != nil {
		t.Fatal(err)
	}
	near.Close()
	if err := <-served; err != nil {
		t.Errorf("the server ended with %v", err)
	}
	c = connect(t, dir)
	f, err = c.OpenFile("big.cer", os.O_WRONLY)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte("second half"), int64(len("first half "))); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if data, err := os.ReadFile(filepath.Join(dir, "big.cer")); err != nil || string(data) != "first half second half" {
		t.Errorf("the file is %q, %v", data, err)
	}
}

func TestFolderItselfStays(t *testing.T) {
	dir := folder(t)
	c := connect(t, dir)
	if err := c.Mkdir("new"); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("mkdir: %v, want permission denied", err)
	}
	if err := os.Mkdir(filepath.Join(dir, "logs"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, remove := range []func(string) error{c.RemoveDirectory, c.Remove} {
		if err := remove("logs"); err == nil {
			t.Error("a folder was removed")
		}
	}
	if f, err := c.Create("logs"); err == nil {
		f.Close()
		t.Error("a folder was opened as a file")
	}
	if err := c.Remove("xmpp.csr"); err != nil {
		t.Errorf("rm: %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "xmpp.csr")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("after rm: %v", err)
	}
}

func TestListing(t *testing.T) {
	c := connect(t, folder(t))
	files, err := c.ReadDir("/")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range files {
		names = append(names, f.Name())
	}
	if got, want := strings.Join(names, " "), "absolute hidden.pem own.key relative up within xmpp.csr"; got != want {
		t.Errorf("ls gives %q, want %q", got, want)
	}
	if dir, err := c.Getwd(); err != nil || dir != "/" {
		t.Errorf("pwd gives %q, %v", dir, err)
	}
}

func TestAttributes(t *testing.T) {
	dir := folder(t)
	c := connect(t, dir)
	put(t, c, "a.cer", "certificate")
	when := time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)
	for _, err := range []error{c.Chmod("a.cer", 0o777), c.Chown("a.cer", 1, 1), c.Chtimes("a.cer", when, when), c.Truncate("a.cer", 4)} {
		if err != nil {
			t.Error(err)
		}
	}
	info, err := os.Stat(filepath.Join(dir, "a.cer"))
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm()&0o137 != 0 {
		t.Errorf("the mode is %v: a client changed it, or others may read uploads", info.Mode())
	}
	if info.Size() != 4 {
		t.Errorf("the size is %d, want 4", info.Size())
	}
	if err := c.Chtimes("up", when, when); err == nil {
		t.Error("times outside the folder were changed")
	}
}
