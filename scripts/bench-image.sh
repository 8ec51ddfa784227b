# Sourced by scripts/bench: a plain Debian image with prosody, for comparison.
# shellcheck shell=bash
: "${root:?}" "${build:?}"

plain=$build/bench/plain
ssh_port=28022 xmpp_port=28222 machine='' kernel=''

# Debian's base system and its usual network, its own kernel and initrd, prosody and sshd.
plain_packages=(adduser apt dbus debconf-i18n dhcpcd-base dmidecode e2fsprogs fdisk ifupdown init
	initramfs-tools iproute2 iputils-ping kmod less linux-image-amd64 logrotate nano netbase nftables
	openssh-server procps prosody readline-common sensible-utils ssl-cert systemd-timesyncd tzdata udev vim-tiny
	whiptail)

# plain_conf — what a person would get: Debian's base system, its own kernel and initrd, a text console, prosody and sshd.
plain_conf() {
	cat <<-EOF
		[Distribution]
		Distribution=debian
		Release=trixie
		[Output]
		Format=directory
		Output=plain
		OutputDirectory=$build/bench
		[Content]
		Bootable=no
		WithRecommends=yes
		Packages=$(printf '%s\n         ' "${plain_packages[@]}")
		ExtraTrees=$build/bench/tree
		PostInstallationScripts=$build/bench/initrd.chroot
		[Build]
		CacheDirectory=$build/bench/cache
		PackageCacheDirectory=$build/bench/packages
		WorkspaceDirectory=$build/bench/work
		SandboxTrees=$build/bench/sandbox
		ToolsTree=$build/image/tools
		History=no
	EOF
}

# plain_files — what its installer or its owner would have written: the disk, the network, the domain and a key.
plain_files() {
	local tree=$build/bench/tree
	install -d "$tree"/etc/{network/interfaces.d,prosody/conf.d} "$build"/bench/sandbox/etc/apt/sources.list.d
	install -d -m 0700 "$tree"/root/.ssh
	cp "$build/bench/key.pub" "$tree/root/.ssh/authorized_keys"
	echo '/dev/vda / ext4 errors=remount-ro 0 1' >"$tree/etc/fstab"
	echo plain >"$tree/etc/hostname"
	printf '%s\n' 'auto lo enp0s8' 'iface lo inet loopback' 'iface enp0s8 inet dhcp' >"$tree/etc/network/interfaces"
	# The certificate is the one that ssl-cert makes when it is installed.
	printf '%s\n' 'VirtualHost "bench.example"' '    ssl = { key = "/etc/ssl/private/ssl-cert-snakeoil.key"; certificate = "/etc/ssl/certs/ssl-cert-snakeoil.pem" }' \
		>"$tree/etc/prosody/conf.d/bench.cfg.lua"
	trixie_sources >"$build/bench/sandbox/etc/apt/sources.list.d/mkosi.sources"
	# mkosi tells Debian's kernel package to make no initrd.
	printf '%s\n' '#!/bin/sh' 'set -e' 'usermod -a -G ssl-cert prosody' 'systemctl enable ssh.service prosody.service networking.service' \
		'env -u INITRD update-initramfs -c -k all' >"$build/bench/initrd.chroot"
	chmod +x "$build/bench/initrd.chroot"
}

# plain_image — builds it; .build/bench/plain.raw has the file system, for direct kernel boot.
plain_image() {
	say "Building a plain Debian image with prosody"
	[ -d "$build/image/tools" ] || "$root/scripts/image"
	rm -rf "$build"/bench/{tree,conf}
	mkdir -p "$build"/bench/{conf,cache,packages,work}
	plain_files
	plain_conf >"$build/bench/conf/mkosi.conf"
	(cd "$build/bench/conf" && env PYTHONPATH="$build/mkosi/usr/lib/python3/dist-packages" /usr/bin/python3 -B -m mkosi --force build) \
		>"$build/bench/plain.log" 2>&1 || fail "The plain image could not be built: see .build/bench/plain.log."
	cp "$plain"/boot/vmlinuz-* "$plain.vmlinuz"
	cp "$plain"/boot/initrd.img-* "$plain.initrd"
	echo 'root=/dev/vda rw console=tty0 console=ttyS0,115200 quiet' >"$plain.cmdline"
	truncate -s 4G "$plain.raw.new"
	mke2fs -q -t ext4 -d "$plain" "$plain.raw.new"
	qemu-img convert -f raw -O qcow2 -c -o compression_type=zstd "$plain.raw.new" "$plain.qcow2"
	mv "$plain.raw.new" "$plain.raw"
	rm -rf "$plain"
}

