package forward

import (
	"strings"
	"testing"
)

// TestXEP0398Avatars: an image that is published is the photo of the vCard for those
// who may see it, and its hash is in the presence of the account's resources: at
// once, for who comes later, and in directed presence.
func TestXEP0398Avatars(t *testing.T) {
	crowd(t, func(t *testing.T, f *fabric) {
		f.befriend(t)
		romeo, juliet, nurse := f.enter("b", "romeo", "r"), f.online("c", "juliet", "j"), f.online("b", "nurse", "n")
		romeo.presence("")
		romeo.out.take()
		juliet.out.take()
		romeo.publish("urn:xmpp:avatar:data", "sha", "<data xmlns='urn:xmpp:avatar:data'>QUJD</data>", "")
		romeo.publish("urn:xmpp:avatar:metadata", "sha", "<metadata xmlns='urn:xmpp:avatar:metadata'><info bytes='3' id='sha' type='image/png'/></metadata>", "")
		const hash = "<x xmlns='vcard-temp:x:update'><photo>sha</photo></x>"
		juliet.got("the new image", "<presence to='juliet@m' from='romeo@m/r'>"+hash+"</presence>")
		romeo.say("<presence from='%s' to='%s'/>", romeo.addr, nurse.addr)
		nurse.got("directed presence", "<presence from='romeo@m/r' to='nurse@m/n'>"+hash+"</presence>")
		f.lead("c") // what the edges report has no hash, what others see has
		late := f.enter("c", "juliet", "late")
		late.presence("")
		if got := strings.Join(late.out.take(), ""); !strings.Contains(got, "from='romeo@meet.example/r'>"+hash) {
			t.Errorf("on becoming available: %s", got)
		}
		for who, want := range map[*client]string{juliet: "<PHOTO><TYPE>image/png</TYPE><BINVAL>QUJD</BINVAL></PHOTO>", nurse: "service-unavailable"} {
			who.out.take()
			who.say("<iq from='%s' to='romeo@meet.example' type='get' id='v'><vCard xmlns='vcard-temp'/></iq>", who.addr)
			if got := who.out.take(); len(got) != 1 || !strings.Contains(got[0], want) {
				t.Errorf("%s sees %q", who.addr, got)
			}
		}
		romeo.publish("urn:xmpp:avatar:metadata", "none", "<metadata xmlns='urn:xmpp:avatar:metadata'/>", "")
		juliet.got("the end of it", "<presence to='juliet@m' from='romeo@m/r'></presence>")
	})
}
