package layout

import (
	"fmt"
	"time"
)

// Span returns a length of time in the two largest units that matter: "1 h 5 m".
func Span(d time.Duration) string {
	d = max(d, 0)
	switch days, hours, minutes := int(d.Hours())/24, int(d.Hours())%24, int(d.Minutes())%60; {
	case days > 0:
		return fmt.Sprintf("%d d %d h", days, hours)
	case hours > 0:
		return fmt.Sprintf("%d h %d m", hours, minutes)
	case minutes > 0:
		return fmt.Sprintf("%d m", minutes)
	}
	return fmt.Sprintf("%d s", int(d.Seconds()))
}
