package account

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os/user"
	"regexp"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/errand"
	"quorate.org/daemon/fault"
	"quorate.org/daemon/journal"
)

// Server answers one connection.
type Server struct {
	Root   string                                              // "/" but in tests
	Role   func(uid uint32) bus.Role                           // what whoever asks may do
	Tool   func(ctx context.Context, argv ...string) error     // runs a tool of the system
	Store  func(ctx context.Context, name, value string) error // gives an account a password
	Right  func(ctx context.Context, name, value string) error // a fault.NotPermitted when the password is another
	Pause  func(ctx context.Context)                           // what a wrong password costs
	Opened func(ctx context.Context) error                     // has sshd take passwords of accounts
	From   func(ctx context.Context, pid uint32) string        // where the session of whoever asks comes from
	Log    *slog.Logger
}

// caller is who asks.
type caller struct {
	name string
	role bus.Role
	pid  uint32
}

// Serve reads one request and answers it. The error is one of the connection; a
// refusal is none.
func (s *Server) Serve(ctx context.Context, conn *net.UnixConn) error {
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return fmt.Errorf("limiting the conversation: %w", err)
	}
	who, err := s.caller(conn)
	if err != nil {
		return err
	}
	var r Request
	if err := errand.Receive(conn, longest, &r); err != nil {
		return err
	}
	if r.Name == "" {
		r.Name = who.name
	}
	a := answer{Name: r.Name}
	if err := s.do(ctx, who, r, &a); err != nil {
		a = answer{Error: errand.Refuse(err)}
	}
	if r.Act != List {
		s.tell(ctx, who, r, a.Error)
	}
	return errand.Send(conn, a)
}

// caller asks the kernel who connected (SO_PEERCRED of unix(7)).
func (s *Server) caller(conn *net.UnixConn) (caller, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return caller{}, fmt.Errorf("asking who connected: %w", err)
	}
	var cred *unix.Ucred
	var failed error
	err = raw.Control(func(fd uintptr) { cred, failed = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) })
	if err != nil || failed != nil {
		return caller{}, fmt.Errorf("asking who connected: %w", fault.New(fault.Internal, fmt.Sprint(err, failed)))
	}
	who := caller{name: strconv.FormatUint(uint64(cred.Uid), 10), role: s.Role(cred.Uid), pid: uint32(cred.Pid)}
	if u, err := user.LookupId(who.name); err == nil {
		who.name = u.Username
	}
	return who, nil
}

// rules say who may ask for an act, and how it is done.
var rules = map[Act]struct {
	own bool // for oneself, everybody may
	do  func(s *Server, ctx context.Context, r Request) error
}{
	Passwd:    {true, (*Server).passwd},
	Add:       {false, (*Server).add},
	Remove:    {false, (*Server).remove},
	Expire:    {false, (*Server).expire},
	Evict:     {false, (*Server).evict},
	Unlock:    {false, (*Server).unlock},
	AddKey:    {false, (*Server).addKey},
	RemoveKey: {false, (*Server).removeKey},
}

func (s *Server) do(ctx context.Context, who caller, r Request, a *answer) (err error) {
	if who.role < bus.Operator {
		return fault.New(fault.NotPermitted, "accounts are for operators and administrators")
	}
	if r.Act == List {
		a.Accounts, err = s.list()
		return err
	}
	rule, known := rules[r.Act]
	if !known {
		return fault.New(fault.InvalidArgument, fmt.Sprintf("there is no act %q", r.Act))
	}
	if who.role < bus.Admin && !(rule.own && r.Name == who.name) {
		return fault.Mend(fault.NotPermitted, "the accounts of others are for administrators", "sign in as a member of quorate-admin")
	}
	if r.Act == Remove && r.Name == who.name {
		return fault.Mend(fault.WrongState, "nobody removes the account they use", "let another administrator do it")
	}
	if r.Act == Passwd && r.Name == who.name {
		if err := s.prove(ctx, r); err != nil {
			return err
		}
	}
	unlock, err := s.lock("changes")
	if err != nil {
		return err
	}
	defer unlock()
	return rule.do(s, ctx, r)
}

// tell journals who did or tried what, and from where. Passwords are in no message.
func (s *Server) tell(ctx context.Context, who caller, r Request, refused *errand.Refusal) {
	by := bus.Caller{User: who.name, From: s.From(ctx, who.pid)}
	what := fmt.Sprintf("%s: account %s: %s", by, told(r.Name), told(string(r.Act)))
	for _, detail := range []string{r.Role, r.Until, fingerprint(r)} {
		if detail != "" {
			what += " " + told(detail)
		}
	}
	fields := []any{"user", who.name, "caller_from", by.From}
	if refused != nil {
		s.Log.WarnContext(ctx, what+": refused: "+refused.Message, append(fields, "code", string(refused.Code), journal.ID(journal.ChangeRefused))...)
		return
	}
	s.Log.InfoContext(ctx, what, append(fields, journal.ID(journal.ChangeMade))...)
}

// fingerprint is that of the key that a request is about.
func fingerprint(r Request) string {
	if r.Act == RemoveKey {
		return r.Key
	}
	k, _ := keyOf(words(r.Key))
	return k.Fingerprint
}

// tellable is all that a line of the journal is to have of a request as it came.
var tellable = regexp.MustCompile(`^[A-Za-z0-9_.:+/@-]{1,64}$`)

// told is text of a request in the journal: what is no name or number is quoted
// and cut, so that nobody writes lines there in the words of others.
func told(text string) string {
	if tellable.MatchString(text) {
		return text
	}
	return fmt.Sprintf("%.40q", text)
}
