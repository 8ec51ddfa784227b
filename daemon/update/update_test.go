package update_test

import (
	"archive/tar"
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"quorate.org/daemon/fault"
	"quorate.org/daemon/update"
)

var (
	_, ours   = pair(1)
	_, theirs = pair(2)
	trusted   = []ed25519.PublicKey{ours.Public().(ed25519.PublicKey)}
)

func pair(seed byte) (ed25519.PublicKey, ed25519.PrivateKey) {
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
	return key.Public().(ed25519.PublicKey), key
}

const partition = "12345678-1234-1234-1234-123456789abc"

// parts are those of a small update.
func parts(version string) map[string]string {
	return map[string]string{
		"quorate_" + version + ".efi":                              "kernel",
		"quorate_" + version + "_" + partition + ".usr.raw":        strings.Repeat("usr", 4000),
		"quorate_" + version + "_" + partition + ".usr-verity.raw": "hashes",
	}
}

var order = []string{".efi", ".usr.raw", ".usr-verity.raw"}

// manifest describes parts; change may spoil it.
func manifest(version string, content map[string]string, change func(*update.Manifest)) []byte {
	m := update.Manifest{Format: 1, Product: "quorate", Architecture: "x86-64", Version: version}
	for _, suffix := range order {
		for name, text := range content {
			if strings.HasSuffix(name, suffix) {
				sum := sha256.Sum256([]byte(text))
				m.Parts = append(m.Parts, update.Part{Name: name, Size: int64(len(text)), Extent: 1 << 20, SHA256: hex.EncodeToString(sum[:])})
			}
		}
	}
	if change != nil {
		change(&m)
	}
	text, _ := json.Marshal(m)
	return text
}

