# Sourced by scripts/bench: Debian's prosody and ejabberd with the same load as three nodes of ours.
# shellcheck shell=bash
: "${root:?}" "${build:?}"

# others — installs them; their services are not started for it, and stay as they are where they were installed before.
others() {
	local it fresh=()
	for it in prosody ejabberd; do
		dpkg-query -W -f '${db:Status-Status}' "$it" 2>/dev/null | grep -qx installed || fresh+=("$it")
	done
	need_packages prosody ejabberd
	[ ${#fresh[@]} = 0 ] || systemctl --quiet disable --now "${fresh[@]/%/.service}" 2>/dev/null ||
		systemctl --quiet disable "${fresh[@]/%/.service}" # where systemd does not run there is nothing to stop
}

# prosody_conf FOLDER — Debian's modules but for those of HTTP, other servers and registration, and no limit of the rate.
prosody_conf() {
	cat <<-EOF
		run_as_root = true
		data_path = "$1/prosody"
		pidfile = "$1/prosody.pid"
		log = { warn = "$1/prosody.log" }
		modules_enabled = {
			"disco", "roster", "saslauth", "tls", "blocklist", "bookmarks", "carbons", "pep", "private", "smacks", "vcard4",
			"vcard_legacy", "csi_simple", "ping", "time", "uptime", "version", "posix"
		}
		modules_disabled = { "s2s" }
		authentication = "internal_hashed"
		password_hash = "SHA-256"
		c2s_require_encryption = true
		c2s_timeout = 120
		c2s_ports = { 5222 }
		network_settings = { tcp_backlog = 4096 }
		VirtualHost "meet.example"
			ssl = { certificate = "$1/xmpp.pem", key = "$1/xmpp.pem" }
	EOF
}

# ejabberd_conf FOLDER — likewise; commands are taken from the lab.
ejabberd_conf() {
	cat <<-EOF
		hosts: [meet.example]
		loglevel: warning
		certfiles: ["$1/xmpp.pem"]
		ca_file: "$1/xmpp.pem"
		listen:
		  - {port: 5222, ip: "0.0.0.0", module: ejabberd_c2s, starttls_required: true, backlog: 4096, max_stanza_size: 262144, access: c2s}
		  - {port: 5280, ip: "0.0.0.0", module: ejabberd_http, request_handlers: {/api: mod_http_api}}
		auth_method: internal
		auth_password_format: scram
		auth_scram_hash: sha256
		negotiation_timeout: 120
		acl:
		  local: {user_regexp: ""}
		access_rules:
		  c2s: {allow: all}
		  local: {allow: local}
		api_permissions:
		  lab: {from: [mod_http_api], who: [{ip: 10.77.0.0/24}], what: "*"}
		shaper_rules:
		  max_user_sessions: 10
		  max_user_offline_messages: 100
		modules:
		  mod_adhoc: {}
		  mod_avatar: {}
		  mod_blocking: {}
		  mod_caps: {}
		  mod_carboncopy: {}
		  mod_client_state: {}
		  mod_disco: {}
		  mod_http_api: {}
		  mod_last: {}
		  mod_offline: {access_max_user_messages: max_user_offline_messages}
		  mod_ping: {}
		  mod_privacy: {}
		  mod_private: {}
		  mod_pubsub: {plugins: [flat, pep]}
		  mod_push: {}
		  mod_push_keepalive: {}
		  mod_roster: {versioning: true}
		  mod_stream_mgmt: {resend_on_timeout: if_offline}
		  mod_vcard: {}
		  mod_vcard_xupdate: {}
		  mod_version: {}
	EOF
}

# others_folder — a folder with their configurations that ejabberd, which runs as its own user, can read.
others_folder() {
	local folder it
	folder=$(TMPDIR=/tmp mktemp -d)
	chmod 755 "$folder"
	prosody_conf "$folder" >"$folder/prosody.cfg.lua"
	ejabberd_conf "$folder" >"$folder/ejabberd.yml"
	printf 'EJABBERD_PID_PATH=\n' >"$folder/ejabberdctl.cfg"
	mkdir "$folder"/{prosody,certs} # prosody looks for certificates of other names
	for it in cb1 cb2; do
		install -d -o ejabberd "$folder/ejabberd-$it"
	done
	echo "$folder"
}

declare -A number
over='' # a row is

# judged WHAT KEY SCALE LIMIT — a line of the table. The limit is "<= number" or ">= number"; the ratio is to ejabberd.
judged() {
	awk -v what="$1" -v ours="${number[$2 ours]}" -v prosody="${number[$2 prosody]}" -v ejabberd="${number[$2 ejabberd]}" \
		-v format="%.$3f" -v limit="$4" 'BEGIN {
		split(limit, part, " ")
		ok = part[1] == "<=" ? ours + 0 <= part[2] + 0 : ours + 0 >= part[2] + 0
		printf "%-42s %9s %9s %9s %7s %11s  %s\n", what, sprintf(format, ours), sprintf(format, prosody), sprintf(format, ejabberd),
			(ejabberd + 0 ? sprintf("%.2f", ours / ejabberd) : "-"), part[1] " " sprintf(format, part[2]), (ok ? "OK" : "OVER")
		exit !ok
	}' || over=yes
}

# times FACTOR NUMBER — their product.
times() { awk -v a="$1" -v b="$2" 'BEGIN { print a * b }'; }

# xmpp_report FILE — the table.
xmpp_report() {
	local key of value
	while read -r key of value; do
		number["$key $of"]=$value
	done <"$1"
	printf '%-42s %9s %9s %9s %7s %11s\n' '' ours prosody ejabberd ratio budget
	judged "idle TLS client of $QUORATE_BENCH_CLIENTS, KiB" idle 1 '<= 25'
	judged "errors of $QUORATE_BENCH_SIGNINS sign-ins at once" errors 0 '<= 0'
	judged 'sign-ins/s' signins 0 ">= $(times 0.7 "${number[signins bare]}")"
	judged 'client to client, server CPU, us' cpu 1 '<= 33'
	judged 'client to client, window 64, messages/s' rate 0 ">= $(times 2 "${number[rate ejabberd]}")"
	judged 'round trip, one in flight, p50, ms' p50 2 '<= 0.63'
	judged 'round trip, one in flight, p99, ms' p99 2 '<= 1.0'
	printf 'Bare TLS 1.3 handshakes/s with the same certificate: %.0f. Client to client: ours and ejabberd between two nodes, prosody on its one.\n' \
		"${number[signins bare]}"
}

# compare — the three servers, one after the other, and the table.
compare() {
	export QUORATE_BENCH QUORATE_BENCH_CLIENTS=${QUORATE_BENCH_CLIENTS:-5000} QUORATE_BENCH_SIGNINS=${QUORATE_BENCH_SIGNINS:-2000} \
		QUORATE_BENCH_MESSAGES=${QUORATE_BENCH_MESSAGES:-100000}
	need_go
	others
	QUORATE_BENCH=$(others_folder)
	# shellcheck disable=SC2064 # of now
	trap "rm -rf '$QUORATE_BENCH'" EXIT
	ulimit -n "$(ulimit -Hn)"
	say "Measuring ours, prosody and ejabberd with $QUORATE_BENCH_CLIENTS clients"
	mkdir -p "$build/bench"
	(cd "$root" && go test -v -count=1 -timeout 1h ./daemon/tests/bench) >"$build/bench/xmpp.log" 2>&1 ||
		fail "The comparison did not end well: see .build/bench/xmpp.log."
	xmpp_report "$QUORATE_BENCH/numbers"
	[ -z "$over" ] || fail "Over the budget: see the table."
}
