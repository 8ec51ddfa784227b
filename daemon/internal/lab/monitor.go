package lab

import (
	"context"
	"encoding/json"
	"fmt"
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
	answer, err := qmp(ctx, m.monitor(), command, arguments)
	if err != nil {
		return nil, fmt.Errorf("asking the monitor of %s for %s: %w", n.name, command, err)
	}
	return answer, nil
}

type qmpCommand struct {
	Execute   string `json:"execute"`
	Arguments any    `json:"arguments,omitempty"`
}

func qmp(ctx context.Context, socket, command string, arguments any) (json.RawMessage, error) {
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
	if _, err := qmpAsk(conn, answers, qmpCommand{Execute: "qmp_capabilities"}); err != nil {
		return nil, err
	}
	return qmpAsk(conn, answers, qmpCommand{command, arguments})
}

// qmpAsk sends a command and reads on to its answer: events come between.
func qmpAsk(conn net.Conn, answers *json.Decoder, command qmpCommand) (json.RawMessage, error) {
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
