package browser

// Violation is a rule of axe-core that a page breaks.
type Violation struct {
	ID     string `json:"id"`
	Impact string `json:"impact"` // minor, moderate, serious, critical
	Help   string `json:"help"`
	Nodes  []struct {
		Target  string `json:"target"` // a CSS selector
		HTML    string `json:"html"`
		Summary string `json:"summary"`
	} `json:"nodes"`
}

// accessibility are the rules that are checked: WCAG 2.2 at levels A and AA, and
// what axe-core calls good practice.
var accessibility = []string{"wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"}

// Axe returns the rules of accessibility the page breaks, and how many it
// keeps: a check that found nothing to look at keeps none. It needs script.
func (p *Page) Axe() (broken []Violation, kept int, err error) {
	var found struct {
		Passes     int         `json:"passes"`
		Violations []Violation `json:"violations"`
	}
	err = p.tell("axe", fields{"tags": accessibility}, &found)
	return found.Violations, found.Passes, err
}
