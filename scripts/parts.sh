# Sourced by scripts/image: the parts of an update, and whose signature a node takes.
# shellcheck shell=bash
: "${build:?}"

# update_keys — the file with the public keys of those who may sign updates.
update_keys() {
	local keys=$build/keys
	if [ -n "${QUORATE_UPDATE_KEYS:-}" ]; then
		[ -r "$QUORATE_UPDATE_KEYS" ] || fail "$QUORATE_UPDATE_KEYS cannot be read."
		echo "$QUORATE_UPDATE_KEYS"
		return
	fi
	if [ ! -e "$keys/update.pem" ]; then
		say "Making a key for development in .build/keys: it signs updates of images built here, until QUORATE_UPDATE_KEYS names others"
		install -d -m 0700 "$keys"
		openssl genpkey -algorithm ed25519 -out "$keys/update.key"
		openssl pkey -in "$keys/update.key" -pubout -out "$keys/update.pem.new"
		mv "$keys/update.pem.new" "$keys/update.pem"
	fi
	echo "$keys/update.pem"
}

# part FOLDER NAME FROM — a file of the update and its line in the manifest. Zeroes at the end are left out of the file.
part() {
	local to=$1/$2 name=$2 from=$3 size extent
	extent=$(stat -c %s "$from")
	size=$(python3 -c '
import os, sys
with open(sys.argv[1], "rb") as file:
    end = os.fstat(file.fileno()).st_size
    while end > 0:
        file.seek(max(0, end - (1 << 20)))
        kept = file.read(min(end, 1 << 20)).rstrip(b"\0")
        end = max(0, end - (1 << 20))
        if kept:
            end += len(kept)
            break
print(end)' "$from")
	head -c "$size" "$from" >"$to"
	printf '{"name":"%s","size":%s,"extent":%s,"sha256":"%s"}' "$name" "$size" "$extent" "$(sha256sum <"$to" | cut -d ' ' -f 1)"
}

# uuid HEX — with its hyphens.
uuid() { sed -E 's/^(.{8})(.{4})(.{4})(.{4})(.{12})$/\1-\2-\3-\4-\5/' <<<"$1"; }

# parts BUILT VERSION FOLDER — makes the folder the parts of an update, of what mkosi has left under the name BUILT, and
# the manifest that is to be signed. The UUIDs of the partitions are the two halves of the hash of /usr
# (systemd-veritysetup-generator(8), usrhash=).
parts() {
	local from=$1 version=$2 folder=$3 to=$3.new hash list
	say "Taking out the parts of an update"
	rm -rf "$to"
	mkdir "$to"
	hash=$(command_line "$from.efi" | grep -o 'usrhash=[0-9a-f]*' | cut -d = -f 2)
	list=$(part "$to" "quorate_${version}_$(uuid "${hash:32:32}").usr-verity.raw" "$from.usr-verity.raw"),
	list+=$(part "$to" "quorate_${version}_$(uuid "${hash:0:32}").usr.raw" "$from.usr.raw"),
	list+=$(part "$to" "quorate_$version.efi" "$from.efi")
	printf '{"format":1,"product":"quorate","architecture":"x86-64","version":"%s","parts":[%s]}\n' "$version" "$list" >"$to/manifest.json"
	rm -rf "$folder" "$from".usr.raw "$from".usr-verity.raw
	mv "$to" "$folder"
}

# command_line FILE.efi — the unified kernel image holds it, padded with NUL. By a file: objcopy removes what it was to
# write when it fails, and as root that can be /dev/stdout.
command_line() {
	objcopy -O binary --only-section=.cmdline "$1" "$build/cmdline" || fail "$1 has no command line."
	tr -d '\0' <"$build/cmdline"
	rm "$build/cmdline"
}
