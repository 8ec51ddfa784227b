package browser

import "path/filepath"

// Page is a tab with cookies of its own.
type Page struct {
	browser *Browser
	number  int
}

// Visit is a page that was loaded.
type Visit struct {
	URL     string            `json:"url"`    // where it ended, after redirects
	Status  int               `json:"status"` // of HTTP; 0 when the browser does not tell
	Headers map[string]string `json:"headers"`
}

// Open opens an empty page.
func (b *Browser) Open() (*Page, error) {
	b.mu.Lock()
	b.pages++
	p := &Page{b, b.pages}
	b.mu.Unlock()
	return p, p.tell("open", fields{
		"width": b.opts.Width, "height": b.opts.Height, "noScript": b.opts.NoScript, "dark": b.opts.Dark,
	}, nil)
}

// Browser returns the browser the page is of.
func (p *Page) Browser() *Browser { return p.browser }

func (p *Page) tell(do string, with fields, value any) error {
	all := fields{"page": p.number}
	for k, v := range with {
		all[k] = v
	}
	return p.browser.tell(do, all, value)
}

func (p *Page) visit(do string, with fields) (v Visit, err error) {
	err = p.tell(do, with, &v)
	return v, err
}

// Goto loads a URL and waits until all of it is there.
func (p *Page) Goto(url string) (Visit, error) { return p.visit("goto", fields{"url": url}) }

// Reload loads the page again.
func (p *Page) Reload() (Visit, error) { return p.visit("reload", nil) }

// Follow clicks a link or button that leads to another page, and waits for it.
func (p *Page) Follow(selector string) (Visit, error) {
	return p.visit("follow", fields{"selector": selector})
}

// Click clicks the first element of a selector (CSS), which it waits for.
func (p *Page) Click(selector string) error {
	return p.tell("click", fields{"selector": selector}, nil)
}

// Fill replaces what is in an input by typing text.
func (p *Page) Fill(selector, text string) error {
	return p.tell("fill", fields{"selector": selector, "text": text}, nil)
}

// Select chooses the options of these values.
func (p *Page) Select(selector string, values ...string) error {
	return p.tell("select", fields{"selector": selector, "values": values}, nil)
}

// Upload puts files of this machine into an input.
func (p *Page) Upload(selector string, files ...string) error {
	for i, f := range files {
		abs, err := filepath.Abs(f)
		if err != nil {
			return err
		}
		files[i] = abs
	}
	return p.tell("upload", fields{"selector": selector, "files": files}, nil)
}

// WaitFor waits for an element.
func (p *Page) WaitFor(selector string) error {
	return p.tell("wait", fields{"selector": selector}, nil)
}

// WaitText waits until the page shows a text.
func (p *Page) WaitText(text string) error { return p.tell("wait", fields{"text": text}, nil) }

// Press presses a key, such as Tab, Enter or Escape.
func (p *Page) Press(key string) error { return p.tell("press", fields{"key": key}, nil) }

// Viewport sets the size in pixels.
func (p *Page) Viewport(width, height int) error {
	return p.tell("viewport", fields{"width": width, "height": height}, nil)
}

// Scheme sets whether the person prefers dark colours. Firefox takes it at the
// start only: Options.Dark.
func (p *Page) Scheme(dark bool) error { return p.tell("scheme", fields{"dark": dark}, nil) }

// SetCookie gives the page a cookie of its own site.
func (p *Page) SetCookie(name, value string) error {
	return p.tell("setCookie", fields{"cookie": map[string]string{"name": name, "value": value}}, nil)
}

// Screenshot writes a PNG of what is seen, or of the whole page.
func (p *Page) Screenshot(file string, whole bool) error {
	abs, err := filepath.Abs(file)
	if err != nil {
		return err
	}
	return p.tell("screenshot", fields{"file": abs, "full": whole}, nil)
}

// Close closes the page and forgets its cookies.
func (p *Page) Close() error { return p.tell("close", nil, nil) }
