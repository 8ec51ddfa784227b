// Package timezone knows what a time zone may be called. It knows none and sets
// none: systemd-timedated does. Everything is safe for concurrent use.
package timezone
