package browser

// What a page tells of itself. None of these changes it.

// Focus is the element that has the keyboard; Tag is empty when none has.
type Focus struct {
	Tag      string `json:"tag"`
	ID       string `json:"id"`
	Name     string `json:"name"`
	Text     string `json:"text"`     // what it shows, or its label
	Outlined bool   `json:"outlined"` // one sees that it has the keyboard
}

// Request is one the page made.
type Request struct {
	URL    string `json:"url"`
	Method string `json:"method"`
	Type   string `json:"type"` // document, stylesheet, script, image, font, fetch …; Firefox tells only document
}

// Timing is what the browser measured of the last navigation.
type Timing struct {
	Milliseconds float64 `json:"ms"`          // until everything had loaded
	FirstByte    float64 `json:"firstByteMs"` // until the answer began
	Bytes        int64   `json:"bytes"`       // transferred, headers included
	Requests     int     `json:"requests"`
}

// Cookie is one the page's site has set.
type Cookie struct {
	Name     string  `json:"name"`
	Value    string  `json:"value"`
	Domain   string  `json:"domain"`
	Path     string  `json:"path"`
	Secure   bool    `json:"secure"`
	HTTPOnly bool    `json:"httpOnly"`
	SameSite string  `json:"sameSite"`
	Expires  float64 `json:"expires"` // seconds since 1970; -1 ends with the browser
}

func ask[T any](p *Page, do string, with fields) (value T, err error) {
	err = p.tell(do, with, &value)
	return value, err
}

// Text returns what an element shows.
func (p *Page) Text(selector string) (string, error) {
	return ask[string](p, "text", fields{"selector": selector})
}

// Attribute returns an attribute of an element, "" when it has none.
func (p *Page) Attribute(selector, name string) (string, error) {
	return ask[string](p, "attribute", fields{"selector": selector, "name": name})
}

// Value returns what is in an input; of a checkbox, true or false.
func (p *Page) Value(selector string) (string, error) {
	return ask[string](p, "value", fields{"selector": selector})
}

// Count returns how many elements there are now.
func (p *Page) Count(selector string) (int, error) {
	return ask[int](p, "count", fields{"selector": selector})
}

// Visible says whether the first element is there and seen.
func (p *Page) Visible(selector string) (bool, error) {
	return ask[bool](p, "visible", fields{"selector": selector})
}

// Title returns the page's title.
func (p *Page) Title() (string, error) { return ask[string](p, "title", nil) }

// URL returns the page's address.
func (p *Page) URL() (string, error) { return ask[string](p, "url", nil) }

// HTML returns the page as it is now.
func (p *Page) HTML() (string, error) { return ask[string](p, "html", nil) }

// Focused returns the element that has the keyboard.
func (p *Page) Focused() (Focus, error) { return ask[Focus](p, "focused", nil) }

// Requests returns the requests since the last call.
func (p *Page) Requests() ([]Request, error) { return ask[[]Request](p, "requests", nil) }

// Complaints returns what the browser wrote to its console since the last call:
// errors and warnings, breaches of the content security policy among them.
func (p *Page) Complaints() ([]string, error) { return ask[[]string](p, "complaints", nil) }

// Timing returns what the last navigation took.
func (p *Page) Timing() (Timing, error) { return ask[Timing](p, "timing", nil) }

// Cookies returns the cookies the page's site has set.
func (p *Page) Cookies() ([]Cookie, error) { return ask[[]Cookie](p, "cookies", nil) }

// Evaluate runs an expression in the page and puts what it gives into value.
func (p *Page) Evaluate(script string, value any) error {
	return p.tell("evaluate", fields{"script": script}, value)
}
