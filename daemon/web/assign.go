package web

import (
	"context"
	"strings"

	"quorate.org/daemon/fault"
)

// certificateFields are the fields of a form that assigns certificates.
var certificateFields = []string{"key", "certificate", "bundle"}

// setXmppCertificates does what `xmpp certs` does: it checks the three together
// and for the domain before they are set. All empty means none any more.
func setXmppCertificates(ctx context.Context, v *visit) (string, error) {
	status, err := v.session.bus.Xmpp().Status(ctx)
	if err != nil && fault.CodeOf(err) != fault.Unavailable {
		return "", err
	}
	if v.text("key") == "" && v.text("certificate") == "" && v.text("bundle") == "" {
		if err := mayBeWithout(status.Enabled, status.Clustered && status.State != "NOT JOINED"); err != nil {
			return "", err
		}
		return v.set(ctx, v.certificateSettings("xmpp"), "the XMPP service uses no certificate any more")
	}
	warnings, err := v.checked(ctx, status.Domain)
	if err != nil {
		return "", err
	}
	return v.set(ctx, v.certificateSettings("xmpp"), "key and certificate pair match; XMPP certificate set"+warnings)
}

func mayBeWithout(enabled, member bool) error {
	if enabled {
		return fault.Mend(fault.WrongState, "the XMPP service is enabled and needs its certificate", "disable the XMPP service first")
	}
	if member {
		return fault.Mend(fault.WrongState, "the nodes of a cluster know each other by their certificates",
			"choose another certificate, or leave the cluster first")
	}
	return nil
}

// setWebCertificates assigns Web Admin's own. All empty means the one that it
// makes itself.
func setWebCertificates(ctx context.Context, v *visit) (string, error) {
	warnings := ""
	if v.text("key") != "" || v.text("certificate") != "" || v.text("bundle") != "" {
		var err error
		if warnings, err = v.checked(ctx, ""); err != nil {
			return "", err
		}
	}
	if changed, err := v.store(ctx, v.certificateSettings("web")); err != nil || !changed {
		return "nothing to change: Web Admin uses these already", err
	}
	return "Web Admin certificate set; your browser meets it with its next connection" + warnings, nil
}

// checked asks the certificate service about the three files of the form and
// returns its warnings as the end of a notice.
func (v *visit) checked(ctx context.Context, domain string) (warnings string, err error) {
	v.required("key", "choose the private key")
	v.required("certificate", "choose the certificate that belongs to the key")
	if err := v.refusal(); err != nil {
		return "", err
	}
	list, err := v.session.bus.Certificates().Check(ctx, v.text("key"), v.text("certificate"), v.text("bundle"), domain)
	if err != nil {
		return "", v.certificateFault(err)
	}
	return warned(list), nil
}

// certificateFault shows a refusal at the file that is at fault.
func (v *visit) certificateFault(err error) error {
	name := "certificate"
	switch fault.CodeOf(err) {
	case fault.KeyMismatch, fault.WeakKey:
		name = "key"
	case fault.Incomplete:
		name = "bundle"
	case fault.Unavailable, fault.Timeout, fault.NotPermitted, fault.Internal:
		return err
	}
	v.blame(name, asFault(err).Message)
	return err
}

func warned(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return ".\nWarning: " + strings.Join(list, ".\nWarning: ")
}

// certificateSettings are the three files of the form as settings of a section.
func (v *visit) certificateSettings(section string) map[string]any {
	out := map[string]any{}
	for _, name := range certificateFields {
		out[section+"."+name] = v.text(name)
	}
	return out
}

// setClusterTrust does what `xmpp cluster trust` does.
func setClusterTrust(ctx context.Context, v *visit) (string, error) {
	file := v.required("trust", "choose the certificates of the other nodes, or the CA that signs them")
	if err := v.refusal(); err != nil {
		return "", err
	}
	warnings, err := v.session.bus.Certificates().CheckTrust(ctx, file)
	if err != nil {
		return "", v.about("trust", err)
	}
	return v.set(ctx, map[string]any{"cluster.trust": file}, "cluster trust set to "+file+warned(warnings))
}

// setBridgeTrust sets whom the Call Bridge trusts; empty means the public
// authorities beside the XMPP bundle and the cluster's trust.
func setBridgeTrust(ctx context.Context, v *visit) (string, error) {
	file := v.text("trust")
	changed, err := v.store(ctx, map[string]any{"callbridge.trust": file})
	switch {
	case err != nil:
		return "", v.about("trust", err)
	case !changed:
		return "nothing to change: the Call Bridge uses this already", nil
	case file == "":
		return "the Call Bridge uses no trust file of its own any more", nil
	}
	return "the Call Bridge trusts " + file, nil
}
