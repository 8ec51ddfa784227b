package signin

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/fault"
)

// limit bounds one sign-in at both ends: a wrong password costs PAM's pause of
// some two seconds.
const limit = 10 * time.Second

// maxLine is the longest request or answer in bytes, its line feed included.
const maxLine = 4 << 10

// request is the one line of who asks. The password is base64 in JSON, which
// lets it be any bytes, and a slice, which can be wiped.
type request struct {
	User     string `json:"user"`
	Password []byte `json:"password"`
	From     string `json:"from"` // remote address
}

// answer is the one line of Serve; a descriptor comes with it unless Error is
// set.
type answer struct {
	User  string   `json:"user,omitempty"`
	UID   uint32   `json:"uid"`
	Role  bus.Role `json:"role"`
	Error *refusal `json:"error,omitempty"`
}

// refusal is a fault.Error on the wire.
type refusal struct {
	Code    fault.Code `json:"code"`
	Message string     `json:"message"`
	Remedy  string     `json:"remedy,omitempty"`
}

func (r *refusal) fault() error { return fault.Mend(r.Code, r.Message, r.Remedy) }

func refusalOf(err error) *refusal {
	var f *fault.Error
	if !errors.As(err, &f) {
		f = fault.New(fault.Internal, err.Error())
	}
	return &refusal{Code: f.Code, Message: f.Message, Remedy: f.Remedy}
}

// readRequest reads the line and wipes what it read.
func readRequest(conn io.Reader) (request, error) {
	buf := make([]byte, maxLine)
	defer clear(buf)
	var r request
	// A reader of this size takes what comes into its own buffer only once.
	in := bufio.NewReaderSize(io.LimitReader(conn, maxLine), maxLine)
	line, err := in.ReadSlice('\n')
	if err != nil {
		clear(line)
		return r, fault.New(fault.InvalidArgument, fmt.Sprintf("the request is no line of at most %d bytes: %v", maxLine, err))
	}
	defer clear(line)
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil {
		clear(r.Password)
		return request{}, fault.New(fault.InvalidArgument, "the request is not a sign-in: "+err.Error())
	}
	return r, nil
}

// send writes an answer, and with it the descriptor unless that is negative.
func send(conn *net.UnixConn, a answer, descriptor int) error {
	line, err := json.Marshal(a)
	if err != nil {
		return fmt.Errorf("encoding the answer: %w", err)
	}
	var rights []byte
	if descriptor >= 0 {
		rights = unix.UnixRights(descriptor)
	}
	if _, _, err := conn.WriteMsgUnix(append(line, '\n'), rights, nil); err != nil {
		return fmt.Errorf("sending the answer: %w", err)
	}
	return nil
}

// receive reads an answer and its descriptor, nil when none came.
func receive(conn *net.UnixConn) (answer, *os.File, error) {
	var a answer
	line, oob := make([]byte, maxLine), make([]byte, unix.CmsgSpace(4))
	n, oobn, _, _, err := conn.ReadMsgUnix(line, oob)
	if err != nil && !errors.Is(err, io.EOF) {
		return a, nil, fmt.Errorf("reading the answer: %w", err)
	}
	file, err := descriptorOf(oob[:oobn])
	if err != nil {
		return a, nil, err
	}
	if n == 0 {
		return a, nil, errors.New("no answer came: too many sign in at once, or the sign-in failed; its journal tells")
	}
	// One write of less than a socket's buffer arrives in one piece.
	if err := json.Unmarshal(line[:n], &a); err != nil {
		if file != nil {
			_ = file.Close()
		}
		return a, nil, fmt.Errorf("reading the answer: %w", err)
	}
	return a, file, nil
}

// descriptorOf takes the one descriptor out of a control message.
func descriptorOf(oob []byte) (*os.File, error) {
	if len(oob) == 0 {
		return nil, nil
	}
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return nil, fmt.Errorf("reading the descriptor: %w", err)
	}
	if len(messages) != 1 {
		return nil, fmt.Errorf("reading the descriptor: %d messages", len(messages))
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil {
		return nil, fmt.Errorf("reading the descriptor: %w", err)
	}
	if len(fds) != 1 { // a buffer for one, padded, has room for two
		for _, fd := range fds {
			_ = unix.Close(fd) // nothing was said on it
		}
		return nil, fmt.Errorf("reading the descriptor: %d of them", len(fds))
	}
	return os.NewFile(uintptr(fds[0]), "bus"), nil
}
