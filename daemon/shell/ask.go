package shell

import (
	"errors"
	"io"
	"strings"

	"quorate.org/daemon/fault"
	"quorate.org/daemon/shell/grammar"
)

// yes is the option that answers a confirmation beforehand.
var yes = grammar.Flag{Name: "yes", Help: "do not ask for confirmation"}

// confirm asks before an act that can not be taken back. Where nobody can be
// asked, a command run alone by a script, typing it in full was the answer.
func (s *Shell) confirm(c grammar.Call, question string) error {
	if c.Flags["yes"] || c.Flags["force"] || !s.attended && !s.cfg.Console.IsTerminal() {
		return nil
	}
	agreed, err := s.agree(question)
	if err != nil {
		return err
	}
	if !agreed {
		return fault.Mend(fault.InvalidArgument, "not confirmed, nothing was changed", "answer Y, y or yes")
	}
	return nil
}

func (s *Shell) agree(question string) (bool, error) {
	answer, err := s.cfg.Console.Ask(question + " (Y/n) ")
	if err != nil {
		return false, err
	}
	switch strings.TrimSpace(answer) {
	case "Y", "y", "yes", "Yes", "YES":
		return true, nil
	}
	return false, nil
}

// secret asks for something that is not shown.
func (s *Shell) secret(prompt string) (string, error) {
	value, err := s.cfg.Console.Secret(prompt + ": ")
	if err == nil && value == "" {
		err = fault.Mend(fault.InvalidArgument, "nothing was entered, nothing was changed", "type the command again and enter it")
	}
	return value, err
}

// newSecret asks twice, against typing errors. A script that gives it once has
// made none.
func (s *Shell) newSecret(prompt string) (string, error) {
	first, err := s.secret(prompt)
	if err != nil {
		return "", err
	}
	second, err := s.secret(prompt + " again")
	if errors.Is(err, io.EOF) && !s.cfg.Console.IsTerminal() {
		return first, nil
	}
	if err != nil {
		return "", err
	}
	if first != second {
		return "", fault.Mend(fault.InvalidArgument, "the two do not match, nothing was changed", "type the command again")
	}
	return first, nil
}
