package shell

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"time"

	"quorate.org/daemon/fault"
	"quorate.org/daemon/shell/bundle"
	"quorate.org/daemon/update"
)

// fetchLimit is more than an update may be.
const fetchLimit = 2 << 30

// client fetches by https only, also where it is sent on to. Whether an update
// is a good one is told by who signed it, not by where it came from.
func client() *http.Client {
	return &http.Client{
		Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, TLSHandshakeTimeout: 15 * time.Second, ResponseHeaderTimeout: 30 * time.Second},
		CheckRedirect: func(r *http.Request, via []*http.Request) error {
			if r.URL.Scheme != "https" || len(via) > 5 {
				return errors.New("it is sent on to " + r.URL.Redacted())
			}
			return nil
		},
	}
}

// fetchUpdate brings an update into the exchange folder, with the rights of the
// person alone, and returns its name there.
func (s *Shell) fetchUpdate(ctx context.Context, from *http.Client, address string) (string, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" || u.Host == "" || path.Ext(u.Path) != update.Suffix {
		return "", fault.Mend(fault.InvalidArgument, fmt.Sprintf("%q is not the https URL of an update", address), "one ends in "+update.Suffix+"; or upload it by SFTP")
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return "", fault.New(fault.InvalidArgument, err.Error())
	}
	s.say("fetching " + u.Redacted() + "\n")
	answer, err := from.Do(request)
	if err != nil {
		return "", fault.Mend(fault.Unavailable, "the update can not be fetched: "+err.Error(), "upload it by SFTP")
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return "", fault.Mend(fault.NotFound, fmt.Sprintf("%s answers %s", u.Host, answer.Status), "upload it by SFTP")
	}
	name := path.Base(u.Path)
	_, err = bundle.Deposit(name, func(w io.Writer) error {
		n, err := io.Copy(w, io.LimitReader(answer.Body, fetchLimit))
		if err == nil && answer.ContentLength >= 0 && n != answer.ContentLength {
			err = io.ErrUnexpectedEOF
		}
		return err
	})
	return name, err
}
