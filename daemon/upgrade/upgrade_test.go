package upgrade_test

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/fault"
	"quorate.org/daemon/update"
	"quorate.org/daemon/upgrade"
)

var key = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))

// rig is a machine of folders that runs version 0.5.
type rig struct {
	*upgrade.Machine
	t     *testing.T
	log   bytes.Buffer
	wrote map[string]int64 // the unpacked parts that Write was given, with their sizes
	fails error            // of Write
}

func newRig(t *testing.T, images ...string) *rig {
	t.Helper()
	r := &rig{t: t, wrote: map[string]int64{}}
	dir := t.TempDir()
	r.Machine = &upgrade.Machine{Version: "0.5", Images: filepath.Join(dir, "images"), Exchange: filepath.Join(dir, "exchange"), Work: filepath.Join(dir, "work"),
		Report: filepath.Join(dir, "report.json"), Keys: []ed25519.PublicKey{key.Public().(ed25519.PublicKey)}, Write: r.write,
		Log: slog.New(slog.NewTextHandler(&r.log, nil))}
	for _, folder := range []string{r.Images, r.Exchange, r.Work} {
		must(t, os.Mkdir(folder, 0o755))
	}
	for _, name := range images {
		must(t, os.WriteFile(filepath.Join(r.Images, name), nil, 0o644))
	}
	return r
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// write does as systemd-sysupdate would with a kernel image.
func (r *rig) write(_ context.Context, version string) error {
	files, err := os.ReadDir(r.Work)
	must(r.t, err)
	for _, f := range files {
		info, err := f.Info()
		must(r.t, err)
		r.wrote[f.Name()] = info.Size()
	}
	if r.fails != nil {
		return r.fails
	}
	return os.WriteFile(filepath.Join(r.Images, "quorate_"+version+"+3-0.efi"), nil, 0o644)
}

// upload puts an update into the exchange folder.
func (r *rig) upload(name, version string, signer ed25519.PrivateKey) {
	r.t.Helper()
	const partition = "_12345678-1234-1234-1234-123456789abc"
	m := update.Manifest{Format: 1, Product: "quorate", Architecture: "x86-64", Version: version}
	var files []string
	for _, suffix := range []string{partition + ".usr-verity.raw", partition + ".usr.raw", ".efi"} {
		text := strings.Repeat(suffix, 100)
		sum := sha256.Sum256([]byte(text))
		m.Parts = append(m.Parts, update.Part{Name: "quorate_" + version + suffix, Size: int64(len(text)), Extent: 1 << 20, SHA256: hex.EncodeToString(sum[:])})
		files = append(files, text)
	}
	manifest, err := json.Marshal(m)
	must(r.t, err)
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	put := func(name, text string) {
		must(r.t, w.WriteHeader(&tar.Header{Name: name, Size: int64(len(text)), Mode: 0o644}))
		_, err := w.Write([]byte(text))
		must(r.t, err)
	}
	put("manifest.json", string(manifest))
	put("manifest.sig", string(ed25519.Sign(signer, manifest)))
	for i, p := range m.Parts {
		put(p.Name, files[i])
	}
	must(r.t, w.Close())
	must(r.t, os.WriteFile(filepath.Join(r.Exchange, name), b.Bytes(), 0o644))
}

func (r *rig) told() bus.Upgrade {
	r.t.Helper()
	u, err := upgrade.ReadReport(r.Report)
	must(r.t, err)
	return u
}

func (r *rig) has() []string {
	r.t.Helper()
	files, err := os.ReadDir(r.Images)
	must(r.t, err)
	var names []string
	for _, f := range files {
		names = append(names, f.Name())
	}
	return names
}

func TestInstall(t *testing.T) {
	r := newRig(t, "quorate_0.5.efi", "other.efi")
	r.upload("next.update", "0.6", key)
	must(t, r.Install(t.Context(), "next.update"))
	want := bus.Upgrade{Running: "0.5", Next: "0.6", Act: "upgrade next.update", Phase: bus.UpgradeDone, Percent: 100,
		Text: "version 0.6 is installed and starts when the node restarts",
		Versions: []bus.Version{{Version: "0.6", State: bus.VersionTrial, Text: "new, may start 3 times until it has proven itself"},
			{Version: "0.5", State: bus.VersionGood, Text: "has proven itself"}}}
	if diff := cmp.Diff(want, r.told()); diff != "" {
		t.Error(diff)
	}
	for name, size := range r.wrote {
		if size != 1<<20 {
			t.Errorf("%s was unpacked to %d bytes, not to its extent", name, size)
		}
	}
	if left, _ := os.ReadDir(r.Work); len(r.wrote) != 3 || len(left) != 0 {
		t.Errorf("%d parts were written, %d were left behind", len(r.wrote), len(left))
	}
}

func TestInstallRefused(t *testing.T) {
	for name, tc := range map[string]struct {
		images  []string
		prepare func(r *rig)
		file    string
		code    fault.Code
		text    string
	}{
		"signed by somebody else": {prepare: func(r *rig) { r.upload("a.update", "0.6", ed25519.NewKeyFromSeed(make([]byte, 32))) },
			code: fault.Trust, text: "signed by nobody"},
		"truncated": {prepare: func(r *rig) {
			r.upload("a.update", "0.6", key)
			must(r.t, os.Truncate(filepath.Join(r.Exchange, "a.update"), 4000))
		}, code: fault.Incomplete, text: "not whole"},
		"older":     {prepare: func(r *rig) { r.upload("a.update", "0.4.9", key) }, code: fault.Version, text: "of version 0.4.9 and this node runs version 0.5"},
		"the same":  {prepare: func(r *rig) { r.upload("a.update", "0.5", key) }, code: fault.Version, text: "runs version 0.5"},
		"there":     {images: []string{"quorate_0.6+3-0.efi"}, prepare: func(r *rig) { r.upload("a.update", "0.6", key) }, code: fault.Exists, text: "installed already"},
		"undone":    {images: []string{"quorate_0.6+0-3.efi"}, prepare: func(r *rig) { r.upload("a.update", "0.6", key) }, code: fault.Exists, text: "did not come up here"},
		"not there": {prepare: func(*rig) {}, code: fault.NotFound, text: "there is no update a.update"},
		"a link":    {prepare: func(r *rig) { must(r.t, os.Symlink("/etc/shadow", filepath.Join(r.Exchange, "a.update"))) }, code: fault.InvalidArgument, text: "can not be read"},
		"a folder":  {prepare: func(r *rig) { must(r.t, os.Mkdir(filepath.Join(r.Exchange, "a.update"), 0o755)) }, code: fault.InvalidArgument, text: "not a file"},
		"out of it": {prepare: func(*rig) {}, file: "../a.update", code: fault.InvalidName, text: "not the name of an update"},
		"no loader": {prepare: func(r *rig) { r.Images = "" }, code: fault.WrongState, text: "not started by its boot loader"},
		"not writable": {prepare: func(r *rig) {
			r.upload("a.update", "0.6", key)
			r.fails = fault.New(fault.Internal, "version 0.6 could not be written")
		}, code: fault.Internal, text: "could not be written"},
	} {
		r := newRig(t, append(tc.images, "quorate_0.5.efi")...)
		tc.prepare(r)
		if tc.file == "" {
			tc.file = "a.update"
		}
		must(t, r.Install(t.Context(), tc.file))
		u := r.told()
		if u.Code != string(tc.code) || !strings.Contains(u.Text, tc.text) || u.Phase != bus.UpgradeDone {
			t.Errorf("%s: told %q, %q (%s), want %q with %q", name, u.Code, u.Text, u.Phase, tc.code, tc.text)
		}
		if left, _ := os.ReadDir(r.Work); len(left) != 0 {
			t.Errorf("%s: %d parts were left behind", name, len(left))
		}
		if len(r.wrote) != 0 && r.fails == nil {
			t.Errorf("%s: it was written", name)
		}
	}
}

func TestRollback(t *testing.T) {
	for name, tc := range map[string]struct{ images, want []string }{
		"to the one before":            {[]string{"quorate_0.4.efi", "quorate_0.5.efi"}, []string{"quorate_0.4.efi", "quorate_0.5+0-0.efi"}},
		"while on trial":               {[]string{"quorate_0.4.efi", "quorate_0.5+2-1.efi"}, []string{"quorate_0.4.efi", "quorate_0.5+0-0.efi"}},
		"back to one set aside":        {[]string{"quorate_0.5.efi", "quorate_0.6+0-0.efi"}, []string{"quorate_0.5.efi", "quorate_0.6+3-0.efi"}},
		"back to one that failed":      {[]string{"quorate_0.5.efi", "quorate_0.6+0-3.efi"}, []string{"quorate_0.5.efi", "quorate_0.6+3-0.efi"}},
		"to one before that is spent":  {[]string{"quorate_0.4+0-0.efi", "quorate_0.5.efi"}, []string{"quorate_0.4+3-0.efi", "quorate_0.5+0-0.efi"}},
		"not when there is no other":   {[]string{"quorate_0.5.efi"}, []string{"quorate_0.5.efi"}},
		"not when the other is next":   {[]string{"quorate_0.5.efi", "quorate_0.6+3-0.efi"}, []string{"quorate_0.5.efi", "quorate_0.6+3-0.efi"}},
		"the whole of 0.10 is counted": {[]string{"quorate_0.10+0-0.efi", "quorate_0.5.efi"}, []string{"quorate_0.10+3-0.efi", "quorate_0.5.efi"}},
	} {
		r := newRig(t, tc.images...)
		must(t, r.Rollback())
		if got := r.has(); !slices.Equal(got, tc.want) {
			t.Errorf("%s: %v, want %v", name, got, tc.want)
		}
		u := r.told()
		if refused := u.Code != ""; refused != slices.Equal(tc.images, tc.want) || !refused && u.Next == "0.5" {
			t.Errorf("%s: told %q, %q, next %s", name, u.Code, u.Text, u.Next)
		}
	}
}

// What failed is told at every start, and starts no more.
func TestLook(t *testing.T) {
	r := newRig(t, "quorate_0.5.efi", "quorate_0.6+0-3.efi", "quorate_0.6.efi.tmp", "quorate_x.efi")
	must(t, r.Look())
	want := bus.Upgrade{Running: "0.5", Next: "0.5", Versions: []bus.Version{
		{Version: "0.6", State: bus.VersionFailed, Text: "did not come up in 3 starts and was undone"},
		{Version: "0.5", State: bus.VersionGood, Text: "has proven itself"}}}
	if diff := cmp.Diff(want, r.told()); diff != "" {
		t.Error(diff)
	}
	if !strings.Contains(r.log.String(), "version 0.6 did not come up in 3 starts and was undone: version 0.5 runs") {
		t.Errorf("journalled: %s", r.log.String())
	}
}

// A version on trial has not failed while it runs, in its last start neither; and
// who set it aside by a rollback sees that.
func TestLookAtTrial(t *testing.T) {
	for name, tc := range map[string]struct{ state, next string }{
		"quorate_0.5+2-1.efi": {bus.VersionTrial, "0.5"},
		"quorate_0.5+0-3.efi": {bus.VersionTrial, "0.4"},
		"quorate_0.5+0-0.efi": {bus.VersionAside, "0.4"},
		"quorate_0.5.efi":     {bus.VersionGood, "0.5"},
	} {
		r := newRig(t, "quorate_0.4.efi", name)
		must(t, r.Look())
		if u := r.told(); u.Versions[0].State != tc.state || u.Next != tc.next {
			t.Errorf("%s: told %+v", name, u)
		}
		if r.log.Len() > 0 {
			t.Errorf("%s: journalled %s", name, r.log.String())
		}
	}
}

func TestReadReport(t *testing.T) {
	if _, err := upgrade.ReadReport(filepath.Join(t.TempDir(), "report.json")); fault.CodeOf(err) != fault.Unavailable {
		t.Errorf("no report: %v", err)
	}
}

func TestAwait(t *testing.T) {
	asked := 0
	units := func(_ context.Context, names []string) ([]bus.Unit, error) {
		asked++
		var list []bus.Unit
		for i, name := range names {
			u := bus.Unit{Name: name, Active: "active"}
			if asked == 1 && i == 2 {
				u.Active, u.Sub = "activating", "auto-restart"
			}
			list = append(list, u)
		}
		return list, nil
	}
	if err := upgrade.Await(t.Context(), units); err != nil || asked != 2 {
		t.Errorf("asked %d times: %v", asked, err)
	}
	ctx, stop := context.WithTimeout(t.Context(), time.Millisecond)
	defer stop()
	err := upgrade.Await(ctx, func(context.Context, []string) ([]bus.Unit, error) {
		return []bus.Unit{{Name: "quorate-xmpp.service", Active: "failed", Sub: "failed"}}, nil
	})
	if err == nil || !strings.Contains(err.Error(), "quorate-xmpp.service is failed") || !strings.Contains(err.Error(), "ssh.service is not there") {
		t.Errorf("a version without services: %v", err)
	}
	// What was missing last is told, not that nobody was answered any more.
	late, end := context.WithCancel(t.Context())
	defer end()
	answered := false
	err = upgrade.Await(late, func(ctx context.Context, _ []string) ([]bus.Unit, error) {
		if answered {
			end()
			return nil, ctx.Err()
		}
		answered = true
		return []bus.Unit{{Name: "quorate-xmpp.service", Active: "activating", Sub: "auto-restart"}}, nil
	})
	if err == nil || !strings.Contains(err.Error(), "quorate-xmpp.service is activating (auto-restart)") {
		t.Errorf("a version whose last question has no answer: %v", err)
	}
	err = upgrade.Await(ctx, func(context.Context, []string) ([]bus.Unit, error) { return nil, errors.New("no bus") })
	if err == nil || !strings.Contains(err.Error(), "no bus") {
		t.Errorf("a version without a bus: %v", err)
	}
}
