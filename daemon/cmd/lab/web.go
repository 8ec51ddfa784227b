package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"

	"quorate.org/daemon/internal/lab"
)

// web brings Web Admin of a node to a port of this machine, where browsers run:
// the lab's network has no way in.
func web(ctx context.Context, l *lab.Lab, n *lab.Node) error {
	var config net.ListenConfig
	there, err := url.Parse(n.WebURL())
	if err != nil {
		return fmt.Errorf("the address of %s: %w", n.Name(), err)
	}
	entrance, err := config.Listen(ctx, "tcp", "127.0.0.1:"+strings.Replace(n.Name(), "cb", "844", 1))
	if err != nil {
		return fmt.Errorf("bringing Web Admin of %s here: %w", n.Name(), err)
	}
	defer context.AfterFunc(ctx, func() { entrance.Close() })()
	fmt.Printf("Web Admin of %s: https://%s/\nSign in as admin, password %q. End with ^C.\n", n.Name(), entrance.Addr(), lab.Password)
	for {
		conn, err := entrance.Accept()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("waiting for the browser: %w", err)
		}
		go relay(ctx, l, conn, net.JoinHostPort(n.Addr(), there.Port()))
	}
}

// relay carries one connection until either end closes it.
func relay(ctx context.Context, l *lab.Lab, browser net.Conn, addr string) {
	defer browser.Close()
	node, err := l.Dial(ctx, "tcp", addr)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer node.Close()
	go func() {
		defer node.Close()
		_, _ = io.Copy(node, browser) // either end may go at any time
	}()
	_, _ = io.Copy(browser, node)
}
