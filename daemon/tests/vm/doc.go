// Package vm proves on three virtual machines, booted once from the image, what
// only they can show: the image's own services, systemd, and the walkthrough
// through the real login shell. It has no code of its own.
package vm