# rebuilt — seconds that scripts/image takes after a change in Go: a file of package service is put in, and taken out
# again for the build that counts, which leaves the image as the tree has it.
rebuilt() {
	local change=$root/daemon/service/bench_change.go began
	# shellcheck disable=SC2064 # of now
	trap "rm -f '$change'" EXIT
	printf '%s\n' 'package service' 'func init() { if Version == "'"$RANDOM"'" { Version = "" } }' >"$change"
	"$root/scripts/image" >"$build/bench/image.log" 2>&1 || fail "The image was not built: see .build/bench/image.log."
	rm "$change"
	began=$EPOCHREALTIME
	"$root/scripts/image" >"$build/bench/image.log" 2>&1 || fail "The image was not built: see .build/bench/image.log."
	since "$began"
}

# since TIME — seconds, with a tenth.
since() { awk -v from="$1" -v to="$EPOCHREALTIME" 'BEGIN { printf "%.1f", to - from }'; }

plain_disk() {
	cp --sparse=always "$plain.raw" "$build/bench/disk.raw"
	kernel=$plain
}

our_disk() {
	cp --sparse=always "$build/image/quorate.raw" "$build/bench/disk.raw"
	kernel=$build/image/quorate
}

# plain_set_up, our_set_up — what an owner does once, on the first start. The plain image's files say all of it.
plain_set_up() { remote root true; }

our_set_up() {
	local line
	for line in 'pki selfsigned xmpp CN:bench.example' 'xmpp domain bench.example' 'xmpp certs xmpp.key xmpp.cer' \
		'xmpp listen a' 'xmpp enable'; do
		remote admin "$line" >/dev/null || fail "The node refused: $line"
	done
}

# machine_on — starts a machine with the disk: the same processor, memory and devices for both images.
machine_on() {
	local key accelerator=(-accel "tcg,tb-size=256" -cpu "max,la57=off")
	key=$(base64 -w 0 "$build/bench/key.pub")
	if [ -w /dev/kvm ] && grep -qwE 'vmx|svm' /proc/cpuinfo; then accelerator=(-accel kvm -cpu host); fi
	# shellcheck disable=SC2054 # commas belong to QEMU's own syntax
	qemu-system-x86_64 -machine q35 "${accelerator[@]}" -smp 1 -m 512 -nodefaults -no-user-config -display none -no-reboot \
		-serial "file:$build/bench/serial.log" -device virtio-rng-pci \
		-drive "if=virtio,format=raw,cache=unsafe,file=$build/bench/disk.raw" \
		-netdev "user,id=lan,hostfwd=tcp:127.0.0.1:$ssh_port-:22,hostfwd=tcp:127.0.0.1:$xmpp_port-:5222" -device virtio-net-pci,netdev=lan,addr=8 \
		-kernel "$kernel.vmlinuz" -initrd "$kernel.initrd" -append "$(tr -d '\0' <"$kernel.cmdline")" \
		-smbios "type=11,value=io.systemd.credential.binary:quorate.admin.authorized_keys=$key" \
		-smbios "type=11,value=io.systemd.credential.binary:ssh.authorized_keys.root=$key" &
	machine=$!
}

# machine_off — cuts the power of the machine that is on, if there is one.
machine_off() {
	[ -n "${machine:-}" ] || return 0
	kill "$machine" 2>/dev/null || true
	wait "$machine" || true
	machine=''
}

