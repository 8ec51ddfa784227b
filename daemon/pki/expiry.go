package pki

import "time"

// WarnDays are the days before expiry at which a certificate is warned about.
var WarnDays = []int{60, 30, 14, 7, 1}

const day = 24 * time.Hour

// ExpiryMark returns the last of WarnDays that has been passed at now, 0 once
// the certificate has expired, and false while none has been passed.
func ExpiryMark(notAfter, now time.Time) (days int, passed bool) {
	if !now.Before(notAfter) {
		return 0, true
	}
	for _, d := range WarnDays {
		if !now.Before(notAfter.Add(-time.Duration(d) * day)) {
			days, passed = d, true
		}
	}
	return days, passed
}

// NextMark returns when ExpiryMark will next change, and false if it will not.
func NextMark(notAfter, now time.Time) (time.Time, bool) {
	for _, d := range append(append([]int(nil), WarnDays...), 0) {
		if at := notAfter.Add(-time.Duration(d) * day); at.After(now) {
			return at, true
		}
	}
	return time.Time{}, false
}
