// Package keymap knows the layouts of a PC's keyboards that the system has. It
// loads none: quorate-keyboard.service does. Everything is safe for concurrent
// use.
package keymap
