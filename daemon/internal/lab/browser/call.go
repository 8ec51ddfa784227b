package browser

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
)

// fields are what a request says besides what to do.
type fields map[string]any

// answers reads what the driver writes. Lines are as long as what is asked for,
// a page's text for instance.
type answers struct{ r *bufio.Reader }

func newAnswers(r io.Reader) *answers { return &answers{bufio.NewReader(r)} }

// next returns the answer to the request of this number.
func (a *answers) next(id int) (json.RawMessage, error) {
	line, err := a.r.ReadBytes('\n')
	if err != nil {
		return nil, fmt.Errorf("the driver has ended: %w", err)
	}
	var got struct {
		ID    int             `json:"id"`
		Value json.RawMessage `json:"value"`
		Error string          `json:"error"`
	}
	if err := json.Unmarshal(line, &got); err != nil {
		return nil, fmt.Errorf("the driver answers %q: %w", line, err)
	}
	switch {
	case got.ID != id:
		return nil, fmt.Errorf("the driver answers request %d, not %d", got.ID, id)
	case got.Error != "":
		return nil, errors.New(got.Error)
	}
	return got.Value, nil
}

// drain reads to the end.
func (a *answers) drain() { _, _ = io.Copy(io.Discard, a.r) }

// tell has the driver do something and puts its answer into value, unless that
// is nil.
func (b *Browser) tell(do string, with fields, value any) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.cmd == nil {
		return fmt.Errorf("%s: the browser is closed", do)
	}
	b.calls++
	request := fields{"id": b.calls, "do": do}
	maps.Copy(request, with)
	data, err := json.Marshal(request)
	if err != nil {
		return fmt.Errorf("%s: %w", do, err)
	}
	if _, err := b.in.Write(append(data, '\n')); err != nil {
		return fmt.Errorf("%s: %w", do, err)
	}
	answer, err := b.out.next(b.calls)
	if err == nil && value != nil {
		err = json.Unmarshal(answer, value)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", do, err)
	}
	return nil
}
