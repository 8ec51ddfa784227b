package bench

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"quorate.org/daemon/internal/lab"
	"quorate.org/daemon/internal/lab/labtest"
	"quorate.org/daemon/sasl"
)

// patience is how long a server may take to start: ejabberd listens before it answers,
// and looks through all its libraries first.
const patience = 5 * time.Minute

// prosody runs on one node; it has no clusters. Its accounts are files.
func (b *bench) prosody() server {
	b.t.Helper()
	n := b.lab.Members()[0]
	dir := filepath.Join(b.folder, "prosody", strings.ReplaceAll(lab.Domain, ".", "%2e"), "accounts")
	must(b.t, os.MkdirAll(dir, 0o755))
	salt := []byte("0123456789abcdef")
	c, err := sasl.Derive(labtest.Password, salt, sasl.DefaultIterations)
	must(b.t, err)
	keys := fmt.Sprintf("return {\n\t[\"iteration_count\"] = %d;\n\t[\"salt\"] = %q;\n\t[\"stored_key\"] = %q;\n\t[\"server_key\"] = %q;\n};\n",
		c.SHA256.Iterations, salt, hex.EncodeToString(c.SHA256.StoredKey), hex.EncodeToString(c.SHA256.ServerKey))
	for _, a := range b.accounts {
		must(b.t, os.WriteFile(filepath.Join(dir, a.Local+".dat"), []byte(keys), 0o644))
	}
	must(b.t, n.Foreign(b.t.Context(), "prosody", "prosody", "--config", filepath.Join(b.folder, "prosody.cfg.lua"), "-F"))
	return b.answering(server{name: "prosody", nodes: []*lab.Node{n}})
}

// ejabberd runs on one node until joined.
func (b *bench) ejabberd() server {
	b.t.Helper()
	n := b.lab.Members()[0]
	b.ejabberdctl(n, "foreground")
	s := b.started(server{name: "ejabberd", nodes: []*lab.Node{n}})
	b.eachAccount(func(name string) error {
		_, err := b.ask(n, "register", map[string]string{"user": name, "host": lab.Domain, "password": labtest.Password})
		return err
	})
	return s
}

// ejabberdctl starts a command of Debian's ejabberd on a node; "foreground" is what
// its service is.
func (b *bench) ejabberdctl(n *lab.Node, command ...string) {
	b.t.Helper()
	file := func(name string) string { return filepath.Join(b.folder, name) }
	// As its own user from the start: to become it, ejabberdctl goes by su(1), which takes
	// the limit of open files back to 1024.
	argv := []string{"setpriv", "--reuid=ejabberd", "--regid=ejabberd", "--init-groups", "--reset-env", "/usr/sbin/ejabberdctl", "-n", "ejabberd@" + n.Addr(), "-s", file("ejabberd-" + n.Name()), "-l", file("ejabberd-" + n.Name()),
		"-f", file("ejabberd.yml"), "-c", file("ejabberdctl.cfg")}
	must(b.t, n.Foreign(b.t.Context(), "ejabberd-"+command[0], append(argv, command...)...))
}

// started waits until ejabberd carries out a command.
func (b *bench) started(s server) server {
	b.t.Helper()
	must(b.t, lab.Wait(b.t.Context(), patience, "ejabberd to start", func() error {
		_, err := b.ask(s.nodes[0], "list_cluster", map[string]string{})
		return err
	}))
	return b.answering(s)
}

// joined has a second node join the first one's cluster.
func (b *bench) joined(s server) server {
	b.t.Helper()
	first, second := b.lab.Members()[0], b.lab.Members()[1]
	b.ejabberdctl(second, "foreground")
	b.started(server{name: "ejabberd", nodes: []*lab.Node{second}})
	// Not by HTTP: who joins stops its listeners, and the command with them.
	b.ejabberdctl(second, "join_cluster", "ejabberd@"+first.Addr())
	must(b.t, lab.Wait(b.t.Context(), patience, "ejabberd to join", func() error {
		list, err := b.ask(second, "list_cluster", map[string]string{})
		if err != nil || strings.Count(list, "ejabberd@") != 2 {
			return fmt.Errorf("the cluster is %s: %v", list, err)
		}
		return nil
	}))
	s.nodes = append(s.nodes, second)
	return b.answering(s)
}

// ask calls a command of ejabberd's mod_http_api.
func (b *bench) ask(n *lab.Node, command string, arguments map[string]string) (string, error) {
	body, err := json.Marshal(arguments)
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(b.t.Context(), 20*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+n.Addr()+":5280/api/"+command, bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	client := http.Client{Transport: &http.Transport{DialContext: b.lab.Dial, DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", resp.Status, answer)
	}
	return string(answer), err
}

// answering waits until the server takes connections on each of its nodes.
func (b *bench) answering(s server) server {
	b.t.Helper()
	s.at = clientPorts(s.nodes)
	for i, at := range s.at {
		must(b.t, lab.Wait(b.t.Context(), patience, s.name+" at "+s.nodes[i].Name(), func() error {
			c, err := b.lab.Dial(b.t.Context(), "tcp", at)
			if err == nil {
				err = c.Close()
			}
			return err
		}))
	}
	return s
}
