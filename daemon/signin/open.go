package signin

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"time"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/fault"
)

// Socket is where sign-in answers.
const Socket = "/run/quorate/signin.sock"

// Session is what a person who signed in may use.
type Session struct {
	User string
	UID  uint32
	Role bus.Role      // bus.Operator, bus.Admin or bus.Root
	Conn *net.UnixConn // to the system bus, opened by the person's account and silent so far; for bus.Over
	// Ended says whether the account's sessions were ended since Open was called; who holds this one then closes Conn.
	Ended func() bool
}

// Open signs a person in. from is the remote address. A wrong name, a wrong
// password and an account that may not use Web Admin are fault.NotPermitted;
// fault.Unavailable says that nobody can sign in.
func Open(ctx context.Context, socket, user, password, from string) (*Session, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	before, _ := term(socket, user) // of no name that can not be read comes a session
	a, file, err := ask(ctx, socket, request{User: user, Password: []byte(password), From: from})
	if err != nil {
		return nil, fault.Mend(fault.Unavailable, fmt.Sprintf("nobody can sign in: %v", err), "systemctl status quorate-signin.socket")
	}
	if file != nil {
		defer file.Close()
	}
	if a.Error != nil {
		return nil, a.Error.fault()
	}
	conn, err := fileConn(file)
	if err != nil {
		return nil, fault.New(fault.Unavailable, "nobody can sign in: "+err.Error())
	}
	ended := func() bool {
		now, err := term(socket, a.User)
		return err != nil || now != before
	}
	return &Session{User: a.User, UID: a.UID, Role: a.Role, Conn: conn, Ended: ended}, nil
}

// ask sends the request and reads the answer.
func ask(ctx context.Context, socket string, r request) (answer, *os.File, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, "unix", socket)
	if err != nil {
		return answer{}, nil, err
	}
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) }) // a read or write then fails
	defer stop()
	line, err := json.Marshal(r)
	clear(r.Password)
	defer clear(line)
	if err != nil {
		return answer{}, nil, fmt.Errorf("encoding the request: %w", err)
	}
	if _, err := c.Write(append(line, '\n')); err != nil {
		return answer{}, nil, fmt.Errorf("sending the request: %w", err)
	}
	return receive(c.(*net.UnixConn)) // "unix" is a stream
}

// fileConn makes a connection of a descriptor, which stays its own.
func fileConn(file *os.File) (*net.UnixConn, error) {
	if file == nil {
		return nil, fmt.Errorf("no connection came with the answer")
	}
	c, err := net.FileConn(file)
	if err != nil {
		return nil, fmt.Errorf("taking the connection over: %w", err)
	}
	conn, ok := c.(*net.UnixConn)
	if !ok {
		_ = c.Close()
		return nil, fmt.Errorf("what came with the answer is no local socket")
	}
	return conn, nil
}