// pack is the update file.
func pack(t *testing.T, text []byte, key ed25519.PrivateKey, content map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	put := func(name, text string) {
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(text)), Format: tar.FormatUSTAR}); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, text); err != nil {
			t.Fatal(err)
		}
	}
	put("manifest.json", string(text))
	put("manifest.sig", string(ed25519.Sign(key, text)))
	for _, suffix := range order {
		for name, text := range content {
			if strings.HasSuffix(name, suffix) {
				put(name, text)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// readAll takes an update as the installer does.
func readAll(file []byte) (version string, got map[string]string, err error) {
	f, err := update.Open(bytes.NewReader(file), trusted)
	if err != nil {
		return "", nil, err
	}
	got = map[string]string{}
	for {
		p, r, err := f.Next()
		if errors.Is(err, io.EOF) {
			return f.Manifest.Version, got, nil
		}
		if err != nil {
			return "", got, err
		}
		text, err := io.ReadAll(r)
		if err != nil {
			return "", got, err
		}
		got[p.Name] = string(text)
	}
}

func TestRead(t *testing.T) {
	content := parts("1.10")
	version, got, err := readAll(pack(t, manifest("1.10", content, nil), ours, content))
	if err != nil || version != "1.10" || len(got) != 3 {
		t.Fatalf("version %q, %d parts, %v", version, len(got), err)
	}
	for name, text := range content {
		if got[name] != text {
			t.Errorf("%s differs", name)
		}
	}
}

func TestRefused(t *testing.T) {
	content := parts("1.0")
	good := manifest("1.0", content, nil)
	spoilt := func(change func(*update.Manifest)) []byte {
		return pack(t, manifest("1.0", content, change), ours, content)
	}
	other := parts("1.0")
	other["quorate_1.0.efi"] = "carnel"
	for name, tc := range map[string]struct {
		file []byte
		code fault.Code
		word string
	}{
		"signed by somebody else":    {pack(t, good, theirs, content), fault.Trust, "signed by nobody"},
		"a manifest changed later":   {bytes.Replace(pack(t, good, ours, content), []byte(`"1.0"`), []byte(`"9.0"`), 1), fault.Trust, "changed on its way"},
		"a part changed later":       {pack(t, good, ours, other), fault.Incomplete, "quorate_1.0.efi in the update is damaged"},
		"no update":                  {[]byte(strings.Repeat("quorate ", 200)), fault.InvalidArgument, "not an update"},
		"empty":                      {nil, fault.InvalidArgument, "not an update"},
		"another product":            {spoilt(func(m *update.Manifest) { m.Product = "other" }), fault.InvalidArgument, "for other on x86-64"},
		"another machine":            {spoilt(func(m *update.Manifest) { m.Architecture = "arm64" }), fault.InvalidArgument, "quorate on arm64"},
		"a later format":             {spoilt(func(m *update.Manifest) { m.Format = 2 }), fault.Version, "format 2"},
		"no version":                 {spoilt(func(m *update.Manifest) { m.Version = "new" }), fault.InvalidArgument, `"new"`},
		"a way out of the folder":    {spoilt(func(m *update.Manifest) { m.Parts[0].Name = "../quorate_1.0.efi" }), fault.InvalidArgument, "does not belong"},
		"a part of another version":  {spoilt(func(m *update.Manifest) { m.Parts[0].Name = "quorate_2.0.efi" }), fault.InvalidArgument, "does not belong"},
		"too large for the disk":     {spoilt(func(m *update.Manifest) { m.Parts[0].Extent = 1 << 40 }), fault.InvalidArgument, "does not belong"},
		"larger than its own extent": {spoilt(func(m *update.Manifest) { m.Parts[0].Extent = 1 }), fault.InvalidArgument, "does not belong"},
		"a part twice":               {spoilt(func(m *update.Manifest) { m.Parts[1] = m.Parts[0] }), fault.InvalidArgument, "once each"},
		"a part missing":             {spoilt(func(m *update.Manifest) { m.Parts = m.Parts[:2] }), fault.InvalidArgument, "once each"},
		"parts in another order":     {spoilt(func(m *update.Manifest) { m.Parts[0], m.Parts[1] = m.Parts[1], m.Parts[0] }), fault.Trust, "where its manifest has"},
	} {
		_, _, err := readAll(tc.file)
		if fault.CodeOf(err) != tc.code || !strings.Contains(err.Error(), tc.word) {
			t.Errorf("%s: %v (%s), want %s with %q", name, err, fault.CodeOf(err), tc.code, tc.word)
		}
	}
}

// However much of an update is there, it is never taken for the whole.
func TestTruncated(t *testing.T) {
	content := parts("1.0")
	file := pack(t, manifest("1.0", content, nil), ours, content)
	whole := len(file) - 1024 // the two empty blocks that end a tar file say nothing
	r := rand.New(rand.NewPCG(1, 2))
	for range 400 {
		n := r.IntN(whole - 512) // the last block is the padding of the last part
		_, _, err := readAll(file[:n])
		if code := fault.CodeOf(err); err == nil || code != fault.Incomplete && code != fault.InvalidArgument {
			t.Errorf("%d of %d bytes: %v", n, len(file), err)
		}
	}
}

func TestCompare(t *testing.T) {
	sorted := []string{"0.1", "0.1.1", "0.2", "0.10", "1", "1.0", "1.0.0.1", "2"}
	for i, a := range sorted {
		for j, b := range sorted {
			if got := update.Compare(a, b); got < 0 != (i < j) || got > 0 != (i > j) {
				t.Errorf("Compare(%s, %s) = %d", a, b, got)
			}
		}
	}
	for _, bad := range []string{"", ".", "1.", "01", "1.2.3.4.5", "1-2", "v1", "1.0~rc1", "1.9999999"} {
		if update.ValidVersion(bad) {
			t.Errorf("%q is taken for a version", bad)
		}
	}
}

// Whatever the file, it is refused in words or is what was signed.
func FuzzOpen(f *testing.F) {
	content := parts("1.0")
	f.Add(pack(&testing.T{}, manifest("1.0", content, nil), ours, content))
	f.Fuzz(func(t *testing.T, file []byte) {
		_, got, err := readAll(file)
		if err != nil {
			return
		}
		for name, text := range content {
			if got[name] != text {
				t.Errorf("%s is not what was signed", name)
			}
		}
	})
}
