package certd

import (
	"context"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// watchedEvents are those after which a file may be whole, or have gone.
const watchedEvents = unix.IN_CLOSE_WRITE | unix.IN_MOVED_TO | unix.IN_MOVED_FROM | unix.IN_DELETE

// folderWatch ticks after changes in a folder. ticks holds at most one: whoever
// reads it looks at the whole folder.
type folderWatch struct {
	ticks chan struct{}
	ended chan struct{} // closed when its goroutine has ended
}

// wait returns when the watch has ended, which its context decides.
func (w folderWatch) wait() {
	if w.ended != nil {
		<-w.ended
	}
}

// watchFolder watches dir until ctx ends.
func watchFolder(ctx context.Context, dir string) (folderWatch, error) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return folderWatch{}, fmt.Errorf("watching %s: %w", dir, err)
	}
	events := os.NewFile(uintptr(fd), "inotify") // non-blocking, so Close wakes Read
	if _, err := unix.InotifyAddWatch(fd, dir, watchedEvents); err != nil {
		events.Close()
		return folderWatch{}, fmt.Errorf("watching %s: %w", dir, err)
	}
	w := folderWatch{ticks: make(chan struct{}, 1), ended: make(chan struct{})}
	stop := context.AfterFunc(ctx, func() { events.Close() })
	go func() {
		defer close(w.ended)
		defer events.Close()
		defer stop()
		drain(events, w.ticks)
	}()
	return w, nil
}

// drain ticks for every batch of events; which ones they are does not matter.
func drain(events *os.File, ticks chan<- struct{}) {
	buf := make([]byte, 64*(unix.SizeofInotifyEvent+unix.NAME_MAX+1))
	for {
		if _, err := events.Read(buf); err != nil {
			return
		}
		select {
		case ticks <- struct{}{}:
		default: // one is waiting already
		}
	}
}
