package lab

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"time"
)

// monitor is the socket on which QEMU takes commands for the machine.
func (m *vm) monitor() string { return filepath.Join(m.dir, "qmp.sock") }

// QMP has QEMU carry out one command on a virtual machine (QEMU Machine Protocol:
// screendump, send-key, system_reset …) and returns its answer. Each command has
// a connection of its own, since QEMU serves one at a time.
func (n *Node) QMP(ctx context.Context, command string, arguments any) (json.RawMessage, error) {
	m, ok := n.machine.(*vm)
	if !ok {
		return nil, fmt.Errorf("asking the monitor of %s: a local node has none", n.name)
	}
	answer, err := QMP(ctx, m.monitor(), command, arguments)
	if err != nil {
		return nil, fmt.Errorf("asking the monitor of %s for %s: %w", n.name, command, err)
	}
	return answer, nil
}

// serial is the socket of the machine's serial port; serial.log has all it sent.
func (m *vm) serial() string { return filepath.Join(m.dir, "serial.sock") }

// TypeSerial types at the serial console of a virtual machine.
func (n *Node) TypeSerial(ctx context.Context, text string) error {
	m, ok := n.machine.(*vm)
	if !ok {
		return fmt.Errorf("typing at the console of %s: a local node has none", n.name)
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, "unix", m.serial())
	if err != nil {
		return fmt.Errorf("typing at the console of %s: %w", n.name, err)
	}
	defer conn.Close()
	// The port takes 16 bytes at a time, and what it has not taken is lost when the line is closed: QEMU
	// closes it when it has read all.
	_, err = conn.Write([]byte(text))
	if half, ok := conn.(*net.UnixConn); ok && err == nil {
		err = half.CloseWrite()
	}
	if err == nil {
		_, err = io.Copy(io.Discard, conn)
	}
	if err != nil {
		return fmt.Errorf("typing at the console of %s: %w", n.name, err)
	}
	return nil
}

type qmpCommand struct {
	Execute   string `json:"execute"`
	Arguments any    `json:"arguments,omitempty"`
}

// QMP sends one command to the monitor at a socket and returns its answer.
func QMP(ctx context.Context, socket, command string, arguments any) (json.RawMessage, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "unix", socket)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		return nil, err
	}
	answers := json.NewDecoder(conn)
	var greeting struct{ QMP json.RawMessage }
	if err := answers.Decode(&greeting); err != nil {
		return nil, err
	}
	if _, err := ask(conn, answers, qmpCommand{Execute: "qmp_capabilities"}); err != nil {
		return nil, err
	}
	return ask(conn, answers, qmpCommand{command, arguments})
}

// ask sends a command and reads on to its answer: events come between.
func ask(conn net.Conn, answers *json.Decoder, command qmpCommand) (json.RawMessage, error) {
	if err := json.NewEncoder(conn).Encode(command); err != nil {
		return nil, err
	}
	for {
		var answer struct {
			Return json.RawMessage `json:"return"`
			Error  *struct{ Desc string }
			Event  string
		}
		if err := answers.Decode(&answer); err != nil {
			return nil, err
		}
		switch {
		case answer.Error != nil:
			return nil, fmt.Errorf("QEMU says: %s", answer.Error.Desc)
		case answer.Event == "":
			return answer.Return, nil
		}
	}
}