# answers PORT TEXT — waits until the machine's port says something to the text.
answers() {
	local began=$SECONDS
	until { exec 9<>"/dev/tcp/127.0.0.1/$1" && printf '%s' "$2" >&9 && read -r -t 4 -N 1 -u 9; } 2>/dev/null; do
		exec 9>&-
		kill -0 "$machine" 2>/dev/null || fail "The machine ended: see .build/bench/serial.log."
		[ $((SECONDS - began)) -lt 400 ] || fail "Port $1 does not answer: see .build/bench/serial.log."
		sleep 0.1
	done
	exec 9>&-
}

# remote USER COMMAND — over SSH; a new disk has a new host key.
remote() {
	ssh -q -i "$build/bench/key" -p "$ssh_port" -o UserKnownHostsFile=/dev/null -o StrictHostKeyChecking=no \
		-o BatchMode=yes "$1@127.0.0.1" "$2" </dev/null
}

# shellcheck disable=SC2016 # of the machine
used='awk "/^MemTotal/ { t = \$2 } /^MemAvailable/ { a = \$2 } END { printf \"%d\", (t - a) / 1024 }" /proc/meminfo'

# idle_memory — MiB used, once two looks five seconds apart find the same.
idle_memory() {
	local before=0 now
	remote root 'systemctl is-system-running --wait' >/dev/null || true
	now=$(remote root "$used")
	while [ $((now - before)) -gt 1 ] || [ $((before - now)) -gt 1 ]; do
		sleep 5
		before=$now now=$(remote root "$used")
	done
	echo "$now"
}

declare -A seconds memory installed
over='' # a row is

# measure NAME DISK SET_UP — sets a machine up, and measures its next start.
measure() {
	local name=$1 began
	say "Setting up the machine: $name"
	"$2"
	machine_on
	answers "$ssh_port" ''
	"$3"
	remote root 'systemctl poweroff' || true
	wait "$machine" || true
	say "Starting it again"
	machine_on
	began=$EPOCHREALTIME
	answers "$xmpp_port" "<?xml version='1.0'?><stream:stream to='bench.example' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"
	seconds[$name]=$(since "$began")
	answers "$ssh_port" ''
	memory[$name]=$(idle_memory)
	installed[$name]=$(remote root 'du -s --apparent-size -B 1 /usr | cut -f 1')
	machine_off
}

# mib FILE — its size.
mib() { awk -v b="$(stat -c %s "$1")" 'BEGIN { printf "%.1f", b / 1048576 }'; }

# row WHAT OURS PLAIN LIMIT — a line of the table; the limit is absolute, or a ratio to the plain image when it begins with x.
row() {
	awk -v what="$1" -v ours="$2" -v plain="$3" -v limit="$4" 'BEGIN {
		relative = sub(/^x/, "", limit)
		of = relative ? plain * limit : limit
		printf "%-34s %8.1f %8s %8s %9s %6.2f  %s\n", what, ours, plain, (plain + 0 ? sprintf("%.2f", ours / plain) : "-"),
			(relative ? "x " : "") limit, ours / of, (ours <= of ? "OK" : "OVER")
		exit ours > of
	}' || over=yes
}

# report REBUILD — the table.
report() {
	printf '%-34s %8s %8s %8s %9s %6s\n' '' ours plain ratio budget used
	row 'compressed, qcow2, MiB' "$(mib "$build/image/quorate.qcow2")" "$(mib "$plain.qcow2")" 110
	row 'compressed, VMDK, MiB' "$(mib "$build/image/quorate.vmdk")" - 110
	row 'installed /usr, MiB' "$(awk -v b="${installed[ours]}" 'BEGIN { printf "%.1f", b / 1048576 }')" \
		"$(awk -v b="${installed[plain]}" 'BEGIN { printf "%.1f", b / 1048576 }')" 260
	row 'memory used when idle, MiB' "${memory[ours]}" "${memory[plain]}" 160
	row 'power-on to XMPP answering, s' "${seconds[ours]}" "${seconds[plain]}" x0.7
	row 'rebuild after a Go change, s' "$1" - 60
	[ -z "$over" ] || fail "Over the budget: see the table."
}
