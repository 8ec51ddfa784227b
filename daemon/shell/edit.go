package shell

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"quorate.org/daemon/change"
	"quorate.org/daemon/fault"
	"quorate.org/daemon/shell/grammar"
)

// configEdit lets the person edit a copy of quorate.toml until the service takes
// it or the person gives up.
func configEdit(ctx context.Context, s *Shell, _ grammar.Call) error {
	editor, err := findEditor(os.Getenv("VISUAL"), os.Getenv("EDITOR"))
	if err != nil {
		return err
	}
	original, err := s.conn.Config().ReadFile(ctx)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "config-edit-")
	if err != nil {
		return fmt.Errorf("making a copy to edit: %w", err)
	}
	defer os.RemoveAll(dir)
	copied := filepath.Join(dir, "quorate.toml")
	if err := os.WriteFile(copied, []byte(original), 0o600); err != nil {
		return fmt.Errorf("making a copy to edit: %w", err)
	}
	return s.editLoop(ctx, editor, copied, original)
}

func (s *Shell) editLoop(ctx context.Context, editor []string, path, original string) error {
	for {
		if err := s.program(nil, append(slices.Clone(editor), path)...); err != nil {
			return fault.New(fault.InvalidArgument, "the editor was left with an error, nothing was changed")
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("reading the edited copy: %w", err)
		}
		if string(text) == original {
			s.success("nothing was changed")
			return nil
		}
		known := change.Look(ctx, s.conn)
		generation, err := s.conn.Config().WriteFile(ctx, string(text))
		if err == nil {
			return s.applied(ctx, generation, known, "configuration saved")
		}
		if again := s.editAgain(err); !again {
			return errSaid
		}
	}
}

// editAgain says why a file was refused and asks whether to go on.
func (s *Shell) editAgain(refusal error) bool {
	s.report(refusal, false)
	if fault.CodeOf(refusal) != fault.InvalidConfiguration {
		return false
	}
	again, err := s.agree("Edit again?")
	return err == nil && again
}

// findEditor returns the first editor there is: the person's own, which may
// come with arguments, nano, vi.
func findEditor(own ...string) ([]string, error) {
	for _, line := range append(own, "nano", "vi") {
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		if _, err := exec.LookPath(words[0]); err == nil {
			return words, nil
		} else if !errors.Is(err, exec.ErrNotFound) {
			return nil, fault.New(fault.NotFound, fmt.Sprintf("the editor %s can not be run: %v", words[0], err))
		}
	}
	return nil, fault.Mend(fault.NotFound, "there is no editor", "set EDITOR to one, or use config set")
}
