package lab

import (
	"context"
	"syscall"
)

type vm struct{ *Node }

func newVM(n *Node) *vm { return &vm{n} }

func (m *vm) prepare(ctx context.Context) error                                   { return nil }
func (m *vm) powerOn(ctx context.Context) error                                   { return nil }
func (m *vm) powerOff(ctx context.Context) error                                  { return nil }
func (m *vm) signal(ctx context.Context, daemon string, sig syscall.Signal) error { return nil }
func (m *vm) revive(ctx context.Context, daemon string) error                     { return nil }
func (m *vm) wipe(ctx context.Context) error                                      { return nil }
func (m *vm) readdress(ctx context.Context) error                                 { return nil }
func (m *vm) freeze(stop bool) error                                              { return nil }
func (m *vm) sshUser() string                                                     { return "admin" }
func (m *vm) destroy(ctx context.Context) error                                   { return nil }
