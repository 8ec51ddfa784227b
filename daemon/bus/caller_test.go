package bus

import "testing"

func TestRoles(t *testing.T) {
	tests := []struct {
		uid                 uint32
		user                string
		groups              []string
		want                Role
		read, change, opens bool
	}{
		{0, "root", nil, Root, true, true, true},
		{4001, "admin", []string{"users", "quorate-admin"}, Admin, true, true, false},
		{4002, "quorate-xmpp", []string{"quorate-operator"}, Service, true, false, true},
		{4003, "op", []string{"quorate-operator"}, Operator, true, false, false},
		{4004, "eve", []string{"quorate-administrators"}, None, false, false, false},
	}
	for _, tt := range tests {
		t.Run(tt.user, func(t *testing.T) {
			got := roleOf(tt.uid, tt.user, tt.groups)
			if got != tt.want {
				t.Fatalf("role %s, want %s", got, tt.want)
			}
			if r, c, o := got.may(accessRead), got.may(accessChange), got.may(accessService); r != tt.read || c != tt.change || o != tt.opens {
				t.Errorf("may read %t change %t open keys %t", r, c, o)
			}
		})
	}
}

// Every method of every interface is described, and what is not marked as a
// read needs an administrator.
func TestDescriptions(t *testing.T) {
	for _, s := range []service{xmppService, configService, certService} {
		rule, err := loadInterface(s.name)
		if err != nil {
			t.Fatal(err)
		}
		if rule.name != s.name || len(rule.methods) == 0 {
			t.Errorf("%s: empty description", s.name)
		}
	}
	rule, _ := loadInterface(XmppName)
	if m := rule.methods["CallBridgeAddSecret"]; m.in != "ss" || m.access != accessChange || !m.secret[1] || m.secret[0] {
		t.Errorf("CallBridgeAddSecret: %+v", m)
	}
	if m := ruleOf(xmlMethod{Name: "New"}); m.access != accessChange || !m.journal {
		t.Errorf("a method without a rule is %s", m.access)
	}
}
