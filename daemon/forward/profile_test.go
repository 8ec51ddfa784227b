package forward

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// items lists the ids of what a node has, as somebody sees it.
func (c *client) items(of, node string) (ids []string) {
	c.f.t.Helper()
	c.out.take()
	c.pubsub("get", of, "<items node='"+node+"'/>")
	for _, raw := range c.out.take() {
		for _, m := range regexp.MustCompile(`<item id='([^']*)'`).FindAllStringSubmatch(raw, -1) {
			ids = append(ids, m[1])
		}
		if strings.Contains(raw, "type='error'") {
			ids = append(ids, regexp.MustCompile(`<error type='[a-z]*'><([a-z-]*)`).FindStringSubmatch(raw)[1])
		}
	}
	return ids
}

// TestM5_1_Profiles: what others have specified on top of personal events does as
// they say, by the options that their clients publish with.
func TestM5_1_Profiles(t *testing.T) {
	crowd(t, func(t *testing.T, f *fabric) {
		f.befriend(t)
		romeo, again := f.enter("b", "romeo", "r"), f.enter("c", "romeo", "again")
		juliet, nurse := f.enter("c", "juliet", "j"), f.enter("b", "nurse", "n")
		const metadata, devices, bundles, marks = "urn:xmpp:avatar:metadata", "urn:xmpp:omemo:2:devices", "urn:xmpp:omemo:2:bundles", "urn:xmpp:bookmarks:1"
		for _, c := range []*client{again, juliet} {
			c.wanting(metadata, devices, marks)
			c.events()
		}
		expect := func(what string, got []string, want ...string) {
			if !slices.Equal(got, want) {
				t.Errorf("%s: %q, want %q", what, got, want)
			}
		}
		// XEP-0084 §4: data first, then what all are told; contacts fetch the data.
		romeo.publish("urn:xmpp:avatar:data", "sha", "<data xmlns='urn:xmpp:avatar:data'>"+strings.Repeat("A", 100_000)+"</data>", "")
		romeo.publish(metadata, "sha", "<metadata xmlns='urn:xmpp:avatar:metadata'><info bytes='75000' id='sha' type='image/png'/></metadata>", "")
		juliet.heard("the avatar", metadata+" sha")
		expect("the image", juliet.items("romeo", "urn:xmpp:avatar:data"), "sha")
		expect("the image, for a stranger", nurse.items("romeo", "urn:xmpp:avatar:data"), "not-authorized")
		// XEP-0384 §5.3.2, §5.3.3: open to all, a bundle for each device.
		romeo.publish(devices, "current", "<devices xmlns='urn:xmpp:omemo:2'><device id='1'/><device id='2'/></devices>", options("access_model", "open"))
		for _, device := range []string{"1", "2", "3"} {
			romeo.publish(bundles, device, "<bundle xmlns='urn:xmpp:omemo:2'/>", options("max_items", "max", "access_model", "open"))
		}
		juliet.heard("the devices", devices+" current")
		expect("bundles, for a stranger", nurse.items("romeo", bundles), "1", "2", "3")
		expect("devices, for a stranger", nurse.items("romeo", devices), "current")
		// XEP-0402 §3: one item per room, for the account alone, and its resources hear of them.
		again.events()
		for i := range 30 {
			romeo.publish(marks, fmt.Sprintf("room%d@muc.example", i), "<conference xmlns='urn:xmpp:bookmarks:1' autojoin='true'/>",
				options("persist_items", "true", "max_items", "max", "send_last_published_item", "never", "access_model", "whitelist"))
		}
		romeo.pubsub("set", "romeo", "<retract node='"+marks+"' notify='true'><item id='room0@muc.example'/></retract>")
		if list := again.events(); len(list) != 31 || list[30] != marks+" -room0@muc.example" {
			t.Errorf("of bookmarks the other resource heard %q", list)
		}
		if got := romeo.items("romeo", marks); len(got) != 29 || got[0] != "room1@muc.example" {
			t.Errorf("%d bookmarks: %q", len(got), got)
		}
		expect("bookmarks, for a contact", juliet.items("romeo", marks), "not-allowed")
		juliet.heard("bookmarks")
		late := f.enter("c", "romeo", "late")
		late.wanting(marks, metadata, devices)
		late.heard("becoming available: no bookmark", metadata+" sha", devices+" current")
	})
}
