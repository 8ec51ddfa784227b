# Sourced by the scripts that make a disk, after prerequisites.sh: mkosi, and the raw disk in the formats of
# hypervisors. The same disk gives the same bytes.
# shellcheck shell=bash
: "${root:?}" "${build:?}"

# run_mkosi ARGUMENT… — mkosi 25 of Debian 13; /usr/bin/python3 because a version manager may shadow it.
run_mkosi() {
	(cd "$root" && env PYTHONPATH="$build/mkosi/usr/lib/python3/dist-packages" \
		/usr/bin/python3 -B -m mkosi "$@")
}

# formats DIRECTORY — quorate.raw there as qcow2, VMDK and OVA.
formats() {
	convert "$1" qcow2 qcow2 -c -o compression_type=zstd
	convert "$1" vmdk vmdk -o subformat=streamOptimized,adapter_type=lsilogic
	identify "$1" || fail "The disk for VMware could not be given its content ID."
	ova "$1"
}

# convert DIRECTORY FORMAT SUFFIX OPTION… — the raw disk in another format, whole or not at all.
convert() {
	local disk=$1/quorate format=$2 suffix=$3
	shift 3
	say "Converting to $suffix"
	qemu-img convert -m 4 -f raw -O "$format" "$@" "$disk.raw" "$disk.$suffix.new"
	mv "$disk.$suffix.new" "$disk.$suffix"
}

# identify DIRECTORY — in the descriptor inside the VMDK, the checksum of all that is behind it takes the place of the
# content ID that qemu-img draws by lot, and the file's name that of its working name. (VMware's Virtual Disk Format 5.0:
# the header holds the descriptor's place and length in sectors.)
identify() {
	python3 - "$1/quorate.vmdk" <<-'END'
		import hashlib, re, struct, sys
		with open(sys.argv[1], "r+b") as file:
		    at, length = (512 * n for n in struct.unpack_from("<QQ", file.read(512), 28))
		    file.seek(at)
		    text = file.read(length).rstrip(b"\0").replace(b".vmdk.new", b".vmdk")
		    content = hashlib.file_digest(file, "sha256").hexdigest()[:8].encode()
		    text, found = re.subn(rb"(?m)^CID=[0-9a-f]+$", b"CID=" + content, text)
		    if found != 1 or len(text) > length:
		        sys.exit(sys.argv[1] + " has no descriptor with a content ID.")
		    file.seek(at)
		    file.write(text.ljust(length, b"\0"))
	END
}

# setting KEY — what mkosi.conf says of it.
setting() { sed -n "s/^$1=//p" "$root/mkosi.conf"; }

# ova DIRECTORY — the disk for VMware and the description of its machine as one file (DSP0243 §5.4: the description first).
ova() {
	say "Writing the OVA"
	(
		cd "$1" || exit
		sed "s/@SIZE@/$(stat -c %s quorate.vmdk)/; s/@CAPACITY@/$(stat -c %s quorate.raw)/; s/@VERSION@/$(setting ImageVersion)/" \
			"$root/image/quorate.ovf" >quorate.ovf
		sha256sum quorate.ovf quorate.vmdk | sed 's/^\([0-9a-f]*\)  \(.*\)/SHA256(\2)= \1/' >quorate.mf
		tar --format=ustar --owner=0 --group=0 --numeric-owner --mode=0644 --mtime="@$(setting SourceDateEpoch)" \
			-cf quorate.ova.new quorate.ovf quorate.mf quorate.vmdk
		mv quorate.ova.new quorate.ova
		rm quorate.ovf quorate.mf
	)
}

# partition DISK NAME — where the partition of that name begins and how long it is, in sectors.
partition() {
	sfdisk --json "$1" 2>/dev/null | python3 -c 'import json, sys
print(*next((p["start"], p["size"]) for p in json.load(sys.stdin)["partitiontable"]["partitions"] if p["name"] == sys.argv[1]))' "$2"
}
