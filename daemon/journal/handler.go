package journal

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// Handler is a slog.Handler that writes journald's native protocol: a record is
// one datagram of fields. The attribute caller_uid becomes the field
// CALLER_UID, a group becomes a prefix.
type Handler struct {
	out    io.Writer // *net.UnixConn in a daemon
	level  slog.Leveler
	fixed  []byte // encoded fields of every record
	prefix string // of open groups, "GROUP_"
}

// NewHandler returns a handler that writes each record to out in one Write.
func NewHandler(out io.Writer, identifier string, level slog.Leveler) *Handler {
	return &Handler{out: out, level: level, fixed: appendField(nil, "SYSLOG_IDENTIFIER", identifier)}
}

// Enabled says whether records of that level are logged.
func (h *Handler) Enabled(_ context.Context, l slog.Level) bool { return l >= h.level.Level() }

// WithAttrs returns a handler whose records carry attrs too.
func (h *Handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	next := *h
	next.fixed = slices.Clone(h.fixed)
	for _, a := range attrs {
		next.fixed = appendAttr(next.fixed, h.prefix, a)
	}
	return &next
}

// WithGroup returns a handler whose later attributes are prefixed by name.
func (h *Handler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	next := *h
	next.prefix = h.prefix + fieldName(name) + "_"
	return &next
}

// Handle sends one record. The time is journald's own.
func (h *Handler) Handle(_ context.Context, r slog.Record) error {
	b := make([]byte, 0, 512)
	b = appendField(b, "MESSAGE", r.Message)
	b = appendField(b, "PRIORITY", priority(r.Level))
	b = append(b, h.fixed...)
	r.Attrs(func(a slog.Attr) bool {
		b = appendAttr(b, h.prefix, a)
		return true
	})
	return h.send(b)
}

// send writes one datagram; one that is too large goes as a sealed memory file,
// which journald takes as a descriptor.
func (h *Handler) send(b []byte) error {
	_, err := h.out.Write(b)
	conn, isSocket := h.out.(*net.UnixConn)
	if isSocket && (errors.Is(err, syscall.EMSGSIZE) || errors.Is(err, syscall.ENOBUFS)) {
		err = sendFile(conn, b)
	}
	if err != nil {
		return fmt.Errorf("writing to journald: %w", err)
	}
	return nil
}

func sendFile(conn *net.UnixConn, b []byte) error {
	fd, err := unix.MemfdCreate("journal-entry", unix.MFD_ALLOW_SEALING|unix.MFD_CLOEXEC)
	if err != nil {
		return err
	}
	f := os.NewFile(uintptr(fd), "journal-entry")
	defer f.Close()
	if _, err := f.Write(b); err != nil {
		return err
	}
	seals := unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_WRITE | unix.F_SEAL_SEAL
	if _, err := unix.FcntlInt(f.Fd(), unix.F_ADD_SEALS, seals); err != nil {
		return err
	}
	return sendDescriptor(conn, int(f.Fd()))
}

// sendDescriptor sends a datagram of nothing but a descriptor, which net's
// WriteMsgUnix refuses to do on a connected socket.
func sendDescriptor(conn *net.UnixConn, fd int) error {
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	var sent error
	err = raw.Write(func(socket uintptr) bool {
		sent = unix.Sendmsg(int(socket), nil, unix.UnixRights(fd), nil, 0)
		return !errors.Is(sent, unix.EAGAIN)
	})
	return errors.Join(err, sent)
}

// priority maps a level to syslog's: error 3, warning 4, notice is unused,
// info 6, debug 7.
func priority(l slog.Level) string {
	switch {
	case l >= slog.LevelError:
		return "3"
	case l >= slog.LevelWarn:
		return "4"
	case l >= slog.LevelInfo:
		return "6"
	}
	return "7"
}

func appendAttr(b []byte, prefix string, a slog.Attr) []byte {
	v := a.Value.Resolve()
	if v.Kind() == slog.KindGroup {
		if a.Key != "" {
			prefix += fieldName(a.Key) + "_"
		}
		for _, sub := range v.Group() {
			b = appendAttr(b, prefix, sub)
		}
		return b
	}
	switch a.Key {
	case "":
		return b
	case messageIDKey:
		prefix = "" // whatever group it is logged in
	}
	return appendField(b, prefix+fieldName(a.Key), v.String())
}

// appendField encodes one field: NAME=value, or when the value has a line
// break, NAME, its length in 64 bits little-endian, and the value. A name is cut
// at the 64 bytes journald takes.
func appendField(b []byte, name, value string) []byte {
	b = append(b, name[:min(len(name), 64)]...)
	if strings.Contains(value, "\n") {
		b = append(b, '\n')
		b = binary.LittleEndian.AppendUint64(b, uint64(len(value)))
	} else {
		b = append(b, '=')
	}
	b = append(b, value...)
	return append(b, '\n')
}

// reserved are fields a record sets by itself or journald gives a meaning to
// that an attribute of the same name would not have.
var reserved = []string{"MESSAGE", "PRIORITY", "SYSLOG_IDENTIFIER"}

// fieldName makes a journal field of an attribute key: upper-case letters,
// digits and underscores, not beginning with a digit or an underscore.
func fieldName(key string) string {
	name := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		case r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
			return r
		}
		return '_'
	}, key)
	name = strings.TrimLeft(name, "_")
	if name == "" || name[0] >= '0' && name[0] <= '9' || slices.Contains(reserved, name) {
		name = "FIELD_" + name
	}
	return name
}
