package health

import (
	"context"
	"fmt"
	"strings"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/fault"
)

// expiryDays is how many days before it ends a certificate in use is told of:
// time enough for an authority that takes weeks.
const expiryDays = 60

// certificateFaults tells what will break by the certificates of the services,
// and which uploads came to nothing. The certificate service judges the services
// itself; one of an older version leaves that to the list of files.
func certificateFaults(ctx context.Context, conn *bus.Conn) []bus.Fault {
	files, err := conn.Certificates().List(ctx)
	if err != nil {
		return []bus.Fault{Fault(err)}
	}
	var faults []bus.Fault
	for _, f := range files {
		faults = append(faults, uploadFaults(f)...)
	}
	checks, err := conn.Certificates().Services(ctx)
	if err == nil && len(checks) > 0 {
		return append(faults, serviceFaults(checks)...)
	}
	for _, f := range files {
		faults = append(faults, expiryFaults(f)...)
	}
	return faults
}

func uploadFaults(f bus.Certificate) []bus.Fault {
	switch f.State {
	case "rejected":
		return []bus.Fault{tell(fault.InvalidArgument, f.File+" was refused: "+f.Reason, "pki remove "+f.File)}
	case "incomplete":
		return []bus.Fault{tell(fault.Incomplete, f.File+" is not whole: "+f.Reason, "upload it again, or pki remove "+f.File)}
	case "waiting":
		what, remedy := apart(f.Reason)
		return []bus.Fault{tell(fault.Incomplete, f.File+" is not taken in: "+what, remedy)}
	}
	return nil
}

// apart splits a reason, which the list shows with what mends it in one.
func apart(reason string) (what, remedy string) {
	if at := strings.LastIndex(reason, "; "); at >= 0 {
		return reason[:at], reason[at+2:]
	}
	return reason, "pki list"
}

func serviceFaults(checks []bus.ServiceCheck) []bus.Fault {
	var faults []bus.Fault
	for _, c := range checks {
		if !c.OK {
			faults = append(faults, bus.Fault{Code: c.Code, Text: c.Text, Remedy: c.Remedy})
		}
	}
	return faults
}

// expiryFaults tells of a file in use that expires.
func expiryFaults(f bus.Certificate) []bus.Fault {
	if f.NotAfter == "" || len(f.UsedBy) == 0 || f.DaysLeft > expiryDays {
		return nil
	}
	text := fmt.Sprintf("%s expires in %d days", f.File, f.DaysLeft)
	if f.DaysLeft < 0 {
		text = f.File + " has expired"
	}
	return []bus.Fault{tell(fault.Expired, text, "upload a renewed certificate under the same name")}
}
