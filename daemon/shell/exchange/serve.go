package exchange

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/pkg/sftp"
)

// Serve speaks SFTP on conn about the folder dir until the peer goes away, and
// closes conn.
func Serve(conn io.ReadWriteCloser, dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		conn.Close()
		return fmt.Errorf("opening exchange folder: %w", err)
	}
	defer root.Close()
	f := &Folder{root: root}
	server := sftp.NewRequestServer(conn, sftp.Handlers{FileGet: f, FilePut: f, FileCmd: f, FileList: f})
	err = server.Serve()
	// The peer ending the connection, in the middle of an upload or not, is the
	// usual way for a session to end.
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil
	}
	return errors.Join(err, ignoreClosed(server.Close()))
}

func ignoreClosed(err error) error {
	if errors.Is(err, os.ErrClosed) || errors.Is(err, io.ErrClosedPipe) {
		return nil
	}
	return err
}
