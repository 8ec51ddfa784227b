package layout

import "quorate.org/daemon/bus"

// CheckedBridges is a line per member and call bridge.
func CheckedBridges(list []bus.CheckedBridge) string {
	rows := make([][]string, len(list))
	for i, c := range list {
		result := "same"
		if !c.OK {
			result = withRemedy(c.Text, c.Remedy)
		}
		rows[i] = []string{c.Node, c.Bridge, c.Digest, result}
	}
	return Table([]string{"NODE", "CALLBRIDGE", "DIGEST", "RESULT"}, rows)
}
