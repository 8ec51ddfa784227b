package journal

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"syscall"
)

// socket is where journald takes native datagrams.
const socket = "/run/systemd/journal/socket"

// New returns the logger of a daemon. Under systemd with stderr connected to
// the journal ($JOURNAL_STREAM names it) records go to journald with their
// fields; otherwise as text lines to stderr, and with their fields to the
// journald of $QUORATE_JOURNAL, a socket's path, when that is set, as it is
// where no systemd starts the daemons. identifier becomes SYSLOG_IDENTIFIER;
// level is the least level that is logged.
func New(identifier string, level slog.Leveler) *slog.Logger {
	if connected(os.Getenv("JOURNAL_STREAM"), os.Stderr) {
		if h, err := dial(socket, identifier, level); err == nil {
			return slog.New(h)
		}
	}
	text := Text(os.Stderr, level)
	path := os.Getenv("QUORATE_JOURNAL")
	if path == "" {
		return slog.New(text)
	}
	h, err := dial(path, identifier, level)
	if err != nil {
		log := slog.New(text)
		log.Warn(err.Error())
		return log
	}
	return slog.New(slog.NewMultiHandler(text, h))
}

// Text returns a handler of one text line a record, without MESSAGE_IDs: what
// a person reads in a terminal.
func Text(w io.Writer, level slog.Leveler) slog.Handler {
	return slog.NewTextHandler(w, &slog.HandlerOptions{Level: level, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == messageIDKey {
			return slog.Attr{}
		}
		return a
	}})
}

// connected says whether f is the stream $JOURNAL_STREAM ("device:inode")
// names; a redirected stderr is not (systemd.exec(5)).
func connected(stream string, f *os.File) bool {
	info, err := f.Stat()
	if stream == "" || err != nil {
		return false
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && stream == fmt.Sprintf("%d:%d", stat.Dev, stat.Ino)
}

func dial(path, identifier string, level slog.Leveler) (*Handler, error) {
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		return nil, fmt.Errorf("connecting to journald: %w", err)
	}
	return NewHandler(conn, identifier, level), nil
}
