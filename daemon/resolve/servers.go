package resolve

import (
	"os"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/miekg/dns"
)

// Where the name servers are named, and where they listen.
const (
	File = "/etc/resolv.conf"
	Port = 53
)

// Resolver asks the name servers of one resolv.conf.
type Resolver struct {
	path string
	port string

	fixed *dns.ClientConfig // in place of the file, if any

	mu     sync.Mutex // guards what follows
	read   stamp      // of the file as it was read
	config *dns.ClientConfig
	good   string // the server that answered last: it is asked first
}

// New returns a resolver of the servers that the file at path names, which is
// resolv.conf(5), on the given port. It reads nothing yet.
func New(path string, port int) *Resolver {
	return &Resolver{path: path, port: strconv.Itoa(port)}
}

// Only returns a resolver that asks one server, so that the answers of several
// can be compared.
func (r *Resolver) Only(server string) *Resolver {
	return &Resolver{port: r.port, fixed: &dns.ClientConfig{Servers: []string{server}}}
}

// Servers are the name servers in use and the domains that are searched for
// short names.
type Servers struct {
	Addresses []string
	Search    []string
}

// Servers returns what resolv.conf names now.
func (r *Resolver) Servers() (Servers, error) {
	config, err := r.configuration()
	if err != nil {
		return Servers{}, err
	}
	return Servers{Addresses: config.Servers, Search: config.Search}, nil
}

// Candidates returns the full names that a name as typed may stand for, in the
// order to ask for them (resolv.conf(5), search and ndots).
func (r *Resolver) Candidates(name string) ([]string, error) {
	config, err := r.configuration()
	if err != nil {
		return nil, err
	}
	return config.NameList(name), nil
}

// stamp tells one state of a file from another.
type stamp struct {
	modified time.Time
	size     int64
	inode    uint64
}

func stampOf(path string) (stamp, error) {
	info, err := os.Stat(path)
	if err != nil {
		return stamp{}, err
	}
	s := stamp{modified: info.ModTime(), size: info.Size()}
	if sys, ok := info.Sys().(*syscall.Stat_t); ok {
		s.inode = sys.Ino
	}
	return s, nil
}

// configuration reads resolv.conf if it is not the one read last.
func (r *Resolver) configuration() (*dns.ClientConfig, error) {
	if r.fixed != nil {
		return r.fixed, nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	now, err := stampOf(r.path)
	if err == nil && (r.config == nil || now != r.read) {
		r.config, err = dns.ClientConfigFromFile(r.path)
		r.read = now
	}
	if err != nil {
		r.config = nil
		return nil, fail(ErrNoServer, "the name servers are not known: "+err.Error(), "set one: dns")
	}
	if len(r.config.Servers) == 0 {
		return nil, fail(ErrNoServer, "no name server is configured", "have DHCP give one, or set one for the interface")
	}
	return r.config, nil
}

// inOrder returns the servers, the one that answered last first: a server that
// is down costs its time once, not with every question.
func (r *Resolver) inOrder(servers []string) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	order := make([]string, 0, len(servers))
	for _, s := range servers {
		if s == r.good {
			order = append([]string{s}, order...)
		} else {
			order = append(order, s)
		}
	}
	return order
}

func (r *Resolver) answered(server string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.good = server
}
