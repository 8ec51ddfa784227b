package browser

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// prepare writes the driver and a profile that trusts the authority.
func (b *Browser) prepare(ctx context.Context, kind Kind) error {
	if err := os.WriteFile(filepath.Join(b.dir, "driver.cjs"), driver, 0o600); err != nil {
		return fmt.Errorf("writing the driver: %w", err)
	}
	if err := os.Mkdir(b.profile(), 0o700); err != nil {
		return fmt.Errorf("making the profile: %w", err)
	}
	if b.opts.CA == nil {
		return nil
	}
	// Chromium reads the person's own database, Firefox that of the profile.
	database := filepath.Join(b.dir, ".pki/nssdb")
	if kind == Firefox {
		database = b.profile()
	}
	return trust(ctx, database, b.opts.CA)
}

// trust puts an authority into an NSS database, for servers only (C,,).
func trust(ctx context.Context, database string, ca []byte) error {
	if err := os.MkdirAll(database, 0o700); err != nil {
		return fmt.Errorf("making the certificate database: %w", err)
	}
	file := filepath.Join(database, "lab.pem")
	if err := os.WriteFile(file, ca, 0o600); err != nil {
		return fmt.Errorf("writing the authority: %w", err)
	}
	for _, args := range [][]string{
		{"-N", "--empty-password"},
		{"-A", "-n", "lab", "-t", "C,,", "-i", file},
	} {
		args = append([]string{"-d", "sql:" + database}, args...)
		if out, err := exec.CommandContext(ctx, "certutil", args...).CombinedOutput(); err != nil {
			return fmt.Errorf("certutil %s: %w: %s", args[2], err, out)
		}
	}
	return nil
}

// modules returns the directory of the installed Node packages:
// $QUORATE_NODE_MODULES, or .build/web of this checkout.
func modules() (string, error) {
	dir := os.Getenv("QUORATE_NODE_MODULES")
	if dir == "" {
		root, err := checkout()
		if err != nil {
			return "", err
		}
		dir = filepath.Join(root, ".build/web/node_modules")
	}
	if _, err := os.Stat(filepath.Join(dir, "puppeteer-core")); err != nil {
		return "", fmt.Errorf("puppeteer-core is not installed in %s: run scripts/test web", dir)
	}
	return dir, nil
}

func checkout() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("looking for the checkout: %w", err)
	}
	for dir != "/" {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		dir = filepath.Dir(dir)
	}
	return "", errors.New("this is not run in a checkout: set QUORATE_NODE_MODULES")
}
