# Sourced by the scripts beside it: what they print, where things are, and how they get the tools they
# need on Debian 12 or 13. Nothing outside the checkout is changed except by installing Debian packages.
# shellcheck shell=bash

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=$root/.build
export root build

# What is built must not depend on who builds it.
umask 022

# say MESSAGE — one line of progress.
say() { printf '==> %s\n' "$*" >&2; }

# fail MESSAGE — ends the script with a sentence.
fail() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

# as_root COMMAND… — runs it as root, through sudo when we are not.
as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		fail "Installing packages needs root: run this as root or install sudo."
	fi
}

# need_packages NAME… — installs the Debian packages that are missing.
need_packages() {
	local package missing=()
	for package in "$@"; do
		dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
	done
	[ ${#missing[@]} -gt 0 ] || return 0
	command -v apt-get >/dev/null || fail "Debian 12 or 13 is needed: apt-get is not here."
	say "Installing ${missing[*]}"
	as_root apt-get -q -o DPkg::Lock::Timeout=600 update >/dev/null ||
		fail "Updating the package lists failed: check the network and /etc/apt."
	as_root env DEBIAN_FRONTEND=noninteractive \
		apt-get -q -y -o DPkg::Lock::Timeout=600 install --no-install-recommends "${missing[@]}" >/dev/null ||
		fail "Installing ${missing[*]} failed: see the lines above."
}

# mirror LABEL — the address of the archive with that label (Debian, Debian-Security) in this machine's
# own apt sources. QUORATE_MIRROR and QUORATE_SECURITY_MIRROR come first.
mirror() {
	local uri
	case $1 in
	Debian) uri=${QUORATE_MIRROR:-} ;;
	*) uri=${QUORATE_SECURITY_MIRROR:-} ;;
	esac
	# shellcheck disable=SC2016  # apt expands these
	[ -n "$uri" ] || uri=$(apt-get indextargets --format '$(ORIGIN)|$(LABEL)|$(REPO_URI)' 'Created-By: Packages' |
		sed -n "s/^Debian|$1|//p" | head -n 1)
	[ -n "$uri" ] || fail "No mirror with the label $1 in the apt sources: run apt-get update, or set QUORATE_MIRROR and QUORATE_SECURITY_MIRROR."
	printf '%s\n' "$uri"
}

# trixie_sources — apt sources of Debian 13, from the mirror of this machine.
trixie_sources() {
	local keyring=/usr/share/keyrings/debian-archive-keyring.gpg
	cat <<-EOF
		Types: deb
		URIs: $(mirror Debian)
		Suites: trixie trixie-updates
		Components: main
		Signed-By: $keyring

		Types: deb
		URIs: $(mirror Debian-Security)
		Suites: trixie-security
		Components: main
		Signed-By: $keyring
	EOF
}

# trixie_apt COMMAND ARGUMENT… — an apt command with a configuration and lists of its own: Debian 13's, signatures
# checked, nothing of this machine's packages touched.
trixie_apt() {
	local command=$1 apt=$build/apt
	shift
	"$command" -q -o "Dir::Etc=$apt/etc" -o "Dir::State=$apt/state" -o "Dir::State::status=$apt/status" \
		-o "Dir::Cache=$apt/cache" -o APT::Architecture=amd64 -o APT::Sandbox::User=root "$@"
}

# trixie_lists — brings the package lists of Debian 13 up to date.
trixie_lists() {
	local apt=$build/apt
	mkdir -p "$apt"/etc/{apt.conf.d,preferences.d,sources.list.d} "$apt"/{state/lists/partial,cache/archives/partial,fetched}
	touch "$apt/status"
	trixie_sources >"$apt/etc/sources.list.d/trixie.sources"
	trixie_apt apt-get update >/dev/null || fail "Reading the Debian 13 package lists of the mirror failed."
}

# trixie_tool DIRECTORY PACKAGE[=VERSION]… — unpacks packages of Debian 13 below the directory without
# installing them.
trixie_tool() {
	local directory=$1 fetched=$build/apt/fetched
	shift
	say "Fetching $* of Debian 13"
	trixie_lists
	rm -f "$fetched"/*.deb
	(cd "$fetched" && trixie_apt apt-get download "$@" >/dev/null) || fail "Fetching $* of Debian 13 failed."
	unpack "$directory" "$fetched"/*.deb
}

# unpack DIRECTORY FILE.deb… — their files below the directory, whole or not at all.
unpack() {
	local directory=$1 package
	shift
	rm -rf "$directory.new"
	mkdir -p "$directory.new"
	for package in "$@"; do
		dpkg-deb -x "$package" "$directory.new"
	done
	rm -rf "$directory"
	mv "$directory.new" "$directory"
}

# need_go — puts a go command on PATH. Any since 1.21 will do: it fetches the version go.mod names.
need_go() {
	PATH=$PATH:/usr/local/go/bin:$build/go/usr/lib/go-1.24/bin
	if command -v go >/dev/null && ! go version | grep -Eq ' go1\.(1?[0-9]|20)(\.| )'; then
		return
	fi
	need_packages ca-certificates debian-archive-keyring
	trixie_tool "$build/go" golang-1.24-go golang-1.24-src
	PATH=$build/go/usr/lib/go-1.24/bin:$PATH
	hash -r
	go version >/dev/null || fail "The go command of Debian 13 does not run here."
}

# need_node — the node and npm commands. Those that are there are used: Debian's npm conflicts with the nodejs
# package of others.
need_node() {
	if command -v node >/dev/null && command -v npm >/dev/null; then
		return
	fi
	need_packages nodejs npm
}

# node_packages FOLDER NAME — the Node packages that the tests in a folder of daemon/tests use, in .build/NAME,
# exactly those of the lock file. No package runs a script of its own.
node_packages() {
	local from=$root/daemon/tests/$1 to=$build/$2
	need_node
	if cmp -s "$from/package-lock.json" "$to/package-lock.json" && [ -d "$to/node_modules" ]; then
		return
	fi
	say "Fetching the Node packages of daemon/tests/$1"
	rm -rf "$to"
	mkdir -p "$to"
	cp "$from/package.json" "$from/package-lock.json" "$to/"
	npm ci --prefix "$to" --cache "$build/npm" --ignore-scripts --no-audit --no-fund --silent || {
		rm -rf "$to"
		fail "Fetching the Node packages failed: check the network and npm config get registry."
	}
}
