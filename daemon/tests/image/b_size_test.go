package image

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"quorate.org/daemon/internal/lab"
)

// budget is a limit of architecture.md, in MiB.
type budget struct {
	what  string
	limit float64
	is    float64
}

// The image is as small as promised, packed, unpacked and in memory. How fast it
// starts is measured beside a plain Debian by scripts/bench image.
func TestM4_7_Budgets(t *testing.T) {
	n := appliances(t).Members()[0]
	for _, b := range []budget{
		{"qcow2", 110, fileSize(t, "quorate.qcow2")},
		{"VMDK", 110, fileSize(t, "quorate.vmdk")},
		{"/usr", 260, installed(t, n)},
		{"memory used by an idle member of a cluster of three", 160, idle(t, n)},
	} {
		if b.is <= 1 || b.is > b.limit {
			t.Errorf("%s: %.1f MiB; the budget is %.0f", b.what, b.is, b.limit)
		}
		t.Logf("M4.7 %s: %.1f MiB, %.2f of the budget of %.0f", b.what, b.is, b.is/b.limit, b.limit)
	}
}

func fileSize(t *testing.T, name string) float64 {
	t.Helper()
	info, err := os.Stat(built(name))
	must(t, err)
	return float64(info.Size()) / (1 << 20)
}

func installed(t *testing.T, n *lab.Node) float64 {
	t.Helper()
	out, err := n.Root(t.Context(), "du --summarize --apparent-size --block-size=1 /usr | cut -f 1")
	must(t, err)
	bytes, err := strconv.ParseInt(strings.TrimSpace(out), 10, 64)
	must(t, err)
	return float64(bytes) / (1 << 20)
}

// idle waits until two looks in a row find the same memory used, to the MiB, and
// returns how much.
func idle(t *testing.T, n *lab.Node) float64 {
	t.Helper()
	var before, now float64
	must(t, lab.Wait(t.Context(), 2*time.Minute, n.Name()+" to be idle", func() error {
		before, now = now, used(t, n)
		if now-before > 1 || before-now > 1 {
			return fmt.Errorf("it used %.1f MiB, and then %.1f", before, now)
		}
		return nil
	}))
	return now
}

// used is what no program could be given: MemTotal without MemAvailable (proc_meminfo(5)).
func used(t *testing.T, n *lab.Node) float64 {
	t.Helper()
	out, err := n.Root(t.Context(), "cat /proc/meminfo")
	must(t, err)
	kib := map[string]float64{}
	for line := range strings.Lines(out) {
		if f := strings.Fields(line); len(f) > 1 {
			kib[f[0]], err = strconv.ParseFloat(f[1], 64)
			must(t, err)
		}
	}
	return (kib["MemTotal:"] - kib["MemAvailable:"]) / 1024
}
