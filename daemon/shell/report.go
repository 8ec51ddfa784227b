package shell

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/change"
	"quorate.org/daemon/fault"
	"quorate.org/daemon/shell/console"
	"quorate.org/daemon/shell/grammar"
)

// errSaid ends a command that has already said why it failed.
var errSaid = errors.New("failed")

// statusError is the exit status of a program run on the person's behalf, which
// has said itself what was wrong.
type statusError int

func (e statusError) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

// say prints text as it is. That the other end has gone is noticed when the
// next line is read.
func (s *Shell) say(text string) { io.WriteString(s.cfg.Out, text) }

func (s *Shell) success(format string, args ...any) {
	s.say("SUCCESS: " + fmt.Sprintf(format, args...) + "\n")
}

func (s *Shell) warning(text, remedy string) { s.complain("WARNING: "+text, remedy) }

func (s *Shell) failure(text, remedy string) { s.complain("FAILURE: "+text, remedy) }

func (s *Shell) complain(line, remedy string) {
	s.say(line + "\n")
	if remedy != "" {
		s.say("REMEDY: " + remedy + "\n")
	}
}

// show prints a value: as JSON when the call says so, else as text.
func (s *Shell) show(c grammar.Call, value any, text string) error {
	if !c.Flags[grammar.JSON] {
		s.say(text)
		return nil
	}
	return s.json(value)
}

func (s *Shell) json(value any) error {
	value = filled(reflect.ValueOf(value)).Interface()
	e := json.NewEncoder(s.cfg.Out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(value); err != nil {
		return fmt.Errorf("writing JSON: %w", err)
	}
	return nil
}

// filled returns v with an empty list for each one that is nil, however deep,
// so that a script can go through it.
func filled(v reflect.Value) reflect.Value {
	switch v.Kind() {
	case reflect.Struct:
		full := reflect.New(v.Type()).Elem()
		if full.NumField() > 0 && !full.Field(0).CanSet() {
			return v // its fields are its own, such as a time
		}
		for i := range v.NumField() {
			full.Field(i).Set(filled(v.Field(i)))
		}
		return full
	case reflect.Slice:
		full := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
		for i := range v.Len() {
			full.Index(i).Set(filled(v.Index(i)))
		}
		return full
	}
	return v
}

// steps prints a line for each step and tells whether all went well.
func (s *Shell) steps(steps []bus.Step) bool {
	ok := true
	for _, step := range steps {
		text := change.Text(step)
		if step.OK {
			s.success("%s", text)
			continue
		}
		ok = false
		s.failure(text, step.Remedy)
	}
	return ok
}

// report says why a command failed and returns the exit status.
func (s *Shell) report(err error, asJSON bool) int {
	var unknown *grammar.UnknownError
	var status statusError
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errSaid):
		return 1
	case errors.As(err, &status):
		return int(status)
	case errors.As(err, &unknown):
		s.say(unknown.Error() + "\n")
		if unknown.Nearest != "" {
			s.say("Did you mean: " + unknown.Nearest + "\n")
		}
		return 1
	}
	f := asFault(err)
	if asJSON {
		// The encoder can not fail on three strings.
		_ = s.json(bus.Fault{Code: string(f.Code), Text: f.Message, Remedy: f.Remedy})
		return 1
	}
	s.failure(strings.TrimSpace(f.Message), f.Remedy)
	return 1
}

// asFault gives every failure words.
func asFault(err error) *fault.Error {
	var f *fault.Error
	switch {
	case errors.As(err, &f):
		return f
	case errors.Is(err, console.ErrCancelled):
		return fault.Mend(fault.InvalidArgument, "cancelled, nothing was changed", "type the command again")
	case errors.Is(err, context.Canceled):
		return fault.New(fault.Unavailable, "cancelled; what the service has begun it may still finish")
	case errors.Is(err, io.EOF):
		return fault.Mend(fault.InvalidArgument, "the answer is missing, nothing was changed", "type it at the prompt, or give it on standard input")
	}
	return fault.New(fault.Internal, err.Error())
}

// absent reports whether err says that a service is not there to answer.
func absent(err error) bool { return err != nil && fault.CodeOf(err) == fault.Unavailable }
