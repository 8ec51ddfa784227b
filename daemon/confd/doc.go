// Package confd is the configuration service behind org.quorate.Config1.
//
// It owns which configuration is in force: it reads the files, checks them by
// the schema, keeps the last good one (also on disk, so that a bad edit before a
// reboot does no harm), writes its own drop-in, numbers what it accepts and
// tells everyone. It hands unit, power and host name requests on to the system's
// own services. It does not apply a setting itself and opens no network socket.
//
// Concurrency: every change runs under one lock from reading the files to
// telling about it; answers come from the accepted configuration, which is
// immutable once published.
package confd
