package gpt

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"unicode/utf16"
)

// Disk is what has a table.
type Disk interface {
	io.ReaderAt
	io.WriterAt
	Sync() error // as of os.File: what was written is on the medium
}

// Sector is the size of a logical block, in bytes. The appliance's disks have no
// other: its image is made of them.
const Sector = 512

// Where things are in a header (table 5.5) and in an entry (table 5.6).
const (
	headerSize = 92
	headerCRC  = 16
	otherLBA   = 32
	entriesLBA = 72
	entryCount = 80
	entrySize  = 84
	entriesCRC = 88
	nameAt     = 56
	nameLength = 72 // of UTF-16, in bytes
)

// maxEntries bounds the array, in bytes; 128 entries of 128 bytes are usual.
const maxEntries = 1 << 20

// ErrNoPartition says that no partition has the name, or more than one.
var ErrNoPartition = errors.New("not one partition has this name")

// table is one of the two copies.
type table struct {
	at      int64 // of the header, in bytes
	header  []byte
	entries []byte
}

// Rename gives the one partition of a name another. The copy at the end of the
// disk is written first, and is on the medium before the first is touched: the
// name the next start sees changes last, and one copy is whole at any time.
func Rename(disk Disk, from, to string) error {
	primary, err := read(disk, Sector)
	if err != nil {
		return fmt.Errorf("reading partition table: %w", err)
	}
	backup, err := read(disk, int64(binary.LittleEndian.Uint64(primary.header[otherLBA:]))*Sector)
	if err != nil {
		return fmt.Errorf("reading copy of partition table: %w", err)
	}
	for _, t := range []*table{backup, primary} {
		if err := t.rename(from, to); err != nil {
			return err
		}
	}
	for _, t := range []*table{backup, primary} {
		if err := t.write(disk); err != nil {
			return fmt.Errorf("writing partition table: %w", err)
		}
		if err := disk.Sync(); err != nil {
			return fmt.Errorf("writing partition table: %w", err)
		}
	}
	return nil
}

func read(disk Disk, at int64) (*table, error) {
	t := &table{at: at, header: make([]byte, Sector)}
	if _, err := disk.ReadAt(t.header, at); err != nil {
		return nil, err
	}
	if !bytes.HasPrefix(t.header, []byte("EFI PART")) || t.sum() != binary.LittleEndian.Uint32(t.header[headerCRC:]) {
		return nil, errors.New("its header is damaged")
	}
	length := int64(t.word(entryCount)) * int64(t.word(entrySize))
	if length > maxEntries || t.word(entrySize) < nameAt+nameLength {
		return nil, errors.New("its array of partitions has no size that can be")
	}
	t.entries = make([]byte, length)
	if _, err := disk.ReadAt(t.entries, t.entriesAt()); err != nil {
		return nil, err
	}
	if crc32.ChecksumIEEE(t.entries) != t.word(entriesCRC) {
		return nil, errors.New("its array of partitions is damaged")
	}
	return t, nil
}

func (t *table) word(at int) uint32 { return binary.LittleEndian.Uint32(t.header[at:]) }

func (t *table) entriesAt() int64 {
	return int64(binary.LittleEndian.Uint64(t.header[entriesLBA:])) * Sector
}

// sum is the header's checksum, taken with its own field as zeroes.
func (t *table) sum() uint32 {
	header := bytes.Clone(t.header[:headerSize])
	clear(header[headerCRC : headerCRC+4])
	return crc32.ChecksumIEEE(header)
}

func (t *table) rename(from, to string) error {
	var found [][]byte
	for entry := range sliced(t.entries, int(t.word(entrySize))) {
		if name := entry[nameAt : nameAt+nameLength]; bytes.Equal(name, encoded(from)) {
			found = append(found, name)
		}
	}
	if len(found) != 1 {
		return fmt.Errorf("%q: %w", from, ErrNoPartition)
	}
	copy(found[0], encoded(to))
	binary.LittleEndian.PutUint32(t.header[entriesCRC:], crc32.ChecksumIEEE(t.entries))
	binary.LittleEndian.PutUint32(t.header[headerCRC:], t.sum())
	return nil
}

// sliced yields data in pieces of a size; what is left at the end is none.
func sliced(data []byte, size int) func(yield func([]byte) bool) {
	return func(yield func([]byte) bool) {
		for ; len(data) >= size; data = data[size:] {
			if !yield(data[:size]) {
				return
			}
		}
	}
}

// encoded is a name as the table has it: UTF-16, filled up with zeroes.
func encoded(name string) []byte {
	out := make([]byte, nameLength)
	for i, unit := range utf16.Encode([]rune(name)) {
		if 2*i < nameLength {
			binary.LittleEndian.PutUint16(out[2*i:], unit)
		}
	}
	return out
}

func (t *table) write(disk Disk) error {
	if _, err := disk.WriteAt(t.entries, t.entriesAt()); err != nil {
		return err
	}
	_, err := disk.WriteAt(t.header, t.at)
	return err
}
