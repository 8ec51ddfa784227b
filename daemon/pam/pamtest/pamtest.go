// Package pamtest gives the tests of a package a machine with accounts of its
// own: it runs the test binary once more in a private mount namespace, with
// made-up files over /etc/passwd and its kin, and the image's own PAM file over
// /etc/pam.d. Nothing of the machine is changed. It needs root.
package pamtest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"quorate.org/config"
)

// Service is the PAM service of Web Admin, Hasty the same with a rest of one
// second; Password is that of every account.
const (
	Service  = "quorate-web"
	Hasty    = "quorate-hasty"
	Password = "correct horse 1"
)

// hash is Password as `openssl passwd -6` makes it.
const hash = "$6$quoratelab$jHT1LRDPZd0hlugGFgqokG7xzCsX1B7ir98xsVNamkYmLcm.qnuyYcd866832V1cPM/mXJyBu5k3mPp31ccDu1"

// inside names the directory of the files, in the second run.
const inside = "PAMTEST_DIRECTORY"

// files are what lies over /etc. Fields 3 to 8 of shadow(5) make the accounts
// differ.
var files = map[string]string{
	"passwd": "root:x:0:0::/root:/bin/sh\nadmin:x:800:801::/:/bin/sh\noperator:x:807:807::/:/bin/sh\neve:x:808:808::/:/bin/sh\n" +
		"expired:x:809:801::/:/bin/sh\nstale:x:810:801::/:/bin/sh\nlocked:x:811:801::/:/bin/sh\nnone:x:812:801::/:/bin/sh\nquorate-web:x:805:805::/:/bin/sh\n",
	"group": "root:x:0:\nquorate-admin:x:801:\nquorate-operator:x:802:operator\noperator:x:807:\neve:x:808:\nquorate-web:x:805:\n",
	"shadow": "root:*:20000::::::\nadmin:" + hash + ":20000::::::\noperator:" + hash + ":20000::::::\neve:" + hash + ":20000::::::\n" +
		"expired:" + hash + ":20000:::::10:\nstale:" + hash + ":0::::::\nlocked:!" + hash + ":20000::::::\nnone::20000::::::\nquorate-web:" + hash + ":20000::::::\n",
	"pam.d/common-auth":    "auth [success=1 default=ignore] pam_unix.so nullok nodelay\nauth requisite pam_deny.so\nauth required pam_permit.so\n",
	"pam.d/common-account": "account [success=1 new_authtok_reqd=done default=ignore] pam_unix.so\naccount requisite pam_deny.so\naccount required pam_permit.so\n",
	"pam.d/other":          "auth required pam_deny.so\naccount required pam_deny.so\n",
}

// Main runs the package's tests on that machine; call it from TestMain and exit
// with its result.
func Main(m *testing.M) int {
	if dir := os.Getenv(inside); dir != "" {
		if err := move(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return m.Run()
	}
	code, err := again()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

// again runs this binary in a mount namespace of its own.
func again() (code int, err error) {
	dir, err := os.MkdirTemp("", "pam")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	if err := furnish(dir); err != nil {
		return 0, err
	}
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), inside+"="+dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL}
	err = cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode(), nil
	}
	return 0, err
}

// furnish writes the files.
func furnish(dir string) error {
	// Failures are counted in the test's own directory, and cost no pause.
	text := strings.NewReplacer("dir=/run/quorate/faillock", "nodelay dir="+filepath.Join(dir, "faillock")).Replace(config.SignIn)
	all := map[string]string{"pam.d/" + Service: text, "pam.d/" + Hasty: strings.ReplaceAll(text, "unlock_time=60", "unlock_time=1")}
	for name, content := range files {
		all[name] = content
	}
	for name, content := range all {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			return err
		}
	}
	return errors.Join(os.Chmod(dir, 0o755), os.Mkdir(filepath.Join(dir, "faillock"), 0o700))
}

// move puts the files over the machine's.
func move(dir string) error {
	for _, name := range []string{"passwd", "group", "shadow", "pam.d"} {
		if err := unix.Mount(filepath.Join(dir, name), filepath.Join("/etc", name), "", unix.MS_BIND, ""); err != nil {
			return fmt.Errorf("putting %s over the machine's: %w", name, err)
		}
	}
	return nil
}
